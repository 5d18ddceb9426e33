"""JSON Lines for programs, key by key (contract «JSON»)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from efficient_status.models import Event, Happening, Impact, Kind, State
from efficient_status.outputs.jsonl import line
from tests.outputs.events import BARE, event

KEYS = (
    "event provider provider_name incident title kind state impact product components message url"
    " started_at updated_at seen_at"
).split()


def test_a_full_line() -> None:
    """Every key has its value, in the contract's order."""
    assert json.loads(line(event())) == {
        "event": "new",
        "provider": "example",
        "provider_name": "Example",
        "incident": "https://status.example.test//incidents/01A",
        "title": "Elevated Error Rate",
        "kind": "incident",
        "state": "investigating",
        "impact": "major",
        "product": "Chat",
        "components": ["Conversations", "Login"],
        "message": "We are looking.",
        "url": "https://status.example.test/incidents/01A",
        "started_at": "2026-02-23T15:30:00Z",
        "updated_at": "2026-02-23T16:09:30.123Z",
        "seen_at": "2026-02-23T16:10:05Z",
    }


@pytest.mark.parametrize("shown", [event(), event(BARE)], ids=["full", "bare"])
def test_keys_are_always_there(shown: Event) -> None:
    """All keys are present and in order, whatever the page does not say."""
    assert list(json.loads(line(shown))) == KEYS


def test_a_bare_line() -> None:
    """What a page does not say is null, empty or unknown."""
    found = json.loads(line(event(BARE)))

    assert [found[key] for key in ("impact", "url", "started_at", "updated_at")] == [None] * 4
    assert [found[key] for key in ("components", "message", "state")] == [[], "", "unknown"]


def test_one_line_of_utf8() -> None:
    """An object is one line of UTF-8: line breaks are escaped, letters are not."""
    shown = line(event(title="Ünïcode 復旧済み\nsecond", message='a\r\nb\x00"\\'))

    assert shown.count("\n") == 1
    assert shown.endswith("}\n")
    assert "Ünïcode 復旧済み\\nsecond" in shown
    assert json.loads(shown)["message"] == 'a\r\nb\x00"\\'


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("state", [*State]),
        ("kind", [*Kind]),
        ("impact", [*Impact]),
    ],
)
def test_words(key: str, words: list[str]) -> None:
    """States, kinds and impacts are their own words."""
    changes: list[dict[str, Any]] = [{key: word} for word in words]
    found = [json.loads(line(event(**change)))[key] for change in changes]

    assert found == [str(word) for word in words]
    assert all(word == word.lower() for word in found)


def test_happenings() -> None:
    """The contract's four words of an event."""
    assert [each.value for each in Happening] == ["new", "update", "resolved", "edit"]


@pytest.mark.parametrize(
    ("moment", "expected"),
    [
        (datetime(2026, 3, 4, 9, 0, tzinfo=UTC), "2026-03-04T09:00:00Z"),
        (datetime(2026, 3, 4, 9, 0, 0, 999, tzinfo=UTC), "2026-03-04T09:00:00Z"),
        (datetime(2026, 3, 4, 9, 0, 0, 5_000, tzinfo=UTC), "2026-03-04T09:00:00.005Z"),
        (
            datetime(2026, 3, 4, 2, 0, tzinfo=timezone(timedelta(hours=-7))),
            "2026-03-04T09:00:00Z",
        ),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z"),
    ],
)
def test_times(moment: datetime, expected: str) -> None:
    """Times are RFC 3339 in UTC with Z; milliseconds stand only where there are any."""
    found = json.loads(line(event(updated_at=moment, started_at=moment)))

    assert (found["updated_at"], found["started_at"]) == (expected, expected)
