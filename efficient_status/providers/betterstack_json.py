"""Better Stack, `/index.json`: JSON:API, a page and what belongs to it in `included`.

The only place where Better Stack shows a state: `aggregate_state` of a report.  `ends_at` was seen
null where that said resolved.  Updates have no order; the newest is the one published last.
"""

from __future__ import annotations

from efficient_status.models import Impact, Kind, State
from efficient_status.providers.report_json import (
    Object,
    Page,
    Report,
    as_object,
    flat,
    is_object,
    member,
    newest,
    objects,
    string,
)

_IMPACTS = {
    "degraded": Impact.MINOR,
    "downtime": Impact.MAJOR,
    "maintenance": Impact.MAINTENANCE,
}
_OVER = {"resolved", "operational"}


def evidence(document: object) -> str | None:
    """Why this is Better Stack's, or None."""
    data = member(document, "data")
    if string(data, "type") == "status_page" and is_object(data, "attributes"):
        return "JSON:API data of type status_page"
    return None


def page(document: object) -> Page:
    """What the document says of its page."""
    about = member(member(document, "data"), "attributes")
    domain = string(about, "custom_domain")
    return Page(string(about, "company_name"), f"https://{domain}/" if domain else "")


def reports(document: object) -> list[object]:
    """Its raw reports, each with its updates and the names of what it affects."""
    included = objects(document, "included")
    by_type: dict[str, dict[str, Object]] = {}
    for each in included:
        by_type.setdefault(string(each, "type"), {})[string(each, "id")] = each
    # Copied once each: a document may refer to one of them as often as it likes.
    updates = {id_: flat(each) for id_, each in by_type.get("status_update", {}).items()}
    resources = by_type.get("status_page_resource", {})
    return [
        {
            "id": string(raw, "id"),
            "report": raw.get("attributes"),
            "updates": _updates(raw, updates),
            "names": _names(raw, resources),
        }
        for raw in by_type.get("status_report", {}).values()
    ]


def _updates(raw: Object, updates: dict[str, Object]) -> list[Object]:
    links = objects(member(member(raw, "relationships"), "status_updates"), "data")
    found = (updates.get(string(link, "id")) for link in links)
    return [each for each in found if each]


def _names(raw: Object, resources: dict[str, Object]) -> list[object]:
    affected = objects(member(raw, "attributes"), "affected_resources")
    found = (resources.get(string(each, "status_page_resource_id")) for each in affected)
    return [{"name": string(member(each, "attributes"), "public_name")} for each in found if each]


def report(raw: object) -> Report:
    """Read one."""
    joined = as_object(raw)
    about = as_object(joined.get("report"))
    updates = objects(joined, "updates")
    last = newest(updates, "published_at")
    word = string(about, "aggregate_state")
    planned = string(about, "report_type") == "maintenance"
    started = string(about, "starts_at")
    return Report(
        id=string(joined, "id"),
        title=string(about, "title"),
        state=_state(word, planned=planned, ends=string(about, "ends_at")),
        kind=Kind.MAINTENANCE if planned else Kind.INCIDENT,
        impact=_IMPACTS.get(word),
        components=[string(each, "name") for each in objects(joined, "names")],
        body=string(last, "message"),
        update=string(last, "id"),
        updates=len(updates) or None,
        link=f"incident/{string(joined, 'id')}",
        started=started,
        updated=string(last, "published_at") or started,
    )


def _state(word: str, *, planned: bool, ends: str) -> State:
    """A maintenance that is «operational» has not begun, or is over: only the end tells."""
    if not planned:
        return State.RESOLVED if word in _OVER else State.INVESTIGATING
    if word == "operational" and ends:
        return State.SCHEDULED
    return State.COMPLETED if word in _OVER else State.IN_PROGRESS
