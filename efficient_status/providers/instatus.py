"""Instatus pages, `/history.rss` and `/history.atom`.

One item an incident.  `description` holds a few labelled lines and then the timeline, oldest first,
in one run of text in which messages may contain line breaks and dashes:

    Type: Incident
    Duration: 46 minutes

    Affected Components: Web app, API
    Mar 4, 15:15:00 GMT+0 - Investigating - We look. Mar 4, 16:01:05 GMT+0 - Resolved - Fixed.

`pubDate` is the start and never moves; «Duration» grows while it is open.  `content:encoded` is the
same, escaped twice, without the names of components and with doubled full stops, and is not read.
An Atom document was not found: it is read as if it had the same texts.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import (
    plain,
    plain_html,
    plain_title,
    tokens,
    unescaped,
    web_url,
)
from efficient_status.providers.reading import names
from efficient_status.providers.words import UPDATE_WORDS, clock, moment, state_of, utc

_TITLE = "Status - Incident history"
# One step of a timeline: its time and its state.  Both are short, so the search is linear.
_STEP = re.compile(
    r"([A-Z][a-z]{2} {1,3}\d{1,2}, {1,3}\d{1,2}:\d\d:\d\d GMT[+-]\d{1,2}(?::?\d\d)?)"
    r"\s{0,4}(?:-\s{1,4})?([A-Za-z][A-Za-z ]{2,20}?)\s{1,4}-\s"
)
_STATES = {"planned": State.SCHEDULED, "notstartedyet": State.SCHEDULED}


class _Step(NamedTuple):
    when: str
    word: str
    text: str


def evidence(document: Document) -> str | None:
    """Why this is an Instatus feed, or None."""
    if document.first and all(_looks_right(item) for item in document.first):
        return "texts «Type: …», «Duration: …» and a timeline in one line"
    if not document.first and document.head.title.endswith(_TITLE):
        return f"feed title ends with «{_TITLE}»"
    return None


def _looks_right(item: Item) -> bool:
    text = _text(item)
    return text.lstrip().startswith("Type: ") and "Affected Components:" in text


def _text(item: Item) -> str:
    """The text with its line breaks; content is HTML, part of it escaped once more."""
    if item.summary.lstrip().startswith("Type:"):
        return unescaped(item.summary)
    return plain_html(unescaped(item.content or item.summary))


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    text = _text(item)
    published = moment(item.published) or moment(item.updated)
    steps = _timeline(text)
    states = [state for step in reversed(steps) if (state := _state(step.word))]
    state = states[0] if states else State.UNKNOWN
    planned = "maintenance" in _label(text, "Type:").casefold()
    newest = steps[-1] if steps else None
    told_at = clock(newest.when, published) if newest and published else None
    maintenance = planned or not MAINTENANCE_STATES.isdisjoint(states)
    return Incident(
        id=item.id,
        title=plain_title(item.title, html=item.html_title, format_=document.format),
        kind=Kind.MAINTENANCE if maintenance else Kind.INCIDENT,
        state=state,
        components=names(_label(text, "Affected Components:")),
        message=plain(tokens(newest.text)) if newest else "",
        url=web_url(item.address, document.head.link),
        started_at=utc(published),
        updated_at=utc(told_at),
        updates=len(steps) or None,
        stamp=utc(told_at),
    )


def _timeline(text: str) -> list[_Step]:
    """The steps, oldest first; what looks like one but names no state is part of a message."""
    found = [
        step
        for step in _STEP.finditer(text)
        if _state(step[2]) or step[2].casefold() in UPDATE_WORDS
    ]
    ends = [*(step.start() for step in found[1:]), len(text)]
    return [
        _Step(step[1], step[2], text[step.end() : end])
        for step, end in zip(found, ends, strict=False)  # without a step the end is left over
    ]


def _state(word: str) -> State | None:
    return state_of(word) or _STATES.get("".join(word.split()).casefold())


def _label(text: str, label: str) -> str:
    """What stands after a label, on its line."""
    return text.partition(label)[2].partition("\n")[0].strip()
