"""Sorry, `/api/v1/notices`: a history of planned and unplanned notices, newest update only."""

from __future__ import annotations

from efficient_status.models import Impact, Kind, State
from efficient_status.providers.report_json import (
    Page,
    Report,
    array,
    as_object,
    is_object,
    member,
    names,
    string,
)
from efficient_status.providers.words import state_of

_STATES = {
    "underway": State.IN_PROGRESS,
    "recovering": State.MONITORING,
    "false_alarm": State.RESOLVED,
    "cancelled": State.COMPLETED,
}


def evidence(document: object) -> str | None:
    """Why this is Sorry's, or None."""
    if not is_object(document, "notices") or not isinstance(as_object(document)["notices"], list):
        return None
    return "a list of notices"


def page(document: object) -> Page:
    """What the document says of its page."""
    about = member(document, "page")
    return Page(string(about, "name"), string(about, "url"))


def reports(document: object) -> list[object]:
    """Its raw notices."""
    return array(document, "notices")


def report(raw: object) -> Report:
    """Read one."""
    notice = as_object(raw)
    last = member(notice, "latest_update")
    planned = string(notice, "type") == "planned"
    word = string(notice, "state")
    over = string(notice, "ended_at") or string(notice, "timeline_state").startswith("past")
    closed = (State.COMPLETED if planned else State.RESOLVED) if over else State.UNKNOWN
    begun = string(notice, "began_at", "begins_at", "created_at")
    return Report(
        id=string(notice, "id"),
        title=string(notice, "subject"),
        state=_STATES.get(word) or state_of(word) or closed,
        kind=Kind.MAINTENANCE if planned else Kind.INCIDENT,
        impact=Impact.MAINTENANCE if planned else None,
        components=names(notice, "components"),
        body=string(last, "content") or string(notice, "synopsis"),
        update=f"{string(last, 'id')} {word}",
        link=string(notice, "url", "link"),
        started=begun,
        updated=string(last, "created_at") or string(notice, "updated_at") or begun,
        stamp=string(notice, "updated_at"),
    )
