"""The play: the server changes its page, the real parts watch it, a narrator counts.

The story goes on by polls, not by the clock: a scene lasts so many polls, so that a slow machine
sees the same play.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime, tzinfo
from typing import Any

from efficient_status.database import MEMORY
from efficient_status.demo import story
from efficient_status.demo.server import Exchange, Server
from efficient_status.detect import Wishes
from efficient_status.fetch import Fetcher, Gate, Reach
from efficient_status.models import Event, Happening
from efficient_status.outputs import FORMATS, Console, Format
from efficient_status.poller import Page, Poll, Poller
from efficient_status.scheduler import Scheduler
from efficient_status.state import open_state

logger = logging.getLogger("efficient_status")

POLLS = 4  # a scene
ALL = POLLS * len(story.SCENES)


class Vendor:
    """Example Cloud: its page, which moves on when it was looked at often enough."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._began: list[datetime] = []
        self._asked = 0

    def document(self) -> str:
        """The page as it is now."""
        if self._asked % POLLS == 0:
            self._began.append(self._clock())
            logger.info("Example Cloud %s", story.SCENES[len(self._began) - 1].says)
        self._asked += 1
        return story.document(len(self._began) - 1, self._began)


class Narrated(Poller):
    """The poller, and a line of what each poll cost."""

    def __init__(self, narrator: Narrator, *parts: Any, **wishes: Any) -> None:
        super().__init__(*parts, **wishes)
        self._narrator = narrator

    async def poll(self, page: Page) -> Poll:
        """See `Poller`."""
        poll = await super().poll(page)
        self._narrator.polled(poll)
        return poll


class Narrator:
    """Says what each poll cost, and at the end what all of them did.

    Args:
        log: of the server.
    """

    def __init__(self, log: list[Exchange]) -> None:
        self.done = asyncio.Event()
        self._log = log
        self._told: list[Happening] = []
        self._seen = 0  # of the log
        self._polls = 0
        self._read = 0

    def listening(self, shape: Format) -> Format:
        """The same format, of whose events this takes note."""

        def told(event: Event) -> str:
            self._told.append(event.happening)
            return shape(event)

        return told

    def polled(self, poll: Poll) -> None:
        """One poll is over."""
        self._polls += 1
        self._read += poll.read
        if poll.outcome == "changed":
            news = f"{poll.read} of {poll.read + poll.known} items read"
            news += f", told: {', '.join(self._told) or 'nothing'}"
        else:
            news = str(poll.error or "nothing parsed")
        cost = [_cost(each) for each in self._log[self._seen :]]
        logger.info("poll %d: %s, %s", self._polls, ", ".join(cost) or "no request", news)
        self._seen = len(self._log)
        self._told.clear()
        if self._polls == ALL:
            self.done.set()

    def summary(self) -> list[str]:
        """What it came to, one line each."""
        unchanged = sum(each.status == 304 for each in self._log)
        spent = sum(each.travelled for each in self._log)
        whole = sum(each.whole for each in self._log)
        return [
            f"{self._polls} polls: {unchanged} answered by 304, {self._read} items read",
            f"{size(spent)} travelled; without validators it would have been",
            f"{size(whole)} (computed from the sizes of the whole answers)",
            "now a real page, as it is: efficient-status openai --once",
        ]


def _cost(exchange: Exchange) -> str:
    return f"{exchange.status}, {size(exchange.travelled)}{' gzip' if exchange.gzip else ''}"


async def play(seconds: float, shape: str, zone: tzinfo | None) -> None:
    """Show it all, events on stdout, the rest on stderr.

    Args:
        shape: a key of `FORMATS`.

    Raises:
        BrokenPipeError: nobody reads the events any more.
        asyncio.CancelledError: a signal came.
    """
    me = asyncio.current_task()
    assert me is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, me.cancel)
    interval = seconds / ALL
    vendor = Vendor(lambda: datetime.now(UTC))
    async with Server(vendor.document, max_age=int(interval / 2)) as server:
        narrator = Narrator(server.log)
        state = open_state(None)
        fetcher = Fetcher(MEMORY, gate=Gate(), reach=Reach(["127.0.0.1"]))
        console = Console(
            sys.stdout.fileno(),
            narrator.listening(FORMATS[shape](zone)),
            encoding="utf-8" if shape == "json" else sys.stdout.encoding,
        )
        poller = Narrated(narrator, fetcher, state, console, wishes=Wishes())
        row = story.vendor(server.url)
        page = Page(row, state.pacing(row.key, row.feed), state.identity(row.key))
        scheduler = Scheduler([page], poller, state, interval=interval)
        logger.info("watching %s every %.3g s for %g s", server.url, interval, seconds)
        try:
            await _until(narrator.done, scheduler)
        finally:
            await fetcher.aclose()
            state.close()
    for line in narrator.summary():
        logger.info(line)


async def _until(done: asyncio.Event, scheduler: Scheduler) -> None:
    watching = asyncio.ensure_future(scheduler.watch())
    ending = asyncio.ensure_future(done.wait())
    try:
        await asyncio.wait([watching, ending], return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()
    finally:
        watching.cancel()
        ending.cancel()
        await asyncio.gather(watching, ending, return_exceptions=True)


def size(count: int) -> str:
    """Bytes for people: 312 bytes, 1.2 kB."""
    return f"{count} bytes" if count < 1000 else f"{count / 1000:.1f} kB"
