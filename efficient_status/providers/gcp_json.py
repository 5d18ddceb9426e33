"""Google Cloud, Workspace, Ads, Maps, …: `incidents.json` of their one dashboard engine.

A year of incidents, by their beginning.  There is no state: an incident is open while `end` is
absent (Workspace: null) and its newest update is not AVAILABLE.  `uri` is relative to the document;
texts are Markdown, names may begin with blanks, and a title may be a whole template in bold.
"""

from __future__ import annotations

from efficient_status.models import Impact, State
from efficient_status.providers.report_json import (
    Object,
    Page,
    Report,
    array,
    as_object,
    is_list_of,
    member,
    names,
    objects,
    string,
)

_IMPACTS = {
    "SERVICE_INFORMATION": Impact.NONE,
    "SERVICE_DISRUPTION": Impact.MINOR,
    "SERVICE_OUTAGE": Impact.MAJOR,
}


def evidence(document: object) -> str | None:
    """Why this is Google's, or None."""
    if is_list_of(document, "external_desc", "begin"):
        return "a list of objects with external_desc and begin"
    return None


def page(document: object) -> Page:  # noqa: ARG001 - it does not say whose dashboard it is
    """What the document says of its page."""
    return Page()


def reports(document: object) -> list[object]:
    """Its raw incidents."""
    return array({"": document}, "")


def report(raw: object) -> Report:
    """Read one."""
    incident = as_object(raw)
    updates = objects(incident, "updates")
    newest: Object = updates[0] if updates else member(incident, "most_recent_update")
    closed = bool(string(incident, "end")) or string(newest, "status") == "AVAILABLE"
    time = string(newest, "when", "created")
    return Report(
        id=string(incident, "id"),
        title=_title(string(incident, "external_desc")),
        # Nothing says more than «open».
        state=State.RESOLVED if closed else State.INVESTIGATING,
        impact=_IMPACTS.get(string(incident, "status_impact")),
        components=_products(incident),
        body=string(newest, "text").replace("**", ""),
        update=f"{time} {string(newest, 'status')}",
        updates=len(updates) or None,
        link=string(incident, "uri"),
        started=string(incident, "begin"),
        updated=time,
        stamp=string(incident, "modified") or time,
    )


def _title(description: str) -> str:
    """The first line that says something: «**Title:**» alone on a line does not."""
    for line in description.split("\n"):
        text = line.replace("**", "").strip()
        if text and not (text.endswith(":") and line.strip().startswith("**")):
            return text
    return description


def _products(incident: Object) -> list[str]:
    """`service_name` is often «Multiple Products»."""
    return names(incident, "affected_products", "title") or [string(incident, "service_name")]
