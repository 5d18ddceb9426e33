"""Checkly status pages (Mistral), `/feed.rss`.

One item an update, newest first, and all updates of an incident have one guid, the incident's
link.  So the ids tell neither what is new nor where to stop: the whole document is swept.

    Status: Resolved<br/>It works again.<br/><br/>Affected services<ul><li>Audio API</li></ul>
"""

from __future__ import annotations

from efficient_status.harmless import one_line
from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain_html, plain_title, web_url
from efficient_status.providers.words import moment, state_of, utc

_STATUS = "Status: "
_HEADING = "affected services"


def evidence(document: Document) -> str | None:
    """Why this is a feed of a Checkly page, or None."""
    if (
        document.format == "rss"
        and document.first
        and all(_looks_right(item) for item in document.first)
    ):
        return "guids HOST/incident/ID and texts «Status: X<br/>»"
    return None


def _looks_right(item: Item) -> bool:
    first, br, _ = item.body.lstrip().partition("<br")
    return bool(br) and first.startswith(_STATUS) and "/incident/" in item.id


def incident(item: Item, document: Document) -> Incident:
    """Read one update."""
    status, _, text = plain_html(item.body).partition("\n")
    state = state_of(status.removeprefix(_STATUS))
    lines = (text if state or status.startswith(_STATUS) else plain_html(item.body)).split("\n")
    at = next((n for n, line in enumerate(lines) if line.casefold() == _HEADING), len(lines))
    services = {one_line(line.removeprefix("- "), 200) for line in lines[at + 1 :]}
    told_at = utc(moment(item.published) or moment(item.updated))
    return Incident(
        id=item.id,
        title=plain_title(item.title, html=item.html_title, format_=document.format),
        kind=Kind.MAINTENANCE if state in MAINTENANCE_STATES else Kind.INCIDENT,
        state=state or State.UNKNOWN,
        components=tuple(sorted(services - {""})),
        message="\n".join(lines[:at]),
        url=web_url(item.address, document.head.link),
        started_at=told_at,
        updated_at=told_at,
    )


def key(id_: str) -> str:
    """What the guids of one incident have in common."""
    return id_
