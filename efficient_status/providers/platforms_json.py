"""The platforms that are read as JSON, and the way from a document to a `Feed`.  Pure.

A dialect is a module with four plain functions and one line in `JSON_DIALECTS`:

    evidence(document)  why it is this platform's, in words, or None
    page(document)      name and link of the page, and whether absence closes
    reports(document)   its raw incident objects, as they are
    report(raw)         one of them as a `Report`; a ValueError costs that object

It is imported when the first JSON document comes, so that other pages do not pay for it.
"""

from __future__ import annotations

import codecs
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

from efficient_status.errors import Unreadable
from efficient_status.harmless import one_line
from efficient_status.models import Feed, Incident, Limits
from efficient_status.providers import (
    algolia_json,
    apple_json,
    aws_json,
    betterstack_json,
    cachet_json,
    flashduty_json,
    gcp_json,
    heroku_json,
    instatus_json,
    jsonfeed,
    salesforce_json,
    slack_json,
    sorry_json,
    statusio_json,
    statuspage_json,
    zendesk_json,
)
from efficient_status.providers.document import Item, beyond
from efficient_status.providers.reading import few
from efficient_status.providers.recognition import page_name
from efficient_status.providers.report_json import Page, Report, string


class JsonDialect(NamedTuple):
    """How one platform is recognised, and how its incidents are found and read."""

    evidence: Callable[[object], str | None]
    page: Callable[[object], Page]
    reports: Callable[[object], Sequence[object]]
    report: Callable[[object], Report]


JSON_DIALECTS: dict[str, JsonDialect] = {
    platform: JsonDialect(evidence, module.page, module.reports, module.report)
    for platform, module, evidence in (
        ("incidentio", statuspage_json, statuspage_json.evidence_of_incidentio),
        ("statuspage", statuspage_json, statuspage_json.evidence),
        ("instatus", instatus_json, instatus_json.evidence),
        ("gcp", gcp_json, gcp_json.evidence),
        ("aws", aws_json, aws_json.evidence),
        ("slack", slack_json, slack_json.evidence),
        ("heroku", heroku_json, heroku_json.evidence),
        ("salesforce", salesforce_json, salesforce_json.evidence),
        ("apple", apple_json, apple_json.evidence),
        ("algolia", algolia_json, algolia_json.evidence),
        ("betterstack", betterstack_json, betterstack_json.evidence),
        ("statusio", statusio_json, statusio_json.evidence),
        ("cachet", cachet_json, cachet_json.evidence),
        ("sorry", sorry_json, sorry_json.evidence),
        ("flashduty", flashduty_json, flashduty_json.evidence),
        ("zendesk", zendesk_json, zendesk_json.evidence),
    )
}


def read(
    body: bytes, known: frozenset[bytes], expected: str | None, limits: Limits | None, source: str
) -> Feed:
    """Read a whole JSON document; see `providers.read`.

    Raises:
        Unreadable: it is no JSON, not safe to read, or of no platform that is known.
    """
    limits = limits or Limits()
    document = jsonfeed.parse(body, limits)
    platform, evidence = _recognise(document, body, expected)
    return replace(read_as(platform, document, known, limits, source), evidence=evidence)


def read_as(
    platform: str,
    document: object,
    known: frozenset[bytes] = frozenset(),
    limits: Limits | None = None,
    source: str = "",
) -> Feed:
    """Read a document as this platform's, whatever it shows.

    Raises:
        Unreadable: it holds more incidents than the limits allow.
    """
    limits = limits or Limits()
    dialect = JSON_DIALECTS[platform]
    page = dialect.page(document)
    raws = dialect.reports(document)
    if len(raws) > limits.items:
        raise beyond("items", limits.items, "items", len(raws))
    incidents: list[Incident] = []
    unchanged: set[bytes] = set()
    faults: list[str] = []
    size = 0
    for number, raw in enumerate(raws, start=1):
        try:
            report = dialect.report(raw)
            report.check(limits)
            size += report.size
            if size > limits.decoded_bytes:  # only by referring to one text again and again
                raise beyond("decoded_bytes", limits.decoded_bytes, "characters in all", size)
            mark = report.mark()
            if mark in known:
                unchanged.add(mark)
            else:
                incidents.append(report.incident(page.link, source))
        except (ArithmeticError, LookupError, ValueError, Unreadable) as error:
            faults.append(_fault(number, raw, error))
    return Feed(
        dialect=f"{platform}-json",
        title=page_name(Item(title=page.name)),
        incidents=tuple(incidents),
        unchanged=frozenset(unchanged),
        faults=few(faults),
        absence_closes=page.absence_closes and not faults,  # what could not be read is still there
    )


def _fault(number: int, raw: object, error: Exception) -> str:
    name = one_line(string(raw, "id", "_id", "name", "title"), 80) or str(number)
    return f"item {name}: {one_line(str(error), 120)}: skipped"


def _recognise(document: object, body: bytes, expected: str | None) -> tuple[str, str]:
    for platform, dialect in JSON_DIALECTS.items():
        if evidence := dialect.evidence(document):
            return platform, evidence
    if document == []:
        return _recognise_nothing(body, expected)
    if advice := statuspage_json.advice(document):
        raise Unreadable(advice)
    error = one_line(string(document, "error", "message"), 120)
    raise Unreadable(f"expected a feed, got JSON of no known platform{error and f' ({error})'}")


def _recognise_nothing(body: bytes, expected: str | None) -> tuple[str, str]:
    """An empty list: AWS when it is well, if in UTF-16; else whatever the row expects."""
    if body.lstrip().startswith((codecs.BOM_UTF16_BE, codecs.BOM_UTF16_LE)):
        return "aws", "an empty list in UTF-16"
    platform = (expected or "").rpartition("-")[0] or expected or ""
    if platform in JSON_DIALECTS:
        return platform, "nothing in the document says otherwise"
    raise Unreadable("an empty JSON list, which does not tell its platform: name it in the row")
