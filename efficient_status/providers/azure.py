"""Azure status, `/en-us/status/feed/`.

One item an event, and normally none: an item disappears when its event is over, and nothing else
says so.  So what is shown is open, and absence closes it.

The guid is a slug of the title and returns with later events; nothing in an item is an event's own.
An event is told from a later one by the month of its date, which is that of its last change: it
moves during an event, so a day would split an event that lasts over midnight into two.  The price:
an event that lasts into the next month is told as another one.
"""

from __future__ import annotations

from efficient_status.harmless import one_line
from efficient_status.models import Incident, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain_html, plain_title, web_url
from efficient_status.providers.reading import host
from efficient_status.providers.words import moment, utc

_TITLE = "Azure Status"
_PAGE = "https://azure.status.microsoft/en-us/status/"
_DOMAINS = ("azure.com", "azure.microsoft.com", "status.microsoft")


def evidence(document: Document) -> str | None:
    """Why this is the feed of Azure, or None."""
    site = host(document.head.link)
    at_home = any(site == domain or site.endswith(f".{domain}") for domain in _DOMAINS)
    if document.format == "rss" and document.head.title.strip() == _TITLE and at_home:
        return f"channel title «{_TITLE}» and a link to {one_line(site, 80)}"
    return None


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    changed = utc(moment(item.published) or moment(item.updated))
    regions = {one_line(region, 200) for region in item.categories}
    link = web_url(item.link, document.head.link) or ""
    return Incident(
        id=f"{item.id}@{changed:%Y-%m}" if changed else item.id,
        title=plain_title(item.title, html=item.html_title, format_=document.format),
        state=State.INVESTIGATING,
        components=tuple(sorted(regions - {""})),
        message=plain_html(item.body),
        url=link if _is_public(link) else _PAGE,
        updated_at=changed,
        stamp=changed,
    )


def _is_public(link: str) -> bool:
    """Feeds were seen to link to hosts inside Microsoft's own network."""
    return any(host(link).endswith(domain) for domain in _DOMAINS)
