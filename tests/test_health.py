"""Which failures are worth a line (promise 5)."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from efficient_status.errors import Gone, Moved, PageError, Refused, Unreachable, Unreadable
from efficient_status.figures import span
from efficient_status.health import Health, excusable, summary

BUSY = Refused("the server answers 503", status=503)
AWAY = Unreachable("no route to host")
GONE = Gone("the server answers 410", status=410)


def fail(health: Health, page: str, times: range) -> Sequence[Sequence[str]]:
    """What is said at each of these failures in a row."""
    return [health.failed(page, BUSY, number, 60) for number in times]


def test_named_at_the_third_failure() -> None:
    """A page is named at its third failure in a row, with the reason and the next attempt."""
    line = "a: cannot be read: the server answers 503; next attempt in 60 s"

    assert fail(Health(), "a", range(1, 7)) == [[], [], [line], [], [], []]


def test_named_when_it_failed_before_this_run() -> None:
    """A page that came into this run with failures is named at its first one."""
    assert fail(Health(), "a", range(9, 11)) == [
        ["a: cannot be read: the server answers 503; next attempt in 60 s"],
        [],
    ]


def test_recovery_is_said_once() -> None:
    """The end of a failure that was named is said, once; afterwards it starts over."""
    health = Health()
    fail(health, "a", range(1, 4))

    assert health.recovered("a") == ["a: can be read again"]
    assert health.recovered("a") == []
    assert [len(lines) for lines in fail(health, "a", range(1, 4))] == [0, 0, 1]


def test_what_was_not_named_does_not_recover() -> None:
    """Nothing is said of a page that failed twice and is back, nor of one that never failed."""
    health = Health()
    fail(health, "a", range(1, 3))

    assert health.recovered("a") == []
    assert health.recovered("b") == []


@pytest.mark.parametrize("before", [0, 1, 5])
def test_gone(before: int) -> None:
    """A page that is gone is said at once, and what to do, whatever was said before."""
    health = Health()
    fail(health, "a", range(1, before + 1))

    assert health.failed("a", GONE, before + 1, 60) == [
        "a: the server answers 410: not asked any more; give it another feed, or remove it"
    ]
    assert health.recovered("a") == ["a: can be read again"]


def test_the_network_is_away() -> None:
    """Where every page fails it is one line, and one when the first is back."""
    health = Health()
    pages = [f"page{number}" for number in range(100)]
    said = [
        line
        for failures in range(1, 6)
        for page in pages
        for line in health.failed(page, AWAY, failures, 60)
    ]
    back = [line for page in pages for line in health.recovered(page)]

    assert said == [
        "no page can be read, is there a network? (page0: no route to host); still trying"
    ]
    assert back == ["pages can be read again"]


def test_pages_that_stay_away_are_named_later() -> None:
    """A page that still fails after the network came back is named at its next failure, once."""
    health = Health()
    for failures in range(1, 4):
        for page in "abc":
            health.failed(page, AWAY, failures, 60)
    health.recovered("a")

    named = [health.failed("b", BUSY, failures, 60) for failures in (4, 5)]
    assert named == [["b: cannot be read: the server answers 503; next attempt in 60 s"], []]
    assert health.recovered("c") == []
    assert health.recovered("b") == ["b: can be read again"]


def test_a_page_named_before_the_network_went() -> None:
    """A page that was named before everything failed is still told as recovered."""
    health = Health()
    fail(health, "a", range(1, 4))
    lines = fail(health, "b", range(1, 4))

    assert [len(each) for each in lines] == [0, 0, 1]
    assert health.recovered("a") == ["pages can be read again", "a: can be read again"]


def test_the_network_goes_twice() -> None:
    """A second outage is said like the first."""
    health = Health()
    said = []
    for _ in range(2):
        for page in "ab":
            health.failed(page, AWAY, 2, 60)
        said += health.failed("a", AWAY, 3, 60)
        said += health.recovered("a")
        health.recovered("b")

    assert [line.partition(",")[0] for line in said] == [
        "no page can be read",
        "pages can be read again",
    ] * 2


def test_pages_that_fail_while_others_are_read_are_named_each() -> None:
    """Two vendors in trouble are no network in trouble."""
    health = Health()
    said = []
    for failures in range(1, 4):
        for page in "ab":
            said += health.failed(page, BUSY, failures, 60)
        said += health.recovered("c")

    assert [line.partition(":")[0] for line in said] == ["a", "b"]


def test_a_page_that_is_not_asked_in_between_hides_no_outage() -> None:
    """One page held fresh for an hour does not turn an outage into a line a page."""
    health = Health()
    health.recovered("fresh")
    pages = [f"page{number}" for number in range(9)]
    said = [
        line
        for failures in range(1, 4)
        for page in pages
        for line in health.failed(page, AWAY, failures, 60)
    ]

    assert len(said) == 1


def test_a_page_that_failed_before_this_run_waits_for_another_to_be_read() -> None:
    """Its first failure may be everyone's; it is named as soon as there is a network, once."""
    health = Health(watched=3)
    line = "a: cannot be read: the server answers 503; next attempt in 60 s"

    assert health.failed("a", BUSY, 9, 60) == []
    assert health.recovered("b") == [line]
    assert health.recovered("b") == []
    assert health.failed("a", BUSY, 10, 60) == []
    assert health.recovered("a") == ["a: can be read again"]


def test_a_page_that_failed_before_this_run_is_named_at_its_second_failure() -> None:
    """Where no other is asked meanwhile, there is nothing to wait for."""
    assert [len(lines) for lines in fail(Health(watched=3), "a", range(9, 12))] == [0, 1, 0]


def test_two_dead_pages_at_the_start_are_no_outage() -> None:
    """They are neighbours, and the first that are asked; both are named when another is read."""
    health = Health(watched=9)

    assert health.failed("a", BUSY, 9, 60) == []
    assert health.failed("b", AWAY, 9, 60) == []
    assert [line.partition(":")[0] for line in health.recovered("c")] == ["a", "b"]


def test_started_in_an_outage_that_an_earlier_run_knew() -> None:
    """When more than half of the pages have failed at once, it is said, once."""
    health = Health(watched=9)
    said = [health.failed(page, AWAY, 9, 60) for page in "abcdefghi"]

    assert [len(lines) for lines in said] == [0, 0, 0, 0, 1, 0, 0, 0, 0]
    assert health.recovered("a") == ["pages can be read again"]


def test_a_poll_that_began_before_the_network_was_back_names_no_page() -> None:
    """The next one does."""
    health = Health()
    for failures in range(1, 4):
        for page in "ab":
            health.failed(page, AWAY, failures, 60)
    began = health.reads
    health.recovered("a")

    assert health.failed("b", AWAY, 4, 60, began) == []
    assert len(health.failed("b", AWAY, 5, 60, health.reads)) == 1


def test_what_the_network_excuses() -> None:
    """Pages that failed since any was read last, while no page can be read."""
    health = Health()
    fail(health, "old", range(1, 4))
    health.recovered("c")
    for failures in range(1, 3):
        for page in "ab":
            health.failed(page, AWAY, failures, 60)
    before = health.excused()
    health.failed("a", AWAY, 3, 60)

    assert (before, health.offline, sorted(health.excused())) == ([], True, ["a", "b"])
    health.recovered("a")
    assert health.excused() == []


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (AWAY, True),
        (Unreadable("expected a feed, got an HTML page"), True),
        (Moved("redirects in a loop"), True),
        (Refused("511", status=511), True),
        (Refused("404", status=404), True),
        (Refused("500", status=500), False),
        (Refused("429", status=429), False),
        (Refused("503", status=503, retry_after=5), False),
        (GONE, False),
        (PageError("its events cannot be written"), False),
    ],
    ids=str,
)
def test_what_a_network_can_bring_about(error: PageError, expected: bool) -> None:
    """Portals redirect, answer with HTML, or that there is no such page; never that they rest."""
    assert excusable(error) is expected


def test_a_page_that_is_gone_makes_no_outage() -> None:
    """It is not asked any more, so it does not fail beside another one."""
    health = Health()
    health.failed("gone", GONE, 1, 60)

    assert fail(health, "a", range(1, 4))[-1][0].startswith("a: cannot be read")


def test_one_page_is_not_a_network() -> None:
    """With a single page its own failure is named, not the network."""
    assert fail(Health(), "a", range(1, 4))[-1][0].startswith("a: cannot be read")


@pytest.mark.parametrize(
    ("failures", "pages", "expected"),
    [
        ({}, 0, []),
        ({}, 2, []),
        ({"a": "x"}, 1, ["a: cannot be read: x"]),
        ({"a": "x", "b": "y"}, 3, ["a: cannot be read: x", "b: cannot be read: y"]),
        (
            {"a": "x", "b": "x"},
            2,
            ["none of the 2 pages can be read, is there a network? x: a, b"],
        ),
        (
            {"a": "x", "b": "y", "c": "x"},
            3,
            [
                "none of the 3 pages can be read, is there a network? x: a, c",
                "none of the 3 pages can be read, is there a network? y: b",
            ],
        ),
    ],
)
def test_summary(failures: dict[str, str], pages: int, expected: list[str]) -> None:
    """With --once each page is named with its reason; all of them failing is a line a reason."""
    assert summary(failures, pages) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0.05, "0.05 s"),
        (0.123456, "0.123 s"),
        (60, "60 s"),
        (119.96, "120 s"),
        (120, "2 min"),
        (3_600, "60 min"),
        (7_200, "2 h"),
        (86_400, "24 h"),
    ],
)
def test_span(seconds: float, expected: str) -> None:
    """A wait is shown in the unit that suits it."""
    assert span(seconds) == expected
