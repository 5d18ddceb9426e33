"""The ways in which platforms put incidents into items.  Pure.

Mostly an item is an incident.  Where it is an update, all items of one incident are joined to one,
which is as its newest says.  An item that cannot be read costs itself, not the feed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from efficient_status.harmless import one_line
from efficient_status.models import Impact, Incident, Limits
from efficient_status.providers.dialect import Dialect
from efficient_status.providers.document import Document, Item, beyond

MAX_FAULTS = 10  # that are told of one document
_EPOCH = datetime.fromtimestamp(0, UTC)


def few(faults: list[str]) -> tuple[str, ...]:
    """The first few faults of a document, each once, and how many more there are."""
    each = [*dict.fromkeys(faults)]
    rest = len(each) - MAX_FAULTS
    return (*each[:MAX_FAULTS], *([f"{rest:,} more items: skipped"] if rest > 0 else []))


class Reading(NamedTuple):
    """The incidents of a document, in its order, and one line for each item that was skipped."""

    incidents: list[Incident]
    faults: list[str]


def read_items(document: Document, dialect: Dialect, limits: Limits | None = None) -> Reading:
    """Read every item that is not known as it is."""
    most = (limits or Limits()).parts
    pairs, faults = [], []
    for item, mark in document.items:
        try:
            incident = dialect.incident(item, document)
        except (ArithmeticError, AssertionError, LookupError, ValueError) as error:
            faults.append(f"item {item.id[:80]}: {one_line(repr(error), 120)}: skipped")
            continue
        if (count := len(incident.components)) > most:
            faults.append(
                f"item {item.id[:80]}: {beyond('parts', most, 'components', count)}: skipped"
            )
        else:
            title = incident.title or one_line(incident.message, 120) or item.id[:200]
            pairs.append((item, replace(incident, title=title, marks=(mark,))))
    if dialect.joins:
        return Reading(_joined(pairs, document, dialect.joins), faults)
    return Reading([incident for _, incident in pairs], faults)


def _joined(
    pairs: list[tuple[Item, Incident]], document: Document, key: Callable[[str], str]
) -> list[Incident]:
    """One incident of all updates with the same id."""
    swept = {key(id_) for id_ in document.swept}
    updates: dict[str, list[Incident]] = {}
    begun: set[str] = set()  # those with an older update that is not read here
    for item, incident in pairs:
        updates.setdefault(incident.id, []).append(incident)
        if document.partial or key(item.id) in swept:
            begun.add(incident.id)
    return [_join(those, whole=id_ not in begun) for id_, those in updates.items()]


def _join(updates: list[Incident], *, whole: bool) -> Incident:
    """One incident of its updates, in the document's order; of equal times the first is newest."""
    newest = max(updates, key=lambda update: update.updated_at or _EPOCH)
    times = [update.started_at for update in updates if update.started_at]
    return replace(
        newest,
        started_at=min(times, default=None) if whole else None,
        updates=None,
        stamp=newest.updated_at,
        marks=tuple(mark for update in reversed(updates) for mark in update.marks),
    )


def host(link: str) -> str:
    """The host of a link, or ""."""
    try:
        return urlsplit(link).hostname or ""
    except ValueError:
        return ""


def at_host(document: Document, *hosts: str) -> str | None:
    """Evidence that this is the page of a vendor who has a platform of its own."""
    for link in (document.head.link, document.head.id):
        if host(link) in hosts:
            return f"the feed is of {one_line(host(link), 80)}"
    links = [item.address for item in document.first]
    if links and all(host(link) in hosts for link in links):
        return f"all items link to {one_line(host(links[0]), 80)}"
    return None


# As platforms word what it means for a component.
_IMPACTS = {
    "operational": Impact.NONE,
    "available": Impact.NONE,
    "degraded_performance": Impact.MINOR,
    "partial_outage": Impact.MAJOR,
    "major_outage": Impact.CRITICAL,
    "full_outage": Impact.CRITICAL,
    "under_maintenance": Impact.MAINTENANCE,
}


def impact_of(word: str) -> Impact | None:
    """The impact that a word names, or None."""
    return _IMPACTS.get(word.strip().casefold().replace(" ", "_"))


def names(text: str) -> tuple[str, ...]:
    """The names of a list in prose: «A, B»."""
    return tuple(sorted({one_line(name, 200) for name in text.split(",")} - {""}))
