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
HEX = "54f0de009d6f51e7140002b7"
STATUS_FEED = "<description>Status Feed</description>"
STATUS_IO = f"{STATUS_FEED}<link>https://s.test/pages/{HEX}</link>"
AZURE = "<title>Azure Status</title><link>https://{}/en-us/status/</link>"
KUMA = "<title>{}</title><description>Current status: All Systems Operational</description>"
BETTER = "<title>Incidents | X</title>"
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
        (rss("https://status.aws.amazon.com/#a_1"), "aws-rss"),
        (rss("https://status.aws.amazon.com/#a"), "generic-rss"),
        (rss("https://status.aws.amazon.com/#a_1", "b"), "generic-rss"),
        (atom("tag:s.test,2026:feed:a.b"), "gcp-atom"),
        (atom("tag:s.test,2026:feed:a"), "generic-atom"),
        (atom("tag:s.test,2026:feed:a."), "generic-atom"),
        (rss("tag:s.test,2026:feed:a.b"), "generic-rss"),
        (rss(head=AZURE.format("azure.status.microsoft")), "azure-rss"),
        (rss(head=AZURE.format("status.azure.com")), "azure-rss"),
        (rss(head=AZURE.format("azure.example.test")), "generic-rss"),
        (rss(head=AZURE.format("notazure.com")), "generic-rss"),
        (rss(head="<link>https://slack-status.com</link>"), "slack-rss"),
        (rss(head="<link>https://slack-status.com.example.test</link>"), "generic-rss"),
        (rss("https://slack-status.com/a", "https://other.test/b"), "generic-rss"),
        (rss("https://status.heroku.com/incidents/1"), "heroku-rss"),
        (rss(head=STATUS_FEED), "generic-rss"),
        (rss(head=STATUS_IO), "statusio-rss"),
        (rss("https://s.test/incidents/1", head=STATUS_IO), "cachet-rss"),
        (rss("https://s.test/incidents/a", head=STATUS_FEED), "generic-rss"),
        (rss(f"https://s.test/pages/incident/{HEX}/{HEX}"), "statusio-rss"),
        (rss(f"https://s.test/pages/incident/{HEX}/short"), "generic-rss"),
        (rss(head=KUMA.format("X RSS Feed")), "kuma-rss"),
        (rss(head=KUMA.format("X")), "generic-rss"),
        (rss(head=BETTER), "betterstack-rss"),
        (rss("https://s.test/blog/1", head=BETTER), "generic-rss"),
        (rss("https://s.test/incident/1#u"), "betterstack-rss"),
        (rss("https://s.test/incident/1"), "generic-rss"),
        (rss("https://s.test/incident/1", text="Status: Resolved&lt;br/&gt;x"), "checkly-rss"),
        (rss("https://s.test/1", text="Status: Resolved&lt;br/&gt;x"), "generic-rss"),
        (rss("incident-1", "maintenance-2"), "kener-rss"),
        (rss("incident-1", "incident-x"), "generic-rss"),
        (rss("1", text="&lt;strong&gt;RESOLVED&lt;/strong&gt; - x"), "onlineornot-rss"),
        (rss("1", text="&lt;strong&gt;Resolved&lt;/strong&gt; - x"), "generic-rss"),
        (rss("1", text="&lt;strong&gt;WARNING&lt;/strong&gt; - x"), "generic-rss"),
        (atom(head="<title>X Status - Incident history</title>"), "instatus-atom"),
        (atom(head="<title>X Status - Incident History</title>"), "generic-atom"),
        (rss(head="<generator>OpenStatus - x</generator>"), "openstatus-rss"),
        (rss(head="<generator>github.com/cstate</generator>"), "cstate-rss"),
        (rss(head="<generator>Hugo -- gohugo.io</generator>"), "generic-rss"),
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
