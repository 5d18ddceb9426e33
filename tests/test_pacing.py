"""When a page may be asked again, rule by rule (politeness P9 to P11, P15, P20)."""

from __future__ import annotations

import random
from collections.abc import Mapping
from email.utils import formatdate

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficient_status import pacing
from efficient_status.errors import Gone, PageError, Refused, Unreachable, Unreadable
from efficient_status.models import Pacing
from efficient_status.pacing import DAY

NOW = 1_772_611_200.0  # 2026-03-04T08:00:00Z
GONE = Gone("410", status=410)
LOST = Refused("404", status=404)
BUSY = Refused("503", status=503)
AWAY = Unreachable("no route")


def date(offset: float) -> str:
    """An HTTP-date so many seconds from now."""
    return formatdate(NOW + offset, usegmt=True)


def headers(fields: Mapping[str, str]) -> httpx.Headers:
    """Headers as the fetcher has them."""
    return httpx.Headers([(name.encode(), value.encode()) for name, value in fields.items()])


FRESHNESS: list[tuple[dict[str, str], float]] = [
    ({}, 0),
    ({"cache-control": ""}, 0),
    ({"cache-control": "public"}, 0),
    ({"cache-control": "max-age=300"}, 300),
    ({"Cache-Control": "Public, MAX-AGE=300"}, 300),
    ({"cache-control": 'max-age="300"'}, 300),
    ({"cache-control": " max-age = 300 , public"}, 300),
    ({"cache-control": "max-age=0"}, 0),
    ({"cache-control": "max-age=-5"}, 0),
    ({"cache-control": "max-age"}, 0),
    ({"cache-control": "max-age=soon"}, 0),
    ({"cache-control": "max-age=1.5"}, 0),
    ({"cache-control": "max-age=³"}, 0),
    ({"cache-control": "max-age=3600"}, 3_600),
    ({"cache-control": "max-age=31536000"}, 3_600),
    ({"cache-control": "max-age=" + "9" * 5_000}, 3_600),
    ({"cache-control": "max-age=60, max-age=600"}, 60),
    ({"cache-control": "max-age=300, no-cache"}, 0),
    ({"cache-control": "no-store, max-age=300"}, 0),
    ({"cache-control": "max-age=300, must-revalidate"}, 300),
    ({"cache-control": "s-maxage=300"}, 0),
    ({"cache-control": "s-maxage=600, max-age=300"}, 300),
    ({"cache-control": "max-age=300", "age": "100"}, 200),
    ({"cache-control": "max-age=300", "age": "400"}, 0),
    ({"cache-control": "max-age=300", "age": "-100"}, 300),
    ({"cache-control": "max-age=300", "age": "old"}, 300),
    ({"cache-control": "max-age=300", "expires": date(900)}, 300),
    ({"cache-control": "max-age=soon", "expires": date(900)}, 0),
    ({"expires": date(900), "date": date(0)}, 900),
    ({"expires": date(900), "date": date(0), "age": "100"}, 800),
    ({"expires": date(900), "date": date(600)}, 300),
    ({"expires": date(900)}, 900),
    ({"expires": date(900), "date": "yesterday"}, 900),
    ({"expires": date(900), "date": ""}, 900),
    ({"expires": date(-900), "date": date(0)}, 0),
    ({"expires": date(0), "date": date(0)}, 0),
    ({"expires": "0", "date": date(0)}, 0),
    ({"expires": "-1"}, 0),
    ({"expires": date(0), "date": "Thu, 01 Jan 1970 00:00:00 GMT"}, 3_600),
    ({"expires": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3_600),
    ({"expires": date(900), "date": "Fri, 31 Dec 9999 23:59:59 GMT"}, 0),
    ({"expires": "Wed Mar  4 08:15:00 2026", "date": date(0)}, 900),
    ({"expires": "Wednesday, 04-Mar-26 08:15:00 GMT", "date": date(0)}, 900),
    ({"pragma": "no-cache", "last-modified": date(-864_000), "date": date(0)}, 0),
]


@pytest.mark.parametrize(("fields", "expected"), FRESHNESS, ids=str)
def test_freshness(fields: dict[str, str], expected: float) -> None:
    """Explicit freshness is honoured up to the cap; anything unclear is no freshness."""
    assert pacing.freshness(headers(fields), NOW) == expected


def test_freshness_cap() -> None:
    """The cap is the caller's."""
    assert pacing.freshness(headers({"cache-control": "max-age=300"}), NOW, cap=30) == 30


@pytest.mark.parametrize("zone", ["UTC", "America/New_York"])
def test_dates_do_not_depend_on_the_machine(zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dates without a zone are UTC, wherever this runs (RFC 9110 5.6.7)."""
    import time

    with monkeypatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        asctime = pacing.retry_after(headers({"retry-after": "Wed Mar  4 08:15:00 2026"}), NOW)
        unknown = pacing.retry_after(
            headers({"retry-after": "Wed, 04 Mar 2026 08:15:00 -0000"}), NOW
        )
    time.tzset()

    assert (asctime, unknown) == (900, 900)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("no-store", True),
        ("private, No-Store", True),
        ("no-cache", False),
        ("max-age=0, private", False),
        ("", False),
    ],
)
def test_forbids_storing(value: str, expected: bool) -> None:
    """Only `no-store` forbids storing."""
    assert pacing.forbids_storing(headers({"cache-control": value})) is expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("0", 0),
        ("86400", DAY),
        ("86401", DAY),
        ("9" * 400, DAY),
        (date(120), 120),
        (date(0), 0),
        (date(-120), 0),
        (date(10 * DAY), DAY),
        ("Fri, 31 Dec 9999 23:59:59 GMT", DAY),
        ("", None),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("٣", None),
        ("Wed, 99 Mar 2026 08:00:00 GMT", None),
    ],
)
def test_retry_after(value: str, expected: float | None) -> None:
    """Retry-After is read as seconds and as a date, clamped to a day; garbage is none."""
    fields = httpx.Headers([(b"retry-after", value.encode())])
    assert pacing.retry_after(fields, NOW) == expected
    assert pacing.retry_after(httpx.Headers(), NOW) is None


def test_after_success() -> None:
    """A success ends every back-off, and freshness is the only reason to wait."""
    before = Pacing(not_before=NOW - 1, failures=7, wait=99, gone=True, moved_to="https://b.test/")

    fresh = pacing.after_success(before, 300, NOW)
    stale = pacing.after_success(before, 0, NOW)

    assert fresh == Pacing(not_before=NOW + 300, moved_to="https://b.test/")
    assert stale == Pacing(moved_to="https://b.test/")


@pytest.mark.parametrize(
    ("interval", "wasted", "expected"),
    [
        (30, 0, 30),
        (30, 2, 30),
        (30, 3, 60),
        (30, 4, 120),
        (30, 5, 240),
        (30, 6, 300),
        (30, 99, 300),
        (600, 0, 600),
        (600, 9, 600),
        (0.05, 3, 0.1),
        (0.05, 10_000, 300),
    ],
)
def test_validators_that_are_ignored(interval: float, wasted: int, expected: float) -> None:
    """Whole bodies for nothing are asked for ever more rarely, at most every five minutes."""
    assert pacing.stretched(interval, wasted) == expected


def test_a_hold_that_came_during_the_poll_stays() -> None:
    """A neighbour's Retry-After is not undone by a success or a failure that was under way."""
    held = Pacing(not_before=NOW + 500)

    assert pacing.after_success(held, 0, NOW).not_before == NOW + 500
    assert pacing.after_success(held, 900, NOW).not_before == NOW + 900
    failed = pacing.after_failure(held, Refused("HTTP 500", status=500), 60, NOW, 0.0)
    assert failed.not_before == NOW + 500


def failed(
    errors: list[PageError], *, interval: float = 60, dice: float = 0, before: Pacing | None = None
) -> list[Pacing]:
    """What pacing says after each of these failures."""
    steps, now = [before or Pacing()], NOW
    for error in errors:
        steps.append(pacing.after_failure(steps[-1], error, interval, now, dice))
        now = steps[-1].not_before
    return steps[1:]


@pytest.mark.parametrize(
    ("error", "interval", "waits"),
    [
        (BUSY, 60, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]),
        (Unreadable("not a feed"), 60, [60, 120, 240, 480, 960, 1_920, 3_600, 3_600]),
        (AWAY, 60, [60, 120, 240, 300, 300]),
        (AWAY, 900, [900, 900, 900]),
        (BUSY, 7_200, [7_200, 7_200]),
        (BUSY, 0.05, [0.05, 0.1, 0.2, 0.4]),
        (LOST, 60, [60, 120, DAY, DAY]),
        (LOST, 50_000, [50_000, DAY, DAY]),
    ],
)
def test_back_off(error: PageError, interval: float, waits: list[float]) -> None:
    """Without dice, waits double from the interval up to the cap of their kind."""
    steps = failed([error] * len(waits), interval=interval)

    assert [step.wait for step in steps] == waits
    assert [step.failures for step in steps] == list(range(1, len(waits) + 1))


@pytest.mark.parametrize("error", [BUSY, AWAY, LOST])
@given(dice=st.lists(st.floats(0, 1, exclude_max=True), min_size=2, max_size=12))
@settings(deadline=None)
def test_waits_at_least_double_and_never_shrink(error: PageError, dice: list[float]) -> None:
    """Whatever the dice say, each wait is twice the last or at the cap, and none is shorter."""
    before, now = Pacing(), NOW
    cap = {BUSY: 3_600.0, AWAY: 300.0, LOST: DAY}[error]
    for throw in dice:
        after = pacing.after_failure(before, error, 60, now, throw)
        wait = after.not_before - now

        assert wait == pytest.approx(after.wait)
        assert after.wait >= min(2 * before.wait, cap)
        assert before.wait <= after.wait <= cap * 1.1
        before, now = after, after.not_before


def test_a_long_wait_ends_sooner_when_the_network_is_away() -> None:
    """A page that cannot be reached is tried every few minutes, whatever it said before."""
    [after] = failed([AWAY], before=Pacing(failures=9, wait=3_600))

    assert 300 <= after.wait <= 330


@pytest.mark.parametrize(
    ("asked", "interval", "expected"),
    [(120, 60, 120), (5, 60, 60), (0, 60, 60), (DAY, 60, DAY)],
)
def test_retry_after_is_kept(asked: float, interval: float, expected: float) -> None:
    """Retry-After decides, never below the interval; the back-off goes on where it was."""
    error = Refused("503", status=503, retry_after=asked)
    [after] = failed([error], interval=interval, before=Pacing(failures=2, wait=240), dice=0.9)

    assert after == Pacing(not_before=NOW + expected, failures=3, wait=240)


def test_gone() -> None:
    """410 stops polling; nothing else does; a success undoes it."""
    [gone] = failed([GONE])
    [lost] = failed([LOST])

    assert (gone.gone, lost.gone) == (True, False)
    assert pacing.after_success(gone, 0, NOW).gone is False


def test_failures_keep_the_place() -> None:
    """A failure does not forget where the page has moved to."""
    [after] = failed([BUSY], before=Pacing(moved_to="https://b.test/"))

    assert after.moved_to == "https://b.test/"


@settings(deadline=None)
@given(
    phase=st.floats(0, 1e6),
    interval=st.sampled_from([0.05, 1.0, 60.0, 86_400.0]),
    seed=st.integers(0, 2**32),
    took=st.floats(0, 0.3),
)
def test_polls_keep_their_distance(phase: float, interval: float, seed: int, took: float) -> None:
    """Two polls in a row are an interval apart, a tenth at most nearer or farther."""
    dice = random.Random(seed)
    due = phase
    for _ in range(20):
        last = due
        now = last + took * interval  # a poll takes its time
        due = pacing.next_poll(phase, interval, now, -1.0, dice.random())

        assert 0.9 * interval - 1e-6 <= due - last <= 1.1 * interval + 1e-6


@settings(deadline=None)
@given(
    late=st.floats(0, 1_000),
    interval=st.floats(0.05, 1_000),
    hold=st.floats(-100, 5_000),
    throw=st.floats(0, 1, exclude_max=True),
)
def test_never_before_the_hold(late: float, interval: float, hold: float, throw: float) -> None:
    """No jitter brings a poll before what the server asked for, nor into the past."""
    due = pacing.next_poll(100.0, interval, 100.0 + late, hold, throw)

    assert due >= 100.0 + late + hold
    assert due > 100.0 + late


@pytest.mark.parametrize(
    ("now", "throw", "due"),
    [
        (1_000, 0.5, 1_060),
        (1_000, 0.0, 1_057),
        (1_000, 1.0, 1_063),
        (1_020, 0.5, 1_060),
        (1_057, 0.5, 1_120),
        (1_063, 0.5, 1_120),
        (9_000, 0.5, 9_040),
    ],
)
def test_the_grid(now: float, throw: float, due: float) -> None:
    """Polls keep to `phase + n * interval`, moved by a twentieth; a missed slot is not made up."""
    assert pacing.next_poll(1_000 - 3_600 * 60, 60, now, 0.0, throw) == pytest.approx(due)


@pytest.mark.parametrize(
    ("now", "expected"), [(1_000, 1_000), (1_000.5, 1_060), (1_059, 1_060), (9_001, 9_040)]
)
def test_the_next_place_on_the_grid(now: float, expected: float) -> None:
    """At most an interval away, and the page's own."""
    assert pacing.slot(1_000, 60, now) == expected


@pytest.mark.parametrize(
    ("late", "interval", "expected"),
    [(0, 60, False), (6, 60, False), (6.1, 60, True), (0.9, 0.05, False), (1.1, 0.05, True)],
)
def test_overslept(late: float, interval: float, expected: bool) -> None:
    """A tenth of the interval late is asleep, but never less than a second: machines are busy."""
    assert pacing.overslept(1_000, interval, 1_000 + late) is expected


def test_the_end_of_an_outage_lifts_our_own_back_off_only() -> None:
    """The back-off itself goes on where it was, and what a server asked for stands."""
    held = Pacing(not_before=NOW + 300, failures=9, wait=300)

    assert pacing.after_outage(held, NOW + 300) == Pacing(failures=9, wait=300)
    assert pacing.after_outage(held, NOW + 200) == held
    assert pacing.after_outage(held, 0.0) == held


def test_a_missing_page_in_an_outage_is_missed_by_the_hour() -> None:
    """Where no page can be read, «404» may be a portal's; a day would be long then."""
    lost = Pacing(failures=5, wait=3_600)
    after = pacing.after_failure(lost, LOST, 60, NOW, 0.0, outage=True)

    assert after.wait == 3_600


@pytest.mark.parametrize(
    ("not_before", "expected"),
    [
        (0, -NOW),
        (NOW - 5, -5),
        (NOW, 0),
        (NOW + 5, 5),
        (NOW + DAY, DAY),
        (NOW + 1.1 * DAY, 1.1 * DAY),
        (NOW + 1.2 * DAY, 0),
        (NOW + 400 * DAY, 0),
    ],
)
def test_hold(not_before: float, expected: float) -> None:
    """A page is left alone for what remains; what no server may ask for is a clock set back."""
    assert pacing.hold(Pacing(not_before=not_before), NOW) == pytest.approx(expected)


def test_a_day_of_waiting_is_not_cut_short() -> None:
    """The longest wait there is, stretched by the dice, passes through `hold` whole."""
    after = failed([LOST] * 3, dice=0.999)[-1]

    assert pacing.hold(after, after.not_before - after.wait) == pytest.approx(after.wait)
