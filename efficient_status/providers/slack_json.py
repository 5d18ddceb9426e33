"""Slack, `/api/v2.0.0/current` and `/api/v2.0.0/history`.

`current` shows what is active, so absence closes there; `history` is a bare list.  `date_updated` may
move long after the last note; times have the page's own offset.
"""

from __future__ import annotations

from efficient_status.models import Impact, Kind, State
from efficient_status.providers.report_json import (
    Page,
    Report,
    array,
    as_object,
    is_list_of,
    is_object,
    newest,
    objects,
    string,
    strings,
)
from efficient_status.providers.words import state_of

_IMPACTS = {
    "notice": Impact.NONE,
    "incident": Impact.MINOR,
    "outage": Impact.MAJOR,
    "maintenance": Impact.MAINTENANCE,
}
_STATES = {"active": State.INVESTIGATING, "ok": State.RESOLVED, "cancelled": State.RESOLVED}
_PLANNED = {"active": State.IN_PROGRESS, "cancelled": State.COMPLETED, "resolved": State.COMPLETED}


def evidence(document: object) -> str | None:
    """Why this is Slack's, or None."""
    if is_object(document, "active_incidents", "status"):
        return "status and active_incidents"
    if is_list_of(document, "notes", "services", "date_created"):
        return "a list of objects with services and notes"
    return None


def page(document: object) -> Page:
    """What the document says of its page."""
    return Page("Slack", "https://slack-status.com/", absence_closes=isinstance(document, dict))


def reports(document: object) -> list[object]:
    """Its raw incidents."""
    return document if isinstance(document, list) else array(document, "active_incidents")


def report(raw: object) -> Report:
    """Read one."""
    incident = as_object(raw)
    notes = objects(incident, "notes")
    last = newest(notes, "date_created")
    kind, status = string(incident, "type"), string(incident, "status")
    planned = kind == "maintenance" or status in ("scheduled", "completed")
    state = (_PLANNED if planned else _STATES).get(status) or state_of(status)
    return Report(
        id=string(incident, "id"),
        title=string(incident, "title"),
        state=state or State.UNKNOWN,
        kind=Kind.MAINTENANCE if planned else Kind.INCIDENT,
        impact=_IMPACTS.get(kind),
        components=strings(incident, "services"),
        body=string(last, "body"),
        update=string(last, "date_created"),
        updates=len(notes) or None,
        link=string(incident, "url"),
        started=string(incident, "date_created"),
        updated=string(last, "date_created") or string(incident, "date_updated", "date_created"),
        stamp=string(incident, "date_updated"),
    )
