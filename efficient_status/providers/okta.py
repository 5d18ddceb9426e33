"""Okta's own page, Atom at `https://feeds.feedburner.com/OktaTrustRSS`.

One entry an incident.  The title is a category, «Service Disruption», that becomes «Resolved
Service Disruption»; what happened stands in a plain `content`, which is replaced in place.
"""

from __future__ import annotations

from efficient_status.models import Incident, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain, plain_html, plain_title, text_tokens, web_url
from efficient_status.providers.reading import at_host
from efficient_status.providers.words import moment, utc

_FEED = "OktaTrustRSS"
_RESOLVED = "Resolved "


def evidence(document: Document) -> str | None:
    """Why this is Okta's feed, or None."""
    if document.format == "atom" and _FEED in document.head.id:
        return f"feed id …/{_FEED}"
    return at_host(document, "status.okta.com")


def incident(item: Item, document: Document) -> Incident:
    """Read one entry."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    closed = title.startswith(_RESOLVED)
    title = title.removeprefix(_RESOLVED)
    updated = utc(moment(item.updated) or moment(item.published))
    is_plain = item.fuller in item.plain
    return Incident(
        id=item.id,
        title=title,
        state=State.RESOLVED if closed else State.INVESTIGATING,
        message=plain(text_tokens(item.body)) if is_plain else plain_html(item.body),
        url=web_url(item.address, document.head.link),
        updated_at=updated,
        stamp=updated,
    )
