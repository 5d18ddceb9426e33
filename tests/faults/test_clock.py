"""Wall clocks that jump: nobody is blinded, and what was told stays told."""

from __future__ import annotations

import asyncio
import itertools
import time
from datetime import timedelta
from pathlib import Path

import pytest

from efficient_status.detect import FORGET_PARTIAL_AFTER, absences
from efficient_status.models import Feed, Incident, Memory, State, Told
from tests.app import App
from tests.faults.test_disk import EXPECTED, LIFE
from tests.feeds import EPOCH
from tests.origin import Answer, Origin

HOUR, YEAR = 3_600.0, 366 * 86_400.0
MARK = b"twelve bytes"


class Clock:
    """The right time, but for an error of so many seconds."""

    def __init__(self, error: float) -> None:
        self.error = error

    def __call__(self) -> float:
        return time.time() + self.error


def test_a_clock_that_is_set_while_watching(origin: Origin) -> None:
    """A page that is fresh for a second is asked again after it, whatever the wall clock does."""
    headers = {"Cache-Control": "max-age=1"}
    errors = {"year": YEAR, "hours": 5 * HOUR, "back": -YEAR}

    async def watch(name: str, error: float) -> list[int]:
        clock = Clock(error)
        page = origin.page(f"/{name}").serve(LIFE[0][0], etag=True, headers=headers)
        app = App(origin.url(f"/{name}"), clock=clock)
        await app.scheduler._poll(app.pages[0])
        clock.error = 0.0  # it is put right
        counts = []
        if error > 0:
            await app.scheduler._poll(app.pages[0])  # held by its freshness
            counts.append(page.count)
        await asyncio.sleep(1.1)
        await app.scheduler._poll(app.pages[0])
        await app.close()
        return [*counts, page.count]

    async def work() -> list[list[int]]:
        return await asyncio.gather(*(watch(*each) for each in errors.items()))

    assert asyncio.run(work()) == [[1, 2], [1, 2], [2]]


def test_a_clock_that_is_set_back_between_runs(origin: Origin, tmp_path: Path) -> None:
    """What a clock a year ahead noted holds nobody: no server may ask for more than a day."""
    page = origin.page("/feed").serve(LIFE[0][0], etag=True)
    page.then(Answer(429, {"Retry-After": "600"}))
    counts = []
    for error in (YEAR, YEAR, 0.0):
        App(origin.url("/feed"), folder=tmp_path, clock=Clock(error)).once()
        counts.append(page.count)

    assert counts == [1, 1, 2]


@pytest.mark.parametrize(
    "errors",
    [(0, YEAR, 0), (0, -YEAR, 0), (-60 * YEAR, 0), (YEAR, -YEAR)],
    ids=["forth and back", "back and forth", "1970 until the network is up", "to and fro"],
)
def test_a_life_with_jumps(origin: Origin, tmp_path: Path, errors: tuple[float, ...]) -> None:
    """Every version meets another clock, in this run and over a restart: nothing lost or repeated."""
    page, clock = origin.page("/feed"), Clock(0.0)

    async def work() -> list[tuple[str, str, str]]:
        told = []
        jumps = itertools.cycle(errors)
        for half in (LIFE[:3], LIFE[3:]):
            app = App(origin.url("/feed"), folder=tmp_path, clock=clock)
            for document, _ in half:
                page.serve(document, etag=True)
                clock.error = next(jumps)
                await app.scheduler._poll(app.pages[0])
            told += app.told.short
            await app.close()
        return told

    assert asyncio.run(work()) == EXPECTED


def test_a_feed_that_is_read_in_part_is_not_forgotten_by_a_clock() -> None:
    """Age is measured by the page's own newest report, or a year's jump would make all of it news."""
    ages = {"newest": 0, "old": FORGET_PARTIAL_AFTER - 60, "oldest": FORGET_PARTIAL_AFTER + 60}
    told = {
        id_: Told(State.RESOLVED, MARK, MARK, updated_at=EPOCH - timedelta(seconds=age))
        for id_, age in ages.items()
    }
    memory, shown = Memory("identity", "aws-rss", told), Feed("aws-rss", partial=True)
    now = EPOCH.timestamp()
    later = Feed("aws-rss", incidents=(Incident("n", "", updated_at=EPOCH),), partial=True)

    for error in (0.0, YEAR, 40 * YEAR):
        assert absences(memory, shown, now + error) == {"oldest": None}
        assert absences(memory, later, now + error) == {"oldest": None}
    assert absences(memory, shown, now - YEAR) == {}
