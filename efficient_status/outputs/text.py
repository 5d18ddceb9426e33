"""Blocks for people (contract «Text»): the first three lines keep their shape.

[2026-02-23 16:09:30] OpenAI
Product: ChatGPT (Conversations, Login)
Status: Elevated Error Rate
Investigating - We are looking into elevated error rates.
https://status.openai.com/incidents/01…
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo

from efficient_status.harmless import one_line
from efficient_status.models import Event, Incident, State


def in_zone(zone: tzinfo | None) -> Callable[[Event], str]:
    """A format that shows times in this zone; None = the machine's."""
    return lambda event: block(event, zone)


def block(event: Event, zone: tzinfo | None) -> str:
    """One event, with a blank line after it."""
    incident = event.incident
    when = (incident.updated_at or incident.started_at or event.seen_at).astimezone(zone)
    parts = f" ({', '.join(incident.components)})" if incident.components else ""
    lines = [
        f"[{when:%Y-%m-%d %H:%M:%S}] {event.provider_name}",
        f"Product: {event.product}{parts}",
        f"Status: {incident.title}",
        _newest(incident),
        incident.url or "",
    ]
    return "\n".join(_folded(line) for line in lines if line) + "\n\n"


def _newest(incident: Incident) -> str:
    known = incident.state is not State.UNKNOWN
    return " - ".join(filter(None, [incident.state.label if known else "", incident.message]))


def _folded(line: str) -> str:
    """One line that cannot harm a terminal; whatever ends a line somewhere is a blank."""
    return one_line(" ".join(line.split()), len(line))
