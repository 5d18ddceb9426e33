"""Atlassian Statuspage's JSON, and incident.io's copy of it, `/api/v2/*.json`.

`incidents.json` and `scheduled-maintenances.json` are histories; `summary.json` and
`incidents/unresolved.json` drop what is over, and say so in no other way.  Updates are newest
first, `affected_components` may be null.  incident.io (a page id of 26 characters) leaves texts
and components empty, and writes null for an empty list.
"""

from __future__ import annotations

from efficient_status.harmless import one_line
from efficient_status.models import MAINTENANCE_STATES, Impact, Kind, State
from efficient_status.providers.report_json import (
    Object,
    Page,
    Report,
    array,
    as_object,
    is_object,
    member,
    names,
    objects,
    string,
)
from efficient_status.providers.words import state_of

IMPACTS = {impact.value: impact for impact in Impact}
_LISTS = ("incidents", "scheduled_maintenances")
_ULID = 26  # characters


def evidence(document: object) -> str | None:
    """Why this is Statuspage's, or None."""
    page_id = string(member(document, "page"), "id")
    held = [name for name in _LISTS if is_object(document, name)]
    if page_id and held:
        return f"page id {one_line(page_id, 40)} and {' and '.join(held)}"
    return None


def evidence_of_incidentio(document: object) -> str | None:
    """Why this is incident.io's copy of it, or None."""
    page_id = string(member(document, "page"), "id")
    if evidence(document) and len(page_id) == _ULID and page_id.isalnum() and page_id.isupper():
        return f"page id {one_line(page_id)} is a ULID"
    return None


def advice(document: object) -> str | None:
    """What to ask instead of a document that holds the page's state but no incidents."""
    if string(member(document, "page"), "id") and (
        is_object(document, "status") or is_object(document, "components")
    ):
        return (
            "expected a feed, got JSON that holds no incidents: watch /api/v2/incidents.json"
            " or, better, /history.atom of the same host"
        )
    return None


def page(document: object) -> Page:
    """What the document says of its page."""
    about = member(document, "page")
    link = string(about, "url").rstrip("/")
    return Page(string(about, "name"), link and f"{link}/", _shows_only_open(document))


def _shows_only_open(document: object) -> bool:
    """`summary.json` does; a list of incidents of which none is over is `unresolved.json`.

    An `incidents.json` without any that is over is the same thing: nothing has left it yet.
    """
    if is_object(document, "status"):
        return True
    states = [state_of(string(each, "status")) for each in objects(document, "incidents")]
    return is_object(document, "incidents") and not any(state and state.closed for state in states)


def reports(document: object) -> list[object]:
    """Its raw incidents and maintenances."""
    return [raw for name in _LISTS for raw in array(document, name)]


def report(raw: object) -> Report:
    """Read one."""
    incident = as_object(raw)
    updates = objects(incident, "incident_updates")
    newest: Object = updates[0] if updates else {}
    state = state_of(string(incident, "status")) or state_of(string(newest, "status"))
    impact = IMPACTS.get(string(incident, "impact"))
    planned = string(incident, "scheduled_for")
    maintenance = planned or state in MAINTENANCE_STATES or impact is Impact.MAINTENANCE
    return Report(
        id=string(incident, "id"),
        title=string(incident, "name"),
        state=state or State.UNKNOWN,
        kind=Kind.MAINTENANCE if maintenance else Kind.INCIDENT,
        impact=impact,
        components=_components(incident, updates),
        body=string(newest, "body"),
        update=f"{string(newest, 'id')} {string(newest, 'status')}",
        updates=len(updates) or None,
        link=f"incidents/{string(incident, 'id')}",
        started=planned or string(incident, "started_at", "created_at"),
        updated=string(newest, "display_at", "created_at") or string(incident, "updated_at"),
        stamp=string(incident, "updated_at"),
    )


def _components(incident: Object, updates: list[Object]) -> list[str]:
    """Those of the incident; of a page that does not list them, those last named in an update."""
    lists = [names(incident, "components"), *(names(u, "affected_components") for u in updates)]
    return next((found for found in lists if found), [])
