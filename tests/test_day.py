"""A day of a hundred pages, an hour in a tenth of a second: nothing early, nothing twice, nothing lost.

The clock is an argument; HTTP, cache, state and every run are real.  Each page has a temperament
(a server's habit) and a life (incidents that begin and end at known times).
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.app import App
from tests.feeds import Report, incidentio, minute
from tests.origin import Answer, Origin, Request

HOUR = 3_600.0
STEP = 3_600.0  # seconds between two runs, as cron would make them
RUNS = 25
PAGES = 100
TEMPERAMENTS = ("plain", "fresh", "busy", "failing", "missing", "gone", "moved", "mute")
INTERVAL = 60.0


@dataclass
class Simulated:
    """One page of the day."""

    number: int
    begin: float
    clock: Clock
    asked: list[float] = field(default_factory=list)
    answers: list[tuple[float, int]] = field(default_factory=list)
    free_at: float = 0.0  # before this nothing may be asked
    early: int = 0
    settled: bool = False  # where a page that moves has moved to

    @property
    def temperament(self) -> str:
        return TEMPERAMENTS[self.number % len(TEMPERAMENTS)]

    @property
    def hours(self) -> float:
        return (self.clock.now - self.begin) / HOUR

    def starts(self) -> tuple[int, int]:
        """The hours in which its two incidents begin; each lasts three."""
        return 2 + self.number % 5, 8 + self.number % 7

    def expected(self) -> Iterator[tuple[str, str]]:
        """What must be told of it, once."""
        for index, start in enumerate(self.starts()):
            id_ = f"P{self.number:02d}I{index}"
            yield "new", id_
            # One that began and ended while the page could not be read is met when closed.
            if self.temperament != "failing" or start < 4 or start + 3 > 10:
                yield "resolved", id_

    def reports(self) -> list[Report]:
        """What its feed shows now."""
        found: list[Report] = []
        for index, start in enumerate(self.starts()):
            if self.hours >= start:
                done = self.hours >= start + 3
                found.insert(
                    0,
                    Report(
                        f"P{self.number:02d}I{index}",
                        state="Resolved" if done else "Investigating",
                        message="It works." if done else "We are looking.",
                        at=minute(60 * (start + 3 * done)),
                    ),
                )
        return found

    def answer(self, request: Request) -> Answer:
        """What the server says now, and what it thus asks for."""
        now = self.clock.now
        self.early += now < self.free_at
        self.asked.append(now)
        status, headers = self.mood()
        self.answers.append((now, status))
        if status != 200:
            return Answer(status, headers)
        body = incidentio(*self.reports())
        etag = f'"{hash(body) & 0xFFFFFF:x}"'
        if self.temperament != "mute":
            headers["ETag"] = etag
            if request.header("if-none-match") == etag.encode():
                return Answer(304, headers)
        return Answer(200, headers, body)

    def mood(self) -> tuple[int, dict[str, str]]:  # noqa: PLR0911 - a table would hide the hours
        """Status and headers, and what they ask for."""
        kind, hours = self.temperament, self.hours
        if self.settled:
            return 200, {}
        if kind == "fresh":
            self.free_at = self.clock.now + 3_500
            return 200, {"Cache-Control": "max-age=3600", "Age": "100"}
        if kind == "busy" and 5 <= hours < 7:
            self.free_at = self.clock.now + 2 * HOUR
            return 429, {"Retry-After": "7200"}
        if kind == "failing" and 4 <= hours < 9:
            return 500, {}
        if kind == "missing" and hours >= 18:
            return 404, {}
        if kind == "gone" and hours >= 20:
            self.free_at = float("inf")
            return 410, {}
        if kind == "moved" and hours >= 10:
            return 301, {"Location": f"/new/{self.number}"}
        return 200, {}


class Clock:
    """A clock that is set by hand."""

    now = time.time()

    def __call__(self) -> float:
        return self.now


@pytest.mark.slow
def test_a_day_of_a_hundred_pages(tmp_path: Path) -> None:
    """Counted: requests, early ones, events, duplicates, what was not told."""
    clock = Clock()
    told: Counter[tuple[str, str]] = Counter()
    with Origin(host="0.0.0.0") as origin:
        pages = [Simulated(n, clock.now, clock) for n in range(PAGES)]
        for page in pages:
            origin.page(f"/{page.number}").always(page.answer)
            twin = Simulated(page.number, clock.now, clock, settled=True)
            origin.page(f"/new/{page.number}").always(twin.answer)
        # Each on a host of its own: what a host asks of one page counts for all of its pages.
        urls = [f"http://127.1.{n}.1:{origin.port}/{n}" for n in range(PAGES)]
        for _ in range(RUNS):
            app = App(*urls, folder=tmp_path, interval=INTERVAL, clock=clock)
            app.once()
            told.update((e.happening.value, e.incident.id[-5:]) for e in app.told.events)
            clock.now += STEP
        requests = Counter(request.path for request in origin.log)

    assert sum(page.early for page in pages) == 0
    assert told == Counter(event for page in pages for event in page.expected())
    for page in pages:
        _polite(page, requests)


def _polite(page: Simulated, requests: Counter[str]) -> None:
    """What each temperament may see at most."""
    count = requests[f"/{page.number}"]
    if page.temperament in ("plain", "mute"):
        assert count == RUNS
    elif page.temperament == "fresh":
        assert count <= 24 + 1
    elif page.temperament == "busy":
        assert sum(status == 429 for _, status in page.answers) <= 1
    elif page.temperament == "failing":
        failed = [at for at, status in page.answers if status == 500]
        assert 2 <= len(failed) <= 5 * 2 + 1  # the first failing poll has a retry
    elif page.temperament == "missing":
        assert sum(status == 404 for _, status in page.answers) <= 3
    elif page.temperament == "gone":
        assert sum(status == 410 for _, status in page.answers) == 1
    else:
        assert sum(status == 301 for _, status in page.answers) == 1


def test_the_scheduler_keeps_to_the_day_as_well(tmp_path: Path) -> None:
    """The watching program under the same clock: a page that asks for rest gets it."""
    clock = Clock()
    with Origin() as origin:
        busy = Simulated(2, clock.now - 5 * HOUR, clock)
        origin.page("/2").always(busy.answer)

        async def work() -> None:
            app = App(origin.url("/2"), folder=tmp_path, interval=0.05, clock=clock)
            await app.watch_while(lambda: asyncio.sleep(0.6))
            await app.close()

        asyncio.run(work())
    assert [status for _, status in busy.answers] == [429]
