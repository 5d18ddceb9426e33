"""The document tells its platform; the row's word counts only where the document is silent."""

from __future__ import annotations

from pathlib import Path

import pytest

from efficient_status.providers import read

FIXTURES = Path(__file__).parents[2] / "fixtures"


def dialect(body: str, expected: str | None = None) -> str:
    return read(body.encode(), expected=expected).dialect


def rss(*guids: str, head: str = "", text: str = "x") -> str:
    items = "".join(
        f"<item><guid>{guid}</guid><description>{text}</description></item>" for guid in guids
    )
    return f"<rss><channel>{head}{items}</channel></rss>"


def atom(*ids: str, head: str = "") -> str:
    entries = "".join(f"<entry><id>{id_}</id></entry>" for id_ in ids)
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{entries}</feed>'


STATUSPAGE = "<description>Statuspage</description>"
INCIDENT_IO = "<generator>incident.io</generator>"
BOLD = "&lt;b&gt;Status: Resolved&lt;/b&gt;"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (atom(head="<id>tag:s.test,2005:/history</id>"), "statuspage-atom"),
        (atom("tag:s.test,2005:Incident/1"), "statuspage-atom"),
        (atom(head="<id>tag:s.test,2005:/other</id>"), "generic-atom"),
        (atom("urn:1"), "generic-atom"),
        (rss(head=STATUSPAGE), "statuspage-rss"),
        (rss("https://s.test/incidents/a", head=STATUSPAGE), "statuspage-rss"),
        (rss("https://s.test/incidents/a"), "generic-rss"),
        (rss("https://s.test/incidents/a", "bare", head=STATUSPAGE), "generic-rss"),
        (rss(head=INCIDENT_IO), "incidentio-rss"),
        (atom(head=INCIDENT_IO), "incidentio-atom"),
        (rss("https://s.test//incidents/01", text=BOLD), "incidentio-rss"),
        (rss("https://s.test//incidents/01", text="Resolved"), "generic-rss"),
        (rss("https://s.test/incidents/01", text=BOLD), "generic-rss"),
        (rss(head="<generator>WordPress</generator>"), "generic-rss"),
        (rss(), "generic-rss"),
        (atom(), "generic-atom"),
    ],
)
def test_document_tells_its_platform(body: str, expected: str) -> None:
    assert dialect(body) == expected


@pytest.mark.parametrize(
    ("expected", "body", "result"),
    [
        ("statuspage", rss(), "statuspage-rss"),
        ("incidentio", atom(), "incidentio-atom"),
        ("statuspage-rss", atom(), "statuspage-atom"),
        ("generic-rss", rss(), "generic-rss"),
        ("no-such-platform", rss(), "generic-rss"),
        ("", rss(), "generic-rss"),
        ("statuspage", rss(head=INCIDENT_IO), "incidentio-rss"),
        ("incidentio", rss(head=STATUSPAGE), "statuspage-rss"),
        ("generic", rss(head=INCIDENT_IO), "incidentio-rss"),
    ],
)
def test_expectation_counts_only_where_the_document_is_silent(
    expected: str, body: str, result: str
) -> None:
    assert dialect(body, expected) == result


@pytest.mark.parametrize(
    "name", ["statuspage/trimmed-head.atom", "incidentio/without-generator.rss"]
)
def test_recognition_does_not_depend_on_what_is_known(name: str) -> None:
    """Else a page would seem to change platforms whenever nothing is new."""
    body = (FIXTURES / name).read_bytes()
    first = read(body)
    known = frozenset(mark for incident in first.incidents for mark in incident.marks)
    again = read(body, known)
    assert (again.dialect, again.evidence) == (first.dialect, first.evidence)


def test_every_feed_says_why_it_was_recognised_as_what_it_is() -> None:
    for path in FIXTURES.glob("[!r]*/*"):
        if path.suffix != ".toml":
            assert read(path.read_bytes()).evidence
