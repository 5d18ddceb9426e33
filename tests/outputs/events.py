"""An event to print."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from efficient_status.models import Event, Happening, Impact, Incident, State

FULL = Incident(
    id="https://status.example.test//incidents/01A",
    title="Elevated Error Rate",
    state=State.INVESTIGATING,
    impact=Impact.MAJOR,
    components=("Login", "Conversations"),
    message="We are looking.",
    url="https://status.example.test/incidents/01A",
    started_at=datetime(2026, 2, 23, 15, 30, tzinfo=UTC),
    updated_at=datetime(2026, 2, 23, 16, 9, 30, 123_456, tzinfo=UTC),
)
BARE = Incident(id="1", title="It broke")


def event(incident: Incident = FULL, **changes: Any) -> Event:
    """An event of this incident, or of one that differs so."""
    return Event(
        happening=Happening.NEW,
        provider="example",
        provider_name="Example",
        product="Chat",
        incident=replace(incident, **changes),
        seen_at=datetime(2026, 2, 23, 16, 10, 5, tzinfo=UTC),
    )
