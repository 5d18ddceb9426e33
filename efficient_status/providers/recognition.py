"""Which platform a document is of, and what it says then: the way from bytes to `Feed`.  Pure."""

from __future__ import annotations

from efficient_status.harmless import one_line
from efficient_status.models import Feed, Limits
from efficient_status.providers import DIALECTS, jsonfeed
from efficient_status.providers.document import Document, Item
from efficient_status.providers.feedxml import parse
from efficient_status.providers.markup import plain_html
from efficient_status.providers.reading import few, read_items


def read(
    body: bytes, known: frozenset[bytes], expected: str | None, limits: Limits, source: str
) -> Feed:
    """See `providers.read`."""
    if jsonfeed.is_json(body):
        from efficient_status.providers import platforms_json

        return platforms_json.read(body, known, expected, limits, source)
    document = parse(body, known, limits, stop=_is_append_only(expected))
    platform, evidence = _recognise(document, expected)
    if document.partial and not DIALECTS[platform].append_only:  # it has moved
        document = parse(body, known, limits)
        platform, evidence = _recognise(document, expected)
    dialect = DIALECTS[platform]
    incidents, unreadable = read_items(document, dialect, limits)
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
