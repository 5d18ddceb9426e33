"""Cachet 2.x, `/api/v1/incidents`: a history, with paging in `meta`.

Times have no zone and are taken as UTC; texts are Markdown or HTML.
"""

from __future__ import annotations

from efficient_status.models import Kind, State
from efficient_status.providers.report_json import (
    Object,
    Page,
    Report,
    array,
    as_object,
    is_object,
    member,
    newest,
    objects,
    string,
)

_STATES = {
    "0": State.SCHEDULED,
    "1": State.INVESTIGATING,
    "2": State.IDENTIFIED,
    "3": State.MONITORING,
    "4": State.RESOLVED,
}


def evidence(document: object) -> str | None:
    """Why this is Cachet's, or None."""
    paged = is_object(member(document, "meta"), "pagination")
    data = array(document, "data")
    if paged and all(is_object(each, "status", "message") for each in data if each):
        return "paged data with status and message"
    return None


def page(document: object) -> Page:
    """What the document says of its page."""
    links = member(member(member(document, "meta"), "pagination"), "links")
    return Page(link=string(links, "next_page", "previous_page"))


def reports(document: object) -> list[object]:
    """Its raw incidents."""
    return array(document, "data")


def report(raw: object) -> Report:
    """Read one."""
    incident = as_object(raw)
    updates = objects(incident, "updates")
    last: Object = newest(updates, "created_at") or incident
    status = string(last, "status") or string(incident, "latest_status")
    begun = string(incident, "occurred_at", "scheduled_at", "created_at")
    planned = string(incident, "status") == "0"
    return Report(
        id=string(incident, "id"),
        title=string(incident, "name"),
        state=_STATES.get(status, State.UNKNOWN),
        kind=Kind.MAINTENANCE if planned else Kind.INCIDENT,
        components=[string(member(incident, "component"), "name")],
        body=string(last, "message"),
        update=f"{string(last, 'id')} {status}",
        updates=len(updates) + 1,
        link=string(incident, "permalink") or f"/incidents/{string(incident, 'id')}",
        started=begun,
        updated=string(last, "created_at") if updates else string(incident, "updated_at") or begun,
        stamp=string(incident, "updated_at"),
    )
