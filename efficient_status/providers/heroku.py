"""Heroku's own page, `https://status.heroku.com/feed`.

Known: it is a feed of incidents with an HTML text, and a title begins with the state («Resolved»).
Not found: the form of ids, the dates' habits, the other words.  So a state is taken where the title
begins with a known word, and anything else is read as in a feed of which nothing is known.
"""

from __future__ import annotations

from dataclasses import replace

from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers import generic
from efficient_status.providers.document import Document, Item
from efficient_status.providers.reading import at_host
from efficient_status.providers.words import state_of

_MARKS = " :-–—"


def evidence(document: Document) -> str | None:
    """Why this is Heroku's feed, or None."""
    return at_host(document, "status.heroku.com")


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    read = generic.incident(item, document)
    word, state = _prefix(read.title)
    title = read.title[len(word) :].lstrip(_MARKS) or read.title
    return replace(
        read,
        title=title,
        state=state or read.state,
        kind=Kind.MAINTENANCE if state in MAINTENANCE_STATES else read.kind,
    )


def _prefix(title: str) -> tuple[str, State | None]:
    """The word or two that a title begins with, and the state that they name."""
    parts = title.split(" ", 2)
    for count in (2, 1):
        word = " ".join(parts[:count]).rstrip(_MARKS)
        if state := state_of(word):
            return word, state
    return "", None
