"""What a dialect is.  Light, since every start loads the table of all of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from efficient_status.models import Incident

if TYPE_CHECKING:
    from efficient_status.providers.document import Document, Item


class Dialect(NamedTuple):
    """How one platform is recognised and read.

    Attributes:
        evidence: why a document is of this platform, or None.
        incident: reads one item; a ValueError costs that item.
        joins: an item is an update, and those that `incident` gives the same id are joined; this
            tells what the items' own ids have in common.  None: an item is an incident.  What such
            an update has as `started_at` counts only if no older update was swept over.
        absence_closes: the platform drops an incident when it ends, and says so in no other way.
        append_only: every update is an item with an id of its own, newest first, for ever: what
            stands below a known item is known.
    """

    evidence: Callable[[Document], str | None]
    incident: Callable[[Item, Document], Incident]
    joins: Callable[[str], str] | None = None
    absence_closes: bool = False
    append_only: bool = False
