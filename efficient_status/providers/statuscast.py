"""StatusCast pages, `/rss`.

Known: an item an incident, with a title «[NAME Status] Notice: …».  Not found: ids, texts, the words
other than «Notice».  So the page's name is taken off the title, a known word is a state, and
anything else is read as in a feed of which nothing is known.
"""

from __future__ import annotations

from dataclasses import replace

from efficient_status.models import MAINTENANCE_STATES, Incident, Kind
from efficient_status.providers import generic
from efficient_status.providers.document import Document, Item
from efficient_status.providers.words import state_of


def evidence(document: Document) -> str | None:
    """Why this is a StatusCast feed, or None."""
    if document.format == "rss" and document.first and all(map(_is_named, document.first)):
        return "titles «[NAME Status] WORD: …»"
    return None


def _is_named(item: Item) -> bool:
    name, bracket, rest = item.title.partition("] ")
    return bool(bracket) and name.startswith("[") and name.endswith(" Status") and ": " in rest


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    read = generic.incident(item, document)
    if not _is_named(item):
        return read
    label, _, title = read.title.partition("] ")[2].partition(": ")
    state = state_of(label) or read.state
    kind = Kind.MAINTENANCE if state in MAINTENANCE_STATES else read.kind
    return replace(read, title=title or read.title, state=state, kind=kind)
