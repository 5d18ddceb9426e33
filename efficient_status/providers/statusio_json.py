"""Status.io, `api.status.io/1.0/status/PAGE`.

It shows what is going on, so absence closes.  States are numbers, or words in the newer form; the
newest message is the one with the latest time.
"""

from __future__ import annotations

from efficient_status.models import Impact, Kind, State
from efficient_status.providers.report_json import (
    Object,
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

_STATES = {
    "100": State.INVESTIGATING,
    "200": State.IDENTIFIED,
    "300": State.MONITORING,
    "400": State.RESOLVED,
}
_IMPACTS = {
    "100": Impact.NONE,
    "200": Impact.MAINTENANCE,
    "300": Impact.MINOR,
    "400": Impact.MAJOR,
    "500": Impact.CRITICAL,
    "600": Impact.CRITICAL,
}
_PHASE = "\0phase"


def evidence(document: object) -> str | None:
    """Why this is Status.io's, or None."""
    if is_object(member(document, "result"), "status_overall"):
        return "result with status_overall"
    return None


def page(document: object) -> Page:  # noqa: ARG001 - it has neither name nor link
    """What the document says of its page."""
    return Page(absence_closes=True)


def reports(document: object) -> list[object]:
    """Its raw incidents and maintenances."""
    result = member(document, "result")
    planned = member(result, "maintenance")
    return [
        *array(result, "incidents"),
        *({**raw, _PHASE: State.IN_PROGRESS} for raw in objects(planned, "active")),
        *({**raw, _PHASE: State.SCHEDULED} for raw in objects(planned, "upcoming")),
    ]


def report(raw: object) -> Report:
    """Read one."""
    incident = as_object(raw)
    messages = objects(incident, "messages")
    last = newest(messages, "datetime")
    phase = incident.get(_PHASE)
    opened = string(incident, "datetime_open")
    return Report(
        id=string(incident, "_id"),
        title=string(incident, "name"),
        state=phase if isinstance(phase, State) else _state(last),
        kind=Kind.MAINTENANCE if phase else Kind.INCIDENT,
        impact=_impact(incident, last, planned=bool(phase)),
        components=[*names(incident, "components_affected")],
        body=string(last, "details"),
        update=f"{string(last, 'datetime')} {string(last, 'state')}",
        updates=len(messages) or None,
        started=string(incident, "datetime_planned_start") if phase else opened,
        updated=string(last, "datetime") or opened,
    )


def _state(message: Object) -> State:
    word = string(message, "state")
    return _STATES.get(word) or state_of(word) or State.INVESTIGATING


def _impact(incident: Object, last: Object, *, planned: bool) -> Impact | None:
    if planned:
        return Impact.MAINTENANCE
    return _IMPACTS.get(string(last, "status")) or _IMPACTS.get(string(incident, "status_code"))
