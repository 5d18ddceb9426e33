"""Meta's platforms, `https://metastatus.com/outage-events-feed-PRODUCT.rss`.

Known: the channel's title is «PRODUCT Status», an item has a title and a date, and items are there
only while their outage lasts, so absence closes.  Not found: guids and texts; the id is what the
document has for one, and a text that is missing is replaced by the title.
"""

from __future__ import annotations

from efficient_status.models import Incident, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain_html, plain_title, web_url
from efficient_status.providers.reading import at_host
from efficient_status.providers.words import moment, utc


def evidence(document: Document) -> str | None:
    """Why this is a feed of Meta, or None."""
    return at_host(document, "metastatus.com", "www.metastatus.com")


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    changed = utc(moment(item.updated) or moment(item.published))
    return Incident(
        id=item.id,
        title=title,
        state=State.INVESTIGATING,
        message=plain_html(item.body) or title,
        url=web_url(item.address, document.head.link),
        updated_at=changed,
        stamp=changed,
    )
