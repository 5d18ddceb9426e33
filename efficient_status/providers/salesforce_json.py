"""Salesforce Trust, `/v1/incidents`.

An incident has no title and no state: it is over when each of its impacts has ended.  Its title is
made of what is impacted and how; components are the instances.
"""

from __future__ import annotations

from efficient_status.models import Impact, State
from efficient_status.providers.report_json import (
    Object,
    Page,
    Report,
    as_object,
    is_list_of,
    member,
    newest,
    objects,
    string,
    strings,
)
from efficient_status.providers.words import state_of

_IMPACTS = {"minor": Impact.MINOR, "major": Impact.MAJOR, "critical": Impact.CRITICAL}
_WORST = [Impact.CRITICAL, Impact.MAJOR, Impact.MINOR]
_NOTES = ("pathToResolution", "actionPlan", "rootCause")


def evidence(document: object) -> str | None:
    """Why this is Salesforce's, or None."""
    if is_list_of(document, "IncidentImpacts") or is_list_of(document, "IncidentEvents"):
        return "a list of objects with IncidentImpacts"
    return None


def page(document: object) -> Page:  # noqa: ARG001 - it does not speak of its page
    """What the document says of its page."""
    return Page("Salesforce", "https://status.salesforce.com/")


def reports(document: object) -> list[object]:
    """Its raw incidents."""
    return document if isinstance(document, list) else []


def report(raw: object) -> Report:
    """Read one."""
    incident = as_object(raw)
    events = objects(incident, "IncidentEvents")
    impacts = objects(incident, "IncidentImpacts")
    last = newest(events, "createdAt", "updatedAt")
    id_ = string(incident, "id")
    return Report(
        id=id_,
        title=_title(incident, impacts),
        state=_state(incident, impacts, last),
        impact=_impact(impacts),
        components=strings(incident, "instanceKeys"),
        body=string(last, "message") or _note(incident),
        update=string(last, "id", "createdAt"),
        updates=len(events) or None,
        link=f"incidents/{id_}",
        started=_started(impacts) or string(incident, "createdAt"),
        updated=string(last, "createdAt") or string(incident, "updatedAt", "createdAt"),
        stamp=string(incident, "updatedAt"),
    )


def _state(incident: Object, impacts: list[Object], last: Object) -> State:
    if impacts and all(string(impact, "endTime") for impact in impacts):
        return State.RESOLVED
    said = state_of(string(incident, "status")) or state_of(string(last, "type"))
    return said or State.INVESTIGATING


def _title(incident: Object, impacts: list[Object]) -> str:
    """«Performance degradation (coreService)» from `performanceDegradation` and `serviceKeys`."""
    kind = string(impacts[0], "type") if impacts else ""
    spaced = "".join(f" {c.lower()}" if c.isupper() else c for c in kind[:100]).strip()
    services = ", ".join(sorted(strings(incident, "serviceKeys")))
    title = (spaced[:1].upper() + spaced[1:]) or "Incident"
    return f"{title} ({services})" if services else title


def _impact(impacts: list[Object]) -> Impact | None:
    shown = [_IMPACTS.get(string(impact, "severity").lower()) for impact in impacts]
    return next((impact for impact in _WORST if impact in shown), None)


def _started(impacts: list[Object]) -> str:
    return min((time for each in impacts if (time := string(each, "startTime"))), default="")


def _note(incident: Object) -> str:
    notes = string(member(incident, "message"), *_NOTES)
    return notes or string(incident, "additionalInformation")
