"""Apple, `system_status_*.js`: JSON, or JSONP on the developers' page.

Events stand under each service they touch, with one `messageId`; those are one incident.  An event
has one text, which is replaced, and stays for a while when it is over.
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
    objects,
    string,
)
from efficient_status.providers.words import state_of

_IMPACTS = {
    "outage": Impact.MAJOR,
    "issue": Impact.MINOR,
    "performance": Impact.MINOR,
    "maintenance": Impact.MAINTENANCE,
}
_MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()
_SERVICES = "\0services"


def evidence(document: object) -> str | None:
    """Why this is Apple's, or None."""
    services = objects(document, "services")
    if services and all(is_object(each, "serviceName", "events") for each in services):
        return "services with serviceName and events"
    return None


def page(document: object) -> Page:  # noqa: ARG001 - both of its pages look the same
    """What the document says of its page."""
    return Page("Apple", "https://www.apple.com/support/systemstatus/")


def reports(document: object) -> list[object]:
    """Its events, each once, with the names of its services."""
    events: dict[str, Object] = {}
    odd: list[object] = []
    for service in objects(document, "services"):
        name = string(service, "serviceName")
        for raw in array(service, "events"):
            if not isinstance(raw, dict):
                odd.append(raw)
                continue
            id_ = string(raw, "messageId") or f"{name}/{string(raw, 'epochStartDate')}"
            event = events.setdefault(id_, {**raw, "id": id_, _SERVICES: []})
            held = event[_SERVICES]
            assert isinstance(held, list)
            held.append(name)
    return [*events.values(), *odd]


def report(raw: object) -> Report:
    """Read one."""
    event = as_object(raw)
    kind = string(event, "statusType").strip()
    maintenance = kind.casefold() == "maintenance"
    services = sorted({str(name) for name in array(event, _SERVICES)} - {""})
    over = event.get("epochEndDate") if _word(event) in ("resolved", "completed") else None
    return Report(
        id=string(event, "id"),
        title=f"{', '.join(services)}: {kind or 'Event'}",
        state=_state(event, maintenance=maintenance),
        kind=Kind.MAINTENANCE if maintenance else Kind.INCIDENT,
        impact=_IMPACTS.get(kind.casefold()),
        components=services,
        body=string(event, "message"),
        link=string(event, "redirectUrl"),
        started=event.get("epochStartDate"),
        updated=over or _posted(string(event, "datePosted")) or event.get("epochStartDate"),
    )


def _word(event: Object) -> str:
    return string(event, "eventStatus").strip().casefold()


def _state(event: Object, *, maintenance: bool) -> State:
    word = _word(event)
    if maintenance:
        planned = {"ongoing": State.IN_PROGRESS, "resolved": State.COMPLETED}
        return planned.get(word) or state_of(word) or State.SCHEDULED
    if word == "completed":
        return State.RESOLVED
    return state_of(word) or State.INVESTIGATING


def _posted(text: str) -> str:
    """«03/04/2026 09:12 PST» in the order of RFC 822."""
    date, _, clock = text.strip().partition(" ")
    month, *rest = date.split("/")
    if len(rest) != 2 or not (month.isdecimal() and month.isascii() and len(month) < 3):
        return ""
    if not 1 <= int(month) <= len(_MONTHS):
        return ""
    return f"{rest[0]} {_MONTHS[int(month) - 1]} {rest[1]} {clock}"
