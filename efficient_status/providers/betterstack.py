"""Better Stack (once Better Uptime) status pages, `/feed.rss`.

Two styles in one feed, newest first:

    a monitor   «API went down» and «API recovered»: two items with one guid, HOST/#HASH
    a report    one item an update, guid HOST/incident/ID#UPDATE, always the same title

A report's items have no word for its state, so it is «unknown»; where a title has a prefix, as the
vendor's documentation shows («[Resolved] X»), that is taken.  Dates end in -0000.
"""

from __future__ import annotations

from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain_html, plain_title, web_url
from efficient_status.providers.words import moment, state_of, utc

_ENDINGS = {" went down": State.INVESTIGATING, " recovered": State.RESOLVED}


def evidence(document: Document) -> str | None:
    """Why this is a Better Stack feed, or None."""
    first = document.first
    if document.format != "rss" or not all(map(_is_known_form, first)):
        return None
    if document.head.title.startswith("Incidents | "):
        return "channel title «Incidents | NAME»"
    if first and all("#" in item.id for item in first):
        return "guids HOST/#HASH of monitors and HOST/incident/ID#UPDATE of reports"
    return None


def _is_known_form(item: Item) -> bool:
    page, hash_, _ = item.id.partition("#")
    return bool(hash_) if "/incident/" in page else item.title.endswith(tuple(_ENDINGS))


def key(id_: str) -> str:
    """What the items of one incident have in common."""
    page, _, _ = id_.partition("#")
    return page if "/incident/" in page else id_


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    name, state = title, State.UNKNOWN
    components: tuple[str, ...] = ()
    ending = next((ending for ending in _ENDINGS if title.endswith(ending)), "")
    if ending and "/incident/" not in item.id:
        name, state = title.removesuffix(ending), _ENDINGS[ending]
        components = (name,)
    elif title.startswith("[") and (prefix := state_of(title[1:].partition("]")[0])):
        name, state = title.partition("]")[2].strip(), prefix
    told_at = utc(moment(item.published) or moment(item.updated))
    return Incident(
        id=key(item.id),
        title=name,
        kind=Kind.MAINTENANCE if state in MAINTENANCE_STATES else Kind.INCIDENT,
        state=state,
        components=components,
        message=plain_html(item.body) or title,
        url=web_url(item.address, document.head.link),
        started_at=told_at,
        updated_at=told_at,
    )
