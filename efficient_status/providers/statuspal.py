"""Statuspal pages (Exoscale), `/history.rss` and `/history.atom`.

Seen by others, not recorded: one item an incident; its HTML begins with what it is and what it
affects, «<strong>Scheduled maintenance</strong> - CH-GVA-2», and goes on with the updates, newest
first: a time in <small>, then the state in <strong> («Started» among them), then its text.  A
maintenance has two categories, the start and the end of its window.

Only a text of that form, with its impact before the first update, is taken for one.
"""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

from efficient_status.harmless import one_line
from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import Token, plain, plain_title, tokens, web_url
from efficient_status.providers.reading import names
from efficient_status.providers.words import UPDATE_WORDS, clock, moment, state_of, utc

_MAINTENANCE = "scheduled maintenance"


class _Entry(NamedTuple):
    when: str
    word: str
    text: str


def evidence(document: Document) -> str | None:
    """Why this is a Statuspal feed, or None."""
    if document.first and all(_looks_right(item) for item in document.first):
        return "texts «<strong>IMPACT</strong> - PLACES» above a timeline"
    return None


def _looks_right(item: Item) -> bool:
    html = tokens(item.body)
    small = html.index(Token("start", "small")) if Token("start", "small") in html else 0
    return bool(_impact(html[:small])[0]) and bool(_entries(html))


def _state(word: str) -> State | None:
    return State.IN_PROGRESS if word.casefold() == "started" else state_of(word)


def _impact(html: list[Token]) -> tuple[str, str]:
    """What stands above the updates: «Scheduled maintenance», «CH-GVA-2, AT-VIE-1»."""
    bold = next((n for n, token in enumerate(html) if token == ("start", "strong")), len(html))
    word = one_line("".join(t.value for t in html[bold + 1 : bold + 2] if t.kind == "text"), 200)
    first = plain(html).partition("\n")[0]
    places = first.removeprefix(f"{word} - ")
    return (word, places) if word and places != first and not _state(word) else ("", "")


def _entries(html: list[Token]) -> list[_Entry]:
    starts = [n for n, token in enumerate(html) if token == ("start", "small")]
    entries = []
    for start, end in pairwise([*starts, len(html)]):
        part = html[start:end]
        bold = next((n for n, token in enumerate(part) if token == ("start", "strong")), None)
        if bold is None:
            continue
        word = one_line("".join(t.value for t in part[bold + 1 : bold + 2] if t.kind == "text"))
        when = one_line("".join(t.value for t in part[:bold] if t.kind == "text"), 100)
        if _state(word) or word.casefold() in UPDATE_WORDS:
            entries.append(_Entry(when, word, plain(part[bold + 2 :]).lstrip("-–— \n")))
    return entries


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    html = tokens(item.body)
    small = html.index(Token("start", "small")) if Token("start", "small") in html else len(html)
    impact, places = _impact(html[:small])
    entries = _entries(html)
    states = [state for entry in entries if (state := _state(entry.word))]
    planned = impact.casefold() == _MAINTENANCE or not MAINTENANCE_STATES.isdisjoint(states)
    published, updated = moment(item.published), moment(item.updated)
    near = updated or published
    told_at = clock(entries[0].when, near) if entries and near else None
    window = sorted(time for text in item.categories if (time := moment(text)))
    began = clock(entries[-1].when, near) if entries and near and not planned else None
    return Incident(
        id=item.id,
        title=plain_title(item.title, html=item.html_title, format_=document.format),
        kind=Kind.MAINTENANCE if planned else Kind.INCIDENT,
        state=states[0] if states else State.UNKNOWN,
        components=names(places),
        message=entries[0].text if entries else plain(html),
        url=web_url(item.address, document.head.link),
        started_at=utc(window[0] if window else began),
        updated_at=utc(told_at or near),
        updates=len(entries) or None,
        stamp=utc(updated or told_at),
    )
