"""JSON Lines for programs (contract «JSON»): one object a line, UTF-8, every key always present."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from efficient_status.harmless import HARMFUL
from efficient_status.models import Event, Incident


def line(event: Event) -> str:
    """One event as one line, for every idea of a line; what could harm a terminal is escaped."""
    return (
        dumped(
            {
                "event": event.happening,
                "provider": event.provider,
                "provider_name": event.provider_name,
                **shown(event.incident, event.product),
                "seen_at": rfc3339(event.seen_at),
            }
        )
        + "\n"
    )


def shown(incident: Incident, product: str) -> dict[str, Any]:
    """An incident's keys."""
    return {
        "incident": incident.id,
        "title": incident.title,
        "kind": incident.kind,
        "state": incident.state,
        "impact": incident.impact,
        "product": product,
        "components": sorted(incident.components),
        "message": incident.message,
        "url": incident.url,
        "started_at": rfc3339(incident.started_at),
        "updated_at": rfc3339(incident.updated_at),
    }


def dumped(value: Any) -> str:
    """JSON on one line in which nothing harms a terminal."""
    text = json.dumps(value, ensure_ascii=False)
    return HARMFUL.sub(lambda found: json.dumps(found[0])[1:-1], text)


def rfc3339(moment: datetime | None) -> str | None:
    """UTC with Z; milliseconds where there are any."""
    if moment is None:
        return None
    moment = moment.astimezone(UTC)
    spec = "milliseconds" if moment.microsecond // 1000 else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")
