"""Status.io pages, `/pages/ID/rss`.

Known: the channel's description is «Status Feed», one item an update, newest first, and incidents
are at HOST/pages/incident/PAGE/INCIDENT (both 24 hex digits).  Not found: the form of guids and of
texts.  So updates are joined by the link, ids are not trusted to tell where to stop, and a state is
taken where it stands in one of the usual places, else it is «unknown».
"""

from __future__ import annotations

from dataclasses import replace

from efficient_status.models import Incident
from efficient_status.providers import generic
from efficient_status.providers.document import Document, Item, identifier
from efficient_status.providers.words import state_of

_DESCRIPTION = "Status Feed"
_PATHS = ("/pages/incident/", "/pages/maintenance/")
_DIGITS = frozenset("0123456789abcdef")


def evidence(document: Document) -> str | None:
    """Why this is a Status.io feed, or None."""
    if document.format != "rss":
        return None
    if document.first and all(_incident_of(item) for item in document.first):
        return "links HOST/pages/incident/PAGE/INCIDENT"
    link = document.head.link.partition("/pages/")[2]
    if not document.first and document.head.summary == _DESCRIPTION and _is_hex(link[:24]):
        return "channel description «Status Feed» and a link HOST/pages/ID"
    return None


def _incident_of(item: Item) -> str:
    """The incident's link: what all its updates have in common; or ""."""
    for address in (item.link, item.id):
        for path in _PATHS:
            page, found, rest = address.partition(path)
            if found and _is_hex(rest[:24]) and _is_hex(rest[25:49]):
                return f"{page}{path}{rest[:49]}"
    return ""


def _is_hex(text: str) -> bool:
    return len(text) == 24 and _DIGITS.issuperset(text)


def incident(item: Item, document: Document) -> Incident:
    """Read one update."""
    read = generic.incident(item, document)
    heading, dash, text = read.message.partition(" - ")
    message = text if dash and state_of(heading) else read.message
    return replace(read, id=identifier(_incident_of(item)) or item.id, message=message)


def key(_: str) -> str:
    """What the guids of one incident have in common is not known."""
    return ""
