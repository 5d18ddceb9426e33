"""Platforms' dialects: the bytes of a feed → `Feed`.  Pure; everything raises only `Unreadable`.

A dialect is a module with two plain functions, `evidence(document)` and `incident(item,
document)`, and one line in `DIALECTS`; it is tried in that order.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import NamedTuple

from efficient_status.models import Feed, Incident
from efficient_status.providers import generic, incidentio, statuspage
from efficient_status.providers.document import Document, Item
from efficient_status.providers.feedxml import Limits, parse
from efficient_status.providers.markup import one_line, plain_html

__all__ = ["DIALECTS", "Limits", "page_name", "read"]


class Dialect(NamedTuple):
    """How one platform is recognised, and how one of its items is read."""

    evidence: Callable[[Document], str | None]
    incident: Callable[[Item, Document], Incident]


DIALECTS: dict[str, Dialect] = {
    "incidentio": Dialect(incidentio.evidence, incidentio.incident),
    "statuspage": Dialect(statuspage.evidence, statuspage.incident),
    "generic": Dialect(generic.evidence, generic.incident),
}


def read(
    body: bytes,
    known: frozenset[bytes] = frozenset(),
    *,
    expected: str | None = None,
    limits: Limits | None = None,
) -> Feed:
    """Read a whole, decoded feed document.

    Args:
        known: marks of the items that are known as they are; they are swept over, not read.
        expected: the platform that the row (or the last reading) says this is; the document
            overrules it where it shows another.

    Raises:
        Unreadable: the bytes are no feed, or are not safe to read.
    """
    document = parse(body, known, limits)
    platform, evidence = _recognise(document, expected)
    incidents, faults = _incidents(document, DIALECTS[platform])
    return Feed(
        dialect=f"{platform}-{document.format}",
        evidence=evidence,
        title=page_name(document.head),
        incidents=tuple(incidents),
        unchanged=frozenset(document.unchanged),
        faults=(*_nameless(document), *faults),
    )


def _recognise(document: Document, expected: str | None) -> tuple[str, str]:
    for platform, dialect in DIALECTS.items():
        if platform != "generic" and (evidence := dialect.evidence(document)):
            return platform, evidence
    platform = (expected or "").rpartition("-")[0] or expected or ""
    if platform in DIALECTS and platform != "generic":
        return platform, "nothing in the document says otherwise"
    return "generic", generic.evidence(document) or ""


def _incidents(document: Document, dialect: Dialect) -> tuple[list[Incident], list[str]]:
    """Read every item; one that cannot be read costs itself."""
    incidents, faults = [], []
    for item, mark in document.items:
        try:
            incident = dialect.incident(item, document)
        except (ArithmeticError, AssertionError, LookupError, ValueError) as error:
            faults.append(f"item {item.id[:80]}: {one_line(repr(error), 120)}: skipped")
        else:
            title = incident.title or one_line(incident.message, 120) or item.id[:200]
            incidents.append(replace(incident, title=title, marks=(mark,)))
    return incidents, faults


def _nameless(document: Document) -> tuple[str, ...]:
    if not document.nameless:
        return ()
    return (f"{document.nameless} item(s) have neither id nor link nor title: skipped",)


_SUFFIXES = (" - incident history", " status page", " system status", " service health updates",
             " service status", " status")  # fmt: skip


def page_name(head: Item) -> str:
    """A display name from the feed's own title: «Example» from «Example Status - Incident History»."""
    name = one_line(plain_html(head.title) if head.html_title else head.title, 100)
    for suffix in _SUFFIXES:
        if name.casefold().endswith(suffix):
            name = name[: -len(suffix)]
    return name.strip(" -–—|")
