"""Instatus, `/summary.json` (also under `/v2/` and `/v3/`).

It shows only what is going on, and leaves both arrays out when they are empty, so absence
closes.  There are no texts and no components.  `page.status` is not to be trusted: it was seen UP
during an incident and HASISSUES without one.
"""

from __future__ import annotations

from efficient_status.models import Impact, Kind, State
from efficient_status.providers.report_json import (
    Object,
    Page,
    Report,
    array,
    as_object,
    member,
    string,
)
from efficient_status.providers.words import state_of

_PAGE = {"UP", "HASISSUES", "UNDERMAINTENANCE"}
_STATES = {"NOTSTARTEDYET": State.SCHEDULED, "INPROGRESS": State.IN_PROGRESS}
_IMPACTS = {
    "OPERATIONAL": Impact.NONE,
    "UNDERMAINTENANCE": Impact.MAINTENANCE,
    "DEGRADEDPERFORMANCE": Impact.MINOR,
    "MINOROUTAGE": Impact.MINOR,
    "PARTIALOUTAGE": Impact.MAJOR,
    "MAJOROUTAGE": Impact.CRITICAL,
}


def evidence(document: object) -> str | None:
    """Why this is Instatus', or None."""
    status = string(member(document, "page"), "status")
    return f"page status {status}" if status in _PAGE else None


def page(document: object) -> Page:
    """What the document says of its page."""
    about = member(document, "page")
    return Page(string(about, "name"), string(about, "url"), absence_closes=True)


def reports(document: object) -> list[object]:
    """Its raw incidents and maintenances."""
    incidents = array(document, "activeIncidents")
    return [*incidents, *array(document, "activeMaintenances")]


def report(raw: object) -> Report:
    """Read one."""
    incident: Object = as_object(raw)
    status = string(incident, "status")
    maintenance = "start" in incident or status in _STATES
    state = _STATES.get(status) or state_of(status)
    impact = Impact.MAINTENANCE if maintenance else _IMPACTS.get(string(incident, "impact"))
    started = string(incident, "started", "start")
    return Report(
        id=string(incident, "id", "url"),
        title=string(incident, "name"),
        state=state or (State.SCHEDULED if maintenance else State.INVESTIGATING),
        kind=Kind.MAINTENANCE if maintenance else Kind.INCIDENT,
        impact=impact,
        link=string(incident, "url"),
        started=started,
        updated=string(incident, "updatedAt") or started,
    )
