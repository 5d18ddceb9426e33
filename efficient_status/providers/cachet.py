"""Cachet 2.x, `/rss` and `/atom`.

One item an incident, all that there ever were, newest `occurred_at` first; that is the only date and
it need not move.  There is no state: it is «unknown», unless a title or text says it.  The number of
lines stands in for the number of updates.

The RSS form is recognised; an Atom document shows nothing of Cachet's own and is one only where it
is expected to be.
"""

from __future__ import annotations

from efficient_status.providers.document import Document, Item
from efficient_status.providers.generic import incident

__all__ = ["evidence", "incident"]

_DESCRIPTION = "Status Feed"  # in English; Status.io's is the same


def evidence(document: Document) -> str | None:
    """Why this is a Cachet feed, or None."""
    if document.format != "rss" or document.head.summary != _DESCRIPTION:
        return None
    if document.first and all(_is_numbered(item) for item in document.first):
        return f"channel description «{_DESCRIPTION}» and links HOST/incidents/NUMBER"
    return None


def _is_numbered(item: Item) -> bool:
    path, _, number = item.address.rpartition("/")
    return path.endswith("/incidents") and number.isdigit()
