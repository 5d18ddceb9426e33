"""cState pages (a Hugo theme), `/index.xml`.

One item an issue; the guid is its permalink.  When it is resolved the title gains a prefix in the
site's language («[Resolved] ») and the category the time of it; `pubDate` is the creation and never
moves.  The text is the whole issue, to which people add by hand, newest on top, so the number of
its lines stands in for the number of updates; it may begin with a state («Monitoring - »).  The systems that it affects are in the JSON only.
"""

from __future__ import annotations

from datetime import datetime

from efficient_status.models import Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain_html, plain_title, web_url
from efficient_status.providers.words import moment, state_of, utc

_GENERATOR = "github.com/cstate"


def evidence(document: Document) -> str | None:
    """Why this is a cState feed, or None."""
    return f"generator «{_GENERATOR}»" if _GENERATOR in document.head.generator else None


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    ended = next((time for text in item.categories if (time := _time(text))), None)
    prefix = title[1:].partition("]")[0] if title.startswith("[") else ""
    closed = bool(ended) or state_of(prefix) is State.RESOLVED
    message = plain_html(item.body)
    said = state_of(message.partition(" - ")[0]) or State.INVESTIGATING
    created = utc(moment(item.published))
    return Incident(
        id=item.id,
        title=title.partition("]")[2].strip() if closed and prefix else title,
        kind=Kind.MAINTENANCE if "maintenance" in title.casefold() else Kind.INCIDENT,
        state=State.RESOLVED if closed else State.INVESTIGATING if said.closed else said,
        message=message,
        url=web_url(item.address, document.head.link),
        started_at=created,
        updated_at=utc(ended) if closed else created,
        updates=message.count("\n") + 1 if message else None,
    )


def _time(text: str) -> datetime | None:
    """As Go prints times, «2026-03-04 15:00:00 +0000 UTC», or as a person wrote it."""
    day, _, rest = text.strip().partition(" ")
    clock, _, zone = rest.partition(" ")
    offset = zone.partition(" ")[0]
    time = moment(f"{day}T{clock}{offset}" if clock else day)
    return time if time and time.year > 1970 else None
