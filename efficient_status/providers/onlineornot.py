"""OnlineOrNot pages (OpenRouter), RSS.

One item an incident, showing its newest update, in a dress much like that of Statuspage: the channel
may even be described as «Statuspage».  What sets it apart are states in capitals, and links and
guids that may lack a scheme.  The categories are impact and state; `pubDate` is the start.

    <p><small>Sep 3, 11:30 AM UTC</small><br/><strong>MONITORING</strong> - A fix is live.</p>
"""

from __future__ import annotations

from dataclasses import replace

from efficient_status.models import Incident, State
from efficient_status.providers import statuspage
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import tokens
from efficient_status.providers.reading import impact_of
from efficient_status.providers.words import moment, state_of, utc


def evidence(document: Document) -> str | None:
    """Why this is an OnlineOrNot feed, or None."""
    if document.format != "rss":
        return None
    if document.first and all(_shouts(item) for item in document.first):
        return "bodies that begin with a bold state in capitals"
    link = document.head.link
    if not document.first and document.head.summary == "Statuspage" and link and "//" not in link:
        return "channel description «Statuspage» and a link without a scheme"
    return None


def _shouts(item: Item) -> bool:
    html = tokens(item.body[:1_000])
    start = next((n for n, token in enumerate(html) if token == ("start", "strong")), len(html))
    word = "".join(token.value for token in html[start + 1 : start + 2] if token.kind == "text")
    return bool(state_of(word)) and word.isupper()


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    read = statuspage.incident(item, document)
    started = utc(moment(item.published))
    state = next((state for word in item.categories if (state := state_of(word))), None)
    # Without a time of its own the newest update has none that anybody knows.
    told_at = read.updated_at if "<small" in item.body else None
    return replace(
        read,
        state=read.state if read.state is not State.UNKNOWN else state or State.UNKNOWN,
        impact=next((found for word in item.categories if (found := impact_of(word))), None),
        started_at=started,
        updated_at=told_at,
        updates=None,
        stamp=told_at,
    )
