"""What is told and what is only remembered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from efficient_status.filters import from_table, wanted
from efficient_status.models import Filters, Impact, Incident, Kind, Provider
from tests.app import App, cli, objects
from tests.feeds import Report, Timeline, incidentio, minute, statuspage
from tests.origin import Origin


def incident(**words: Any) -> Incident:
    """An incident that says all that can be filtered."""
    return Incident(
        **{
            "id": "1",
            "title": "Slow answers in the EU",
            "impact": Impact.MINOR,
            "components": ("API", "Login (EU)"),
            **words,
        }
    )


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        ({}, True),
        ({"components": ["api"]}, True),
        ({"components": ["Chat", "login (eu)"]}, True),
        ({"components": ["login*"]}, True),
        ({"components": ["*(EU)"]}, True),
        ({"components": ["log"]}, False),
        ({"components": ["login [eu]"]}, False),
        ({"components": ["a?i"]}, False),
        ({"components": []}, True),
        ({"products": ["chatgpt"]}, True),
        ({"products": ["Chat*", "x"]}, True),
        ({"products": ["Codex"]}, False),
        ({"kinds": ["incident"]}, True),
        ({"kinds": ["maintenance"]}, False),
        ({"kinds": ["maintenance", "incident"]}, True),
        ({"kinds": []}, True),
        ({"min_impact": "none"}, True),
        ({"min_impact": "minor"}, True),
        ({"min_impact": "major"}, False),
        ({"min_impact": "critical"}, False),
        ({"include_titles": ["slow"]}, True),
        ({"include_titles": ["^answers", "EU$"]}, True),
        ({"include_titles": ["^answers"]}, False),
        ({"exclude_titles": ["^answers"]}, True),
        ({"exclude_titles": [r"\beu\b"]}, False),
        ({"include_titles": ["slow"], "exclude_titles": ["eu"]}, False),
        ({"components": ["API"], "kinds": ["incident"], "min_impact": "minor"}, True),
        ({"components": ["API"], "kinds": ["incident"], "min_impact": "major"}, False),
    ],
)
def test_each_filter(table: dict[str, Any], expected: bool) -> None:
    """Every filter must let it pass; within one, any of its words; the case never counts."""
    assert wanted(from_table(table), incident(), "ChatGPT") is expected


@pytest.mark.parametrize("least", ["none", "minor", "major", "critical"])
def test_what_a_page_does_not_state_is_not_rejected(least: str) -> None:
    """Most feeds name no impact and many no components: they would all be silent."""
    filters = from_table({"min_impact": least, "components": ["API"]})

    assert wanted(filters, incident(impact=None, components=()), "X")


def test_a_maintenance_has_no_rank() -> None:
    """It is neither more nor less than an outage; `kinds` is there for it."""
    work = incident(kind=Kind.MAINTENANCE, impact=Impact.MAINTENANCE)

    assert wanted(from_table({"min_impact": "critical"}), work, "X")
    assert not wanted(from_table({"kinds": ["incident"]}), work, "X")


def test_impacts_are_ordered() -> None:
    """none < minor < major < critical."""
    words = ["none", "minor", "major", "critical"]
    passed = [
        [
            wanted(from_table({"min_impact": least}), incident(impact=Impact(word)), "X")
            for word in words
        ]
        for least in words
    ]
    assert passed == [[place >= rank for place in range(4)] for rank in range(4)]


def test_filtered_events_are_remembered(origin: Origin, tmp_path: Path) -> None:
    """What was kept silent never turns up as new, even when the filter is gone; its end is told then."""
    page = origin.page("/a")
    url = origin.url("/a")
    loud, quiet = Report("LOUD", title="Chat is down"), Report("HUSH", title="Billing is down")
    row = Provider("own", "Own", url, filters=from_table({"exclude_titles": ["billing"]}))

    page.serve(incidentio(loud, quiet), etag=True)
    first = App(providers=[row], folder=tmp_path)
    assert first.once() == {}
    page.serve(incidentio(loud, quiet, built=minute(9)), etag=True)
    second = App(providers=[Provider("own", "Own", url)], folder=tmp_path)
    assert second.once() == {}
    quiet.state, quiet.message, quiet.at = "Resolved", "It works.", minute(30)
    page.serve(incidentio(loud, quiet, built=minute(31)), etag=True)
    third = App(providers=[Provider("own", "Own", url)], folder=tmp_path)
    assert third.once() == {}

    assert first.told.short == [("new", "OUD", "investigating")]
    assert second.told.short == []
    assert third.told.short == [("resolved", "USH", "resolved")]


def test_the_end_of_what_was_told_is_told(origin: Origin, tmp_path: Path) -> None:
    """Pages drop the components of what is over: the filter then looks at how it was."""
    page = origin.page("/a")
    report = Report("AAA", components=("Chat (Full outage)",))
    other = Report("BBB", components=("Mail (Full outage)",))
    row = Provider("own", "Own", origin.url("/a"), filters=Filters(components=("Chat",)))

    page.serve(incidentio(report, other), etag=True)
    first = App(providers=[row], folder=tmp_path)
    assert first.once() == {}
    for each in (report, other):
        each.state, each.message, each.at = "Resolved", "It works.", minute(30)
    report.components = ("Status page (Operational)",)
    page.serve(incidentio(report, other, built=minute(31)), etag=True)
    second = App(providers=[row], folder=tmp_path)
    assert second.once() == {}

    assert first.told.short == [("new", "AAA", "investigating")]
    assert second.told.short == [("resolved", "AAA", "resolved")]


def test_filters_of_the_file_and_of_a_row(origin: Origin, tmp_path: Path) -> None:
    """A row's filter replaces the global one of that name and leaves the others."""
    work = Timeline(1, "Upgrade", [("Scheduled", "We will.", minute(-5))], window=minute(600))
    trouble = Timeline(2, "Down", [("Investigating", "We look.", minute(0))])
    noise = Timeline(3, "Test", [("Investigating", "Ignore it.", minute(1))])
    for path in ("/one", "/two"):
        origin.page(path).serve(statuspage(noise, trouble, work), etag=True)
    file = tmp_path / "mine.toml"
    file.write_text(f"""
        filters = {{ kinds = ["incident"], exclude_titles = ["^test$"] }}
        feeds = ["{origin.url("/one")}"]
        [[providers]]
        key = "two"
        feed = "{origin.url("/two")}"
        filters = {{ kinds = [] }}
    """)

    done = cli(tmp_path, "--once", "--config", str(file), "--format", "json")

    told = sorted((event["provider"][-3:], event["title"]) for event in objects(done.stdout))
    assert told == [("one", "Down"), ("two", "Down"), ("two", "Upgrade")]
