"""Platforms' dialects: the bytes of a feed → `Feed`.  Pure; everything raises only `Unreadable`.

A dialect is a module with two plain functions, `evidence(document)` and `incident(item,
document)`, and one line in `DIALECTS`; they are tried in that order, from those with marks of their
own to those that are known by their habits.  Where an item is an update, the module has a third
one, `key(id)` (see `reading`).  A module is imported when its turn comes: most pages need but one.
"""

from __future__ import annotations

from importlib import import_module

from efficient_status.models import Feed, Incident, Limits
from efficient_status.providers import jsonfeed
from efficient_status.providers.document import Document, Item
from efficient_status.providers.feedxml import parse
from efficient_status.providers.markup import one_line, plain_html
from efficient_status.providers.reading import Dialect, few, read_items

__all__ = ["DIALECTS", "Dialect", "Limits", "page_name", "read"]


def _dialect(
    name: str, *, joins: bool = False, absence_closes: bool = False, append_only: bool = False
) -> Dialect:
    """The dialect in the module of that name."""
    module = f"{__name__}.{name}"

    def evidence(document: Document) -> str | None:
        found: str | None = import_module(module).evidence(document)
        return found

    def incident(item: Item, document: Document) -> Incident:
        read: Incident = import_module(module).incident(item, document)
        return read

    def key(id_: str) -> str:
        common: str = import_module(module).key(id_)
        return common

    return Dialect(evidence, incident, key if joins else None, absence_closes, append_only)


DIALECTS: dict[str, Dialect] = {
    "incidentio": _dialect("incidentio"),
    "onlineornot": _dialect("onlineornot"),  # may call itself a Statuspage
    "statuspage": _dialect("statuspage"),
    "aws": _dialect("aws", joins=True, append_only=True),
    "gcp": _dialect("gcp", joins=True, append_only=True),
    "azure": _dialect("azure", absence_closes=True),
    "slack": _dialect("slack"),
    "okta": _dialect("okta"),
    "oci": _dialect("oci"),
    "xai": _dialect("xai"),
    "paypal": _dialect("paypal"),
    "heroku": _dialect("heroku"),
    "meta": _dialect("meta", absence_closes=True),
    "openstatus": _dialect("openstatus"),
    "cstate": _dialect("cstate"),
    "kener": _dialect("kener"),
    "kuma": _dialect("kuma", absence_closes=True),
    "statusio": _dialect("statusio", joins=True),
    "cachet": _dialect("cachet"),
    "instatus": _dialect("instatus"),
    "betterstack": _dialect("betterstack", joins=True),
    "checkly": _dialect("checkly", joins=True),
    "statuscast": _dialect("statuscast"),
    "statuspal": _dialect("statuspal"),
    "generic": _dialect("generic"),
}


def read(
    body: bytes,
    known: frozenset[bytes] = frozenset(),
    *,
    expected: str | None = None,
    limits: Limits | None = None,
    source: str = "",
) -> Feed:
    """Read a whole, decoded feed document: RSS, Atom, or a platform's JSON.

    Args:
        known: marks of the items that are known as they are; they are swept over, not read.
        expected: the platform that the row (or the last reading) says this is; the document
            overrules it where it shows another.
        source: where the document came from, for JSON whose links are relative to it.

    Raises:
        Unreadable: the bytes are no feed, or are not safe to read.
    """
    if jsonfeed.is_json(body):
        from efficient_status.providers import platforms_json

        return platforms_json.read(body, known, expected, limits, source)
    document = parse(body, known, limits, stop=_is_append_only(expected))
    platform, evidence = _recognise(document, expected)
    if document.partial and not DIALECTS[platform].append_only:  # it has moved
        document = parse(body, known, limits)
        platform, evidence = _recognise(document, expected)
    dialect = DIALECTS[platform]
    incidents, unreadable = read_items(document, dialect, limits or Limits())
    faults = [*_nameless(document), *document.faults, *unreadable]
    return Feed(
        dialect=f"{platform}-{document.format}",
        evidence=evidence,
        title=page_name(document.head),
        incidents=tuple(incidents),
        unchanged=frozenset(document.unchanged),
        faults=few(faults),
        partial=document.partial,
        # An item that could not be read is there all the same.
        absence_closes=dialect.absence_closes and not (document.faults or unreadable),
    )


def _is_append_only(expected: str | None) -> bool:
    """Whether a page that was read to its end as «PLATFORM-FORMAT» only ever grows at its top.

    A row's word, «PLATFORM», is not enough: before the first contact was told to its end, what is
    known need not be what stands lowest.
    """
    platform, _, format_ = (expected or "").rpartition("-")
    return format_ in ("rss", "atom") and platform in DIALECTS and DIALECTS[platform].append_only


def _recognise(document: Document, expected: str | None) -> tuple[str, str]:
    for platform, dialect in DIALECTS.items():
        if platform != "generic" and (evidence := dialect.evidence(document)):
            return platform, evidence
    platform = (expected or "").rpartition("-")[0] or expected or ""
    if platform in DIALECTS and platform != "generic":
        return platform, "nothing in the document says otherwise"
    return "generic", DIALECTS["generic"].evidence(document) or ""


def _nameless(document: Document) -> tuple[str, ...]:
    if not document.nameless:
        return ()
    return (f"{document.nameless} item(s) have neither id nor link nor title: skipped",)


_SUFFIXES = (" - incident history", " — incidents & maintenance", " rss feed", " status page", " system status", " service health updates",
             " service status", " status")  # fmt: skip


def page_name(head: Item) -> str:
    """A display name from the feed's own title: «Example» from «Example Status - Incident History»."""
    name = one_line(plain_html(head.title) if head.html_title else head.title, 100)
    name = name.removeprefix("Incidents | ")
    for suffix in _SUFFIXES:
        if name.casefold().endswith(suffix):
            name = name[: -len(suffix)]
    return name.strip(" -–—|")
