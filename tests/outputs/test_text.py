"""Blocks for people, character by character (contract «Text»)."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, timedelta, timezone
from typing import Any

import pytest

from efficient_status.models import Event, State
from efficient_status.outputs import text
from tests.outputs.events import BARE, FULL, event


def block(shown: Event) -> str:
    """The block in UTC."""
    return text.in_zone(UTC)(shown)


def test_a_full_block() -> None:
    """The block has its first three lines, the newest update, the address and a blank line."""
    assert block(event()) == (
        "[2026-02-23 16:09:30] Example\n"
        "Product: Chat (Login, Conversations)\n"
        "Status: Elevated Error Rate\n"
        "Investigating - We are looking.\n"
        "https://status.example.test/incidents/01A\n"
        "\n"
    )


def test_a_bare_block() -> None:
    """What a page does not say leaves no line and no brackets; the time is that of the poll."""
    assert block(event(BARE)) == (
        "[2026-02-23 16:10:05] Example\nProduct: Chat\nStatus: It broke\n\n"
    )


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"components": ()}, "Product: Chat"),
        ({"components": ("API",)}, "Product: Chat (API)"),
        ({"state": State.UNKNOWN}, "We are looking."),
        ({"state": State.IN_PROGRESS}, "In progress - We are looking."),
        ({"message": ""}, "Investigating"),
        ({"message": "One.\nTwo.\n\n  Three."}, "Investigating - One. Two. Three."),
        (
            {"title": "One\n[2026-01-01 00:00:00] Forged"},
            "Status: One [2026-01-01 00:00:00] Forged",
        ),
        ({"title": "a\u2028b\u2029c\x85d\x0be\x0cf\x1cg\rh"}, "Status: a b c d e f g h"),
        ({"components": ("A\nB",)}, "Product: Chat (A B)"),
        ({"updated_at": None}, "[2026-02-23 15:30:00] Example"),
    ],
)
def test_a_line(changes: dict[str, Any], line: str) -> None:
    """Each part is one line, whatever line breaks it brings."""
    assert line in block(event(**changes)).splitlines()


@pytest.mark.parametrize(
    "changes",
    [
        {"message": ""},
        {"url": None},
        {"message": "a\n\nb"},
        {"title": "a\n\nb"},
        {"components": ()},
    ],
)
def test_one_event_is_one_block(changes: dict[str, Any]) -> None:
    """Whatever an event says, its block ends at its first blank line."""
    shown = block(event(**changes))

    assert shown.index("\n\n") == len(shown) - 2


def test_names_are_folded_too() -> None:
    """A page's name and product are held to one line as well."""
    shown = replace(event(BARE), provider_name="Exa\nmple", product="Ch\nat")

    assert block(shown) == "[2026-02-23 16:10:05] Exa mple\nProduct: Ch at\nStatus: It broke\n\n"


@pytest.fixture
def _in_kolkata(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Kolkata")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.usefixtures("_in_kolkata")
def test_zones() -> None:
    """Times are local, unless a zone is asked for; the zone they came in does not matter."""
    west = FULL.updated_at.astimezone(timezone(timedelta(hours=-7))) if FULL.updated_at else None
    shown = event(updated_at=west)

    assert text.in_zone(None)(shown).startswith("[2026-02-23 21:39:30] Example\n")
    assert text.in_zone(UTC)(shown).startswith("[2026-02-23 16:09:30] Example\n")
