"""Heroku, `/api/v4/current-status` (and its history, `/api/v4/incidents`).

`current-status` shows what is going on, so absence closes there.  `resolved` was seen false where
`state` says resolved, so either is believed.  Updates are newest first.  `scheduled` keeps
maintenances that are long over as «upcoming».
"""

from __future__ import annotations

from efficient_status.models import MAINTENANCE_STATES, Impact, Kind, State
from efficient_status.providers.report_json import (
    Object,
    Page,
    Report,
    array,
    as_object,
    is_list_of,
    is_object,
    names,
    newest,
    objects,
    string,
)
from efficient_status.providers.words import state_of

_IMPACTS = {"green": Impact.NONE, "blue": Impact.MAINTENANCE, "yellow": Impact.MINOR, "red": Impact.MAJOR}  # fmt: skip
_WORST = [Impact.MAJOR, Impact.MINOR, Impact.MAINTENANCE, Impact.NONE]


def evidence(document: object) -> str | None:
    """Why this is Heroku's, or None."""
    systems = objects(document, "status")
    if is_object(document, "incidents", "scheduled") and all("system" in s for s in systems):
        return "status, incidents and scheduled"
    if is_list_of(document, "full_url", "state", "updates"):
        return "a list of objects with full_url, state and updates"
    return None


def page(document: object) -> Page:
    """What the document says of its page."""
    return Page("Heroku", "https://status.heroku.com/", absence_closes=isinstance(document, dict))


def reports(document: object) -> list[object]:
    """Its raw incidents and maintenances."""
    if isinstance(document, list):
        return document
    return [*array(document, "incidents"), *array(document, "scheduled")]


def report(raw: object) -> Report:
    """Read one."""
    incident = as_object(raw)
    updates = objects(incident, "updates")
    last = newest(updates, "created_at", "updated_at")
    state = _state(incident, last)
    planned = string(last, "update_type") == "scheduled" or state in MAINTENANCE_STATES
    return Report(
        id=string(incident, "id"),
        title=string(incident, "title"),
        state=State.COMPLETED if planned and state is State.RESOLVED else state,
        kind=Kind.MAINTENANCE if planned else Kind.INCIDENT,
        impact=_impact(incident),
        components=names(incident, "systems"),
        body=string(last, "contents"),
        update=f"{string(last, 'id', 'created_at')} {string(last, 'update_type')}",
        updates=len(updates) or None,
        link=string(incident, "full_url") or f"incidents/{string(incident, 'id')}",
        started=string(incident, "created_at"),
        updated=string(last, "created_at") or string(incident, "updated_at", "created_at"),
        stamp=string(incident, "updated_at"),
    )


def _state(incident: Object, last: Object) -> State:
    word = string(incident, "state")
    if incident.get("resolved") is True:
        return State.RESOLVED
    return state_of(word) or state_of(string(last, "update_type")) or State.INVESTIGATING


def _impact(incident: Object) -> Impact | None:
    """The worst of what the systems show; they have no colour once it is over."""
    shown = [_IMPACTS.get(string(system, "status")) for system in objects(incident, "systems")]
    return next((impact for impact in _WORST if impact in shown), None)
