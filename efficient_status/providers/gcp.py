"""Google Cloud, Workspace, Firebase, Ads, Play, Search: `/en/feed.atom` of one engine.

One entry an update, newest first; the id is `tag:HOST,YEAR:feed:INCIDENT.UPDATE`, the link is the
incident's.  A title begins with «RESOLVED: », «UPDATE: » or, in the first report, with neither.
The text ends with a rule and «Affected products: A, B».  `updated` is UTC, while times in the prose
are US/Pacific.  Some recordings have their HTML unescaped inside `summary`; it reads the same.
"""

from __future__ import annotations

from efficient_status.models import Incident, State
from efficient_status.providers.document import Document, Item, identifier
from efficient_status.providers.markup import Token, plain, plain_title, tokens, web_url
from efficient_status.providers.reading import names
from efficient_status.providers.words import moment, utc

_TITLE = "Service Health Updates"
_PRODUCTS = "affected products:"
_TRAILERS = (_PRODUCTS, "affected locations:")


def evidence(document: Document) -> str | None:
    """Why this is a feed of Google's status engine, or None."""
    if document.format != "atom":
        return None
    if document.first and all(_is_tag(item.id) for item in document.first):
        return "entry ids tag:HOST,YEAR:feed:INCIDENT.UPDATE"
    if not document.first and document.head.title.strip().endswith(_TITLE):
        return f"feed title ends with «{_TITLE}»"
    return None


def _is_tag(id_: str) -> bool:
    head, feed, rest = id_.partition(":feed:")
    return bool(feed) and head.startswith("tag:") and 0 < rest.find(".") < len(rest) - 1


def key(id_: str) -> str:
    """The incident's own part of an entry's id."""
    return id_.rpartition(":feed:")[2].partition(".")[0]


def incident(item: Item, document: Document) -> Incident:
    """Read one update."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    word, colon, rest = title.partition(": ")
    prefix = word if colon and word in ("RESOLVED", "UPDATE") else ""
    text, products = _text(tokens(item.body))
    link = item.link if key(item.id) in item.link else ""
    updated = utc(moment(item.updated) or moment(item.published))
    return Incident(
        id=identifier(link) or item.id.rpartition(".")[0] or item.id,
        title=rest if prefix else title,
        state=State.RESOLVED if prefix == "RESOLVED" else State.INVESTIGATING,
        components=products,
        message=text,
        url=web_url(item.address, document.head.link),
        started_at=None if prefix else updated,
        updated_at=updated,
    )


def _text(html: list[Token]) -> tuple[str, tuple[str, ...]]:
    """The message without its trailer, and the products that this names."""
    lines = plain(html).split("\n")
    products = next((line for line in lines if line.casefold().startswith(_PRODUCTS)), "")
    message = "\n".join(line for line in lines if not line.casefold().startswith(_TRAILERS))
    return message, names(products.partition(":")[2])
