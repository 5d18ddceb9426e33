"""FlashDuty (DeepSeek since 2026): `data.active_changes`, so absence closes.

Updates are oldest first; times are epochs in seconds, and 0 where there is none.
"""

from __future__ import annotations

from efficient_status.models import MAINTENANCE_STATES, Kind, State
from efficient_status.providers.report_json import (
    Page,
    Report,
    array,
    as_object,
    is_object,
    member,
    names,
    newest,
    objects,
    string,
)
from efficient_status.providers.words import state_of

_STATES = {"ongoing": State.IN_PROGRESS}


def evidence(document: object) -> str | None:
    """Why this is FlashDuty's, or None."""
    if is_object(member(document, "data"), "active_changes"):
        return "data with active_changes"
    return None


def page(document: object) -> Page:
    """What the document says of its page."""
    about = member(member(document, "data"), "page")
    link = string(about, "custom_domain", "url")
    return Page(string(about, "name", "page_name"), link, absence_closes=True)


def reports(document: object) -> list[object]:
    """Its raw changes."""
    return array(member(document, "data"), "active_changes")


def report(raw: object) -> Report:
    """Read one."""
    change = as_object(raw)
    updates = objects(change, "updates")[::-1]  # newest first, so that it wins among equals
    last = newest(updates, "at_seconds")
    word = string(change, "status") or string(last, "status")
    state = _STATES.get(word) or state_of(word)
    planned = string(change, "type") == "maintenance" or state in MAINTENANCE_STATES
    if change.get("close_at_seconds"):
        state = State.COMPLETED if planned else State.RESOLVED
    return Report(
        id=string(change, "change_id"),
        title=string(change, "title"),
        state=state or (State.SCHEDULED if planned else State.INVESTIGATING),
        kind=Kind.MAINTENANCE if planned else Kind.INCIDENT,
        components=names(change, "affected_components"),
        body=string(last, "description"),
        update=f"{string(last, 'update_id')} {string(last, 'status')}",
        updates=len(updates) or None,
        started=change.get("start_at_seconds"),
        updated=last.get("at_seconds") or change.get("start_at_seconds"),
    )
