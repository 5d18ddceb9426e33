"""When a page may be asked again.  Pure: the clock and the dice are arguments.

All times are seconds; «now» is seconds since the epoch.  Rules (politeness P9-P11, P15):

    unchanged or changed → the own interval, or the explicit freshness if that is longer
    429, 503 with Retry-After → not before it ends, at most a day
    any other failure → a wait that at least doubles each time, up to an hour; it ends with the
        outage that explains it, and the page is asked at its next place in the interval
    404 for the third time → once a day, where any page can be read
    410 → never again
    a server that ignores validators → ever more rarely while nothing changes, at most every 5 min
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC
from email.utils import parsedate_to_datetime

from efficient_status.errors import Gone, PageError, Unreachable
from efficient_status.models import Pacing

DAY = 86_400.0
MAX_FRESHNESS = 3_600.0  # of what a server may claim with max-age or Expires
MAX_RETRY_AFTER = DAY
MAX_HOLD = MAX_RETRY_AFTER * 1.1  # see `after_failure` for the tenth
MAX_BACKOFF = 3_600.0
# A page that could not even be reached is not spared by long waits, and users want it back soon.
MAX_BACKOFF_UNREACHABLE = 300.0
MAX_STRETCH = 300.0
LATE = 0.1  # of the interval: a poll that is later than this is not merely in a queue
LATE_AT_LEAST = 1.0
JITTER = 0.05  # of the interval, to both sides: two polls are at most 10 % nearer or farther apart


def freshness(headers: Mapping[str, str], now: float, cap: float = MAX_FRESHNESS) -> float:
    """Explicit freshness left, in seconds: max-age, else Expires, minus Age (RFC 9111 4.2).

    Heuristic freshness is never used, and a missing or absurd Date never blinds: it only serves
    to measure Expires, against our clock where it is unreadable.

    Args:
        headers: case-insensitive, of a 200 or a 304.
    """
    directives = _directives(headers.get("cache-control", ""))
    if "no-store" in directives or "no-cache" in directives:
        return 0.0
    lifetime = _seconds(directives["max-age"]) if "max-age" in directives else None
    if lifetime is None and "max-age" not in directives and "expires" in headers:
        expires = _http_date(headers["expires"])
        date = _http_date(headers.get("date", ""))
        lifetime = 0.0 if expires is None else expires - (now if date is None else date)
    age = _seconds(headers.get("age", "")) or 0.0
    return min(max((lifetime or 0.0) - age, 0.0), cap)


def forbids_storing(headers: Mapping[str, str]) -> bool:
    """Whether the answer says `Cache-Control: no-store` (RFC 9111 5.2.2.5)."""
    return "no-store" in _directives(headers.get("cache-control", ""))


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds that Retry-After asks for, as a number or an HTTP-date (RFC 9110 10.2.3)."""
    value = headers.get("retry-after", "").strip()
    seconds = _seconds(value)
    if seconds is None and (date := _http_date(value)) is not None:
        seconds = max(date - now, 0.0)
    return None if seconds is None else min(seconds, MAX_RETRY_AFTER)


def after_success(pacing: Pacing, fresh: float, now: float) -> Pacing:
    """The page was read, or had not changed; it stays fresh for so many seconds."""
    not_before = max(_still(pacing, now), now + fresh if fresh > 0 else 0.0)
    return replace(pacing, not_before=not_before, failures=0, wait=0.0, gone=False, reason="")


def _still(pacing: Pacing, now: float) -> float:
    """What holds the page already: a neighbour's Retry-After that came while this poll ran."""
    return pacing.not_before if pacing.not_before > now else 0.0


def after_failure(
    pacing: Pacing,
    error: PageError,
    interval: float,
    now: float,
    dice: float,
    *,
    outage: bool = False,
) -> Pacing:
    """The page could not be read.

    Args:
        outage: whether no page can be, so that somebody else may answer in the server's place.
        dice: a random number in [0, 1): waits are stretched by up to a tenth, never shortened.
    """
    failures = pacing.failures + 1
    missing = error.status == 404 and not outage
    cap = max(DAY if missing else _cap(error), interval)
    wait = DAY if missing and failures >= 3 else min(max(pacing.wait * 2, interval), cap)
    wait *= 1 + 0.1 * dice
    wait = max(wait, min(pacing.wait, cap * 1.1))  # at the cap dice may differ
    if error.retry_after is not None:
        wait = max(error.retry_after, interval)
    return replace(
        pacing,
        not_before=max(_still(pacing, now), now + min(wait, MAX_HOLD)),
        failures=failures,
        wait=pacing.wait if error.retry_after is not None else wait,
        gone=isinstance(error, Gone),
    )


def after_outage(pacing: Pacing, own: float) -> Pacing:
    """The network is back that kept the page from being read: it may be asked once.

    Should it fail again, the back-off goes on where it was.

    Args:
        own: until when the page rests because of its back-off alone.  If it rests for another
            reason, a server has asked for it.
    """
    return replace(pacing, not_before=0.0) if pacing.not_before == own else pacing


def _cap(error: PageError) -> float:
    return MAX_BACKOFF_UNREACHABLE if isinstance(error, Unreachable) else MAX_BACKOFF


def next_poll(phase: float, interval: float, now: float, hold: float, dice: float) -> float:
    """When the next poll is due, on the clock that `now` and `phase` are read from.

    Polls keep to a grid `phase + n * interval`, so that pages stay spread; each is moved by a
    little jitter, which never brings it before what the server asked for.

    Args:
        hold: seconds from now before which the server wants no request; may be negative.
        dice: a random number in [0, 1).
    """
    beat = math.floor((now - phase) / interval + 0.5) + 1  # a slot passed early is still passed
    due = phase + beat * interval + (2 * dice - 1) * JITTER * interval
    return max(due, now + hold)


def slot(phase: float, interval: float, now: float) -> float:
    """The page's next place on the grid, so that pages that may all be asked at once are not."""
    return phase + math.ceil((now - phase) / interval) * interval


def overslept(due: float, interval: float, now: float) -> bool:
    """Whether the program itself did not run when a poll was due, as in a suspended machine.

    Every page is late then, and would be asked in the same moment.
    """
    return now - due > max(interval * LATE, LATE_AT_LEAST)


def stretched(interval: float, wasted: int) -> float:
    """The interval for a page whose server sends whole bodies although nothing has changed.

    From the third such answer in a row on it doubles, up to five minutes; it never gets shorter.
    What a server asks for is another matter: this is our own thrift, and holds no cron run back.
    """
    doublings = min(max(wasted - 2, 0), 20)
    return max(interval, min(interval * 2.0**doublings, MAX_STRETCH))


def hold(pacing: Pacing, now: float) -> float:
    """Seconds that the page must still be left alone; at most a day, whatever clocks did.

    What is further ahead was noted by a clock that has been set back since, and is not believed.
    """
    rest = pacing.not_before - now
    return rest if rest <= MAX_HOLD + 60 else 0.0  # a minute: clocks are put right by a little


def _directives(value: str) -> dict[str, str]:
    """Cache-Control as name → argument; the first of a repeated directive counts."""
    found: dict[str, str] = {}
    for part in value.split(","):
        name, _, argument = part.partition("=")
        found.setdefault(name.strip().lower(), argument.strip().strip('"'))
    return found


def _seconds(value: str) -> float | None:
    """delta-seconds (RFC 9111 1.2.2), or None."""
    return float(value[:12]) if value.isascii() and value.isdigit() else None


def _http_date(value: str) -> float | None:
    """Seconds since the epoch, or None; a date without a zone is UTC (RFC 9110 5.6.7)."""
    try:
        date = parsedate_to_datetime(value)
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError, TypeError, IndexError, OSError):
        return None
