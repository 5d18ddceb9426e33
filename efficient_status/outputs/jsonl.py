"""JSON Lines for programs (contract «JSON»): one object a line, UTF-8, every key always present."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from efficient_status.harmless import HARMFUL
from efficient_status.models import Event


def line(event: Event) -> str:
    """One event as one line, for every idea of a line; what could harm a terminal is escaped."""
    incident = event.incident
    text = json.dumps(
        {
            "event": event.happening,
            "provider": event.provider,
            "provider_name": event.provider_name,
            "incident": incident.id,
            "title": incident.title,
            "kind": incident.kind,
            "state": incident.state,
            "impact": incident.impact,
            "product": event.product,
            "components": sorted(incident.components),
            "message": incident.message,
            "url": incident.url,
            "started_at": _rfc3339(incident.started_at),
            "updated_at": _rfc3339(incident.updated_at),
            "seen_at": _rfc3339(event.seen_at),
        },
        ensure_ascii=False,
    )
    return HARMFUL.sub(lambda found: json.dumps(found[0])[1:-1], text) + "\n"


def _rfc3339(moment: datetime | None) -> str | None:
    """UTC with Z; milliseconds where there are any."""
    if moment is None:
        return None
    moment = moment.astimezone(UTC)
    spec = "milliseconds" if moment.microsecond // 1000 else "seconds"
    return moment.isoformat(timespec=spec).replace("+00:00", "Z")
