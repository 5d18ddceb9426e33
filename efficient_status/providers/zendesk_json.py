"""Zendesk, `/api/incidents/active`: JSON:API, open incidents only, so absence closes.

Updates and services stand in `included`; no more than ten requests a minute are allowed.
"""

from __future__ import annotations

from efficient_status.models import Impact, Kind, State
from efficient_status.providers.report_json import (
    Object,
    Page,
    Report,
    array,
    as_object,
    flat,
    is_list_of,
    is_object,
    member,
    newest,
    objects,
    string,
)
from efficient_status.providers.words import state_of

_IMPACTS = {"minor": Impact.MINOR, "major": Impact.MAJOR, "critical": Impact.CRITICAL}
_INDEX = "\0included"
_JSON_API = {"data", "included", "meta", "links", "jsonapi"}


def evidence(document: object) -> str | None:
    """Why this is Zendesk's, or None."""
    if not isinstance(document, dict):
        return None
    data = array(document, "data")
    first = data[0] if data else None
    if is_list_of(data, "attributes") and "incident" in string(first, "type"):
        return "JSON:API data of type incident"
    # What it says when all is well.
    if document.get("data") == [] and set(document) <= _JSON_API and not member(document, "meta"):
        return "an empty JSON:API list"
    return None


def page(document: object) -> Page:  # noqa: ARG001 - it does not speak of its page
    """What the document says of its page."""
    return Page("Zendesk", "https://status.zendesk.com/", absence_closes=True)


def reports(document: object) -> list[object]:
    """Its raw incidents, each with the objects it refers to."""
    index = {  # copied once each: a document may refer to one of them as often as it likes
        (string(each, "type"), string(each, "id")): flat(each)
        for each in objects(document, "included")
    }
    return [
        {**raw, _INDEX: [_related(raw, name, index) for name in _RELATED]}
        if isinstance(raw, dict)
        else raw
        for raw in array(document, "data")
    ]


_RELATED = ("incident_updates", "incident_services", "services")


def _related(raw: Object, name: str, index: dict[tuple[str, str], Object]) -> list[Object]:
    """What a relationship refers to."""
    links = objects(member(member(raw, "relationships"), name), "data")
    found = (index.get((string(link, "type"), string(link, "id"))) for link in links)
    return [each for each in found if each]


def report(raw: object) -> Report:
    """Read one."""
    incident = as_object(raw)
    about = member(incident, "attributes")
    updates, *services = (objects({"": each}, "") for each in array(incident, _INDEX))
    last = newest(updates, "created_at")
    id_, status = string(incident, "id"), string(about, "status")
    planned = is_object(about, "scheduled_for") or "maintenance" in string(incident, "type")
    over = State.RESOLVED if string(about, "resolved_at") else None
    return Report(
        id=id_,
        title=string(about, "title", "name"),
        state=over or state_of(status) or State.INVESTIGATING,
        kind=Kind.MAINTENANCE if planned else Kind.INCIDENT,
        impact=_IMPACTS.get(string(about, "impact")),
        components=[string(each, "name", "service_name") for held in services for each in held],
        body=string(last, "description") or string(about, "postmortem"),
        update=string(last, "id"),
        updates=len(updates) or None,
        link=f"incidents/{id_}",
        started=string(about, "started_at"),
        updated=string(last, "created_at") or string(about, "updated_at", "started_at"),
    )
