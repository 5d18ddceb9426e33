"""Hours of watching in an instant: the real scheduler and poller on a clock that leaps.

The loop never waits: where nothing is to be done before the next timer, its clock is set to it.
In the place of HTTP stands a `Sky`, which is asked what a page answers at that moment.
"""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, cast

from efficient_status.detect import Wishes
from efficient_status.errors import PageError
from efficient_status.fetch import Fetched
from efficient_status.fetch.wire import Wire
from efficient_status.models import Pacing, Provider
from efficient_status.poller import Page, Poller
from efficient_status.scheduler import Scheduler
from efficient_status.state import open_state

EPOCH = 1_772_611_200.0
SAME = "told to the end"


class Leaping(selectors.DefaultSelector):
    """A selector that does not wait; what it would have waited is noted."""

    waited = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        """See `selectors`."""
        self.waited += timeout or 0.0
        return super().select(0)


class Loop(asyncio.SelectorEventLoop):
    """An event loop whose time is what it should have waited."""

    def __init__(self) -> None:
        self.selector = Leaping()
        super().__init__(self.selector)

    def time(self) -> float:
        """Seconds since it was made."""
        return self.selector.waited

    def suspend(self, seconds: float) -> None:
        """The machine sleeps, and its clock does not."""
        self.selector.waited += seconds


# What a page answers so many seconds after the start: an error, "fresh", or None for «unchanged».
Weather = Callable[[str, float], PageError | str | None]


@dataclass
class Sky:
    """A fetcher: `took` seconds after it was asked it answers what the weather is."""

    weather: Weather
    took: float = 0.0
    asked: list[tuple[float, str]] = field(default_factory=list)
    read: list[tuple[float, str]] = field(default_factory=list)

    async def fetch(self, url: str, *, wire: Wire | None = None) -> Fetched:
        """See `Fetcher`."""
        now = asyncio.get_running_loop().time
        answer = self.weather(url, now())
        if answer == "fresh":
            return Fetched(url, SAME, "fresh", Wire(), None)
        self.asked.append((now(), url))
        if isinstance(answer, PageError):
            await asyncio.sleep(self.took)
            raise answer
        self.read.append((now(), url))
        return Fetched(url, SAME, "unchanged", Wire(), None)

    def keep(self, fetched: Fetched) -> None:
        """See `Fetcher`."""

    def move(self, url: str, target: str) -> None:
        """See `Fetcher`."""

    def stored_identity(self, url: str) -> str:
        """See `Fetcher`."""
        return SAME

    def of(self, url: str) -> list[float]:
        """When a page was asked."""
        return [at for at, each in self.asked if each == url]


def watch(
    sky: Sky,
    urls: Iterable[str],
    seconds: float,
    *,
    pacing: Callable[[str], Pacing] = lambda url: Pacing(),
    meanwhile: Callable[[Loop], None] = lambda loop: None,
) -> list[Page]:
    """Watch these pages for so long, every 60 seconds."""
    loop = Loop()
    state = open_state(None)
    pages = [Page(Provider(url, url, url), pacing(url), SAME) for url in urls]

    def clock() -> float:
        return EPOCH + loop.time()

    async def work() -> None:
        poller = Poller(cast(Any, sky), state, cast(Any, None), wishes=Wishes(), clock=clock)
        scheduler = Scheduler(pages, poller, state, interval=60, clock=clock, dice=lambda: 0.5)
        meanwhile(loop)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await scheduler.watch()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        runner.run(work())
    state.close()
    return pages


def most_at_once(times: Iterable[float], window: float) -> int:
    """The most of these moments that lie in one window of so many seconds."""
    moments = sorted(times)
    most = first = 0
    for last, moment in enumerate(moments):
        while moment - moments[first] > window:
            first += 1
        most = max(most, last - first + 1)
    return most
