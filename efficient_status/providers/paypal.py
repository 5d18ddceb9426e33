"""PayPal's own page, `/feed/atom` and `/feed/rss` of www.paypal-status.com.

One item an incident.  The title begins with the kind of the newest update («Resolved: », «Initial
Notification: », «Postponed: », «Rescheduled: »); the text is a timeline, newest first, whose times
stand below their texts:

    <br /><strong>Completed: </strong> <br /> <p>It is done.</p><br /><small>Nov 4, 18:30 UTC</small>
"""

from __future__ import annotations

from datetime import datetime
from itertools import pairwise
from typing import NamedTuple

from efficient_status.harmless import one_line
from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import Token, plain, plain_html, plain_title, tokens, web_url
from efficient_status.providers.reading import at_host
from efficient_status.providers.words import UPDATE_WORDS, clock, moment, state_of, utc

_NOTICE = "initial notification"
_MOVED = ("postponed", "rescheduled")


class _Entry(NamedTuple):
    heading: str
    text: str
    when: str


def evidence(document: Document) -> str | None:
    """Why this is PayPal's feed, or None."""
    return at_host(document, "www.paypal-status.com", "paypal-status.com")


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    prefix, colon, rest = title.partition(": ")
    known = bool(colon) and _is_heading(prefix)
    entries = _entries(tokens(item.body))
    message = entries[0].text if entries else plain_html(item.body)
    words = [prefix if known else "", *(entry.heading for entry in entries)]
    planned = "maintenance" in f"{title} {' '.join(e.text for e in entries)}".casefold()
    state = next((state for word in words if (state := _state(word, planned))), State.UNKNOWN)
    published, updated = moment(item.published), moment(item.updated)
    told_at = _time(entries[:1], updated or published) or utc(updated or published)
    return Incident(
        id=item.id,
        title=rest if known else title,
        kind=Kind.MAINTENANCE if planned or state in MAINTENANCE_STATES else Kind.INCIDENT,
        state=state,
        message=message,
        url=web_url(item.address, document.head.link),
        started_at=_time(entries[-1:], updated or published),
        updated_at=told_at,
        updates=len(entries) or None,
        stamp=utc(updated) or told_at,
    )


def _is_heading(word: str) -> bool:
    folded = word.strip(" :").casefold()
    return bool(state_of(word)) or folded in (*UPDATE_WORDS, *_MOVED, _NOTICE)


def _state(word: str, planned: bool) -> State | None:
    folded = word.strip(" :").casefold()
    if folded in _MOVED or (folded == _NOTICE and planned):
        return State.SCHEDULED
    return State.INVESTIGATING if folded == _NOTICE else state_of(word)


def _entries(html: list[Token]) -> list[_Entry]:
    """Split the text at its headings."""
    starts = [
        index
        for index, token in enumerate(html)
        if token == ("start", "strong") and _is_heading(_inside(html, index, "strong"))
    ]
    return [_entry(html[start:end]) for start, end in pairwise([*starts, len(html)])]


def _entry(html: list[Token]) -> _Entry:
    end = next((n for n, token in enumerate(html) if token == ("end", "strong")), 0)
    small = [n for n, token in enumerate(html) if token == ("start", "small")]
    last = small[-1] if small else len(html)
    when = _inside(html, last, "small") if small else ""
    return _Entry(_inside(html, 0, "strong"), plain(html[end:last]).lstrip("-–— "), when)


def _inside(html: list[Token], start: int, name: str) -> str:
    """Text of the element that begins here; a heading or a time, so it is short."""
    parts = []
    for token in html[start + 1 : start + 20]:
        if token == ("end", name):
            break
        if token.kind == "text":
            parts.append(token.value)
    return one_line("".join(parts), 100)


def _time(entries: list[_Entry], near: datetime | None) -> datetime | None:
    return utc(clock(entries[0].when, near)) if entries and near else None
