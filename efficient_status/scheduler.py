"""When: one task per page, spread over the interval; clean shutdown.

This file waits and keeps the books; what a wait is worth is decided in `pacing`, what a failure is
worth saying in `health`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from hashlib import blake2b

from efficient_status import pacing
from efficient_status.errors import PageError, StatusError
from efficient_status.health import Health, summary
from efficient_status.models import Pacing
from efficient_status.poller import Page, Poll, Poller
from efficient_status.state import StateStore

logger = logging.getLogger(__name__)

FLUSH_EVERY = 60.0  # seconds between two writes of pacing that only politeness needs
AT_ONCE = 32  # pages that `--once` asks at the same time


class Scheduler:
    """Polls pages, for ever or once.

    Args:
        interval: seconds between two polls of a page; a row may ask for longer.
        dice: gives random numbers in [0, 1).
    """

    def __init__(
        self,
        pages: Iterable[Page],
        poller: Poller,
        state: StateStore,
        *,
        interval: float,
        clock: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        # The order decides a page's phase: by hash, so that it is stable over restarts and
        # neighbours in the list are not neighbours in time.
        self._pages = sorted(pages, key=lambda page: blake2b(page.provider.key.encode()).digest())
        self._poller = poller
        self._state = state
        self._interval = interval
        self._clock = clock
        self._dice = dice
        self._health = Health()
        self._hosts: dict[str, list[Page]] = {}
        for page in self._pages:
            self._hosts.setdefault(page.host, []).append(page)

    async def watch(self) -> None:
        """Poll every page until cancelled.

        Raises:
            BrokenPipeError: nobody reads the events any more.
            StateError: what was told cannot be remembered.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for rank, page in enumerate(self._pages):
                    group.create_task(self._watch(page, rank / len(self._pages)))
                group.create_task(self._flush_now_and_then())
        except ExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def once(self) -> dict[str, str]:
        """Poll every page once, those that a server holds back excepted.

        Returns:
            Page → reason, for each page that could not be read.
        """
        turns = asyncio.Semaphore(AT_ONCE)
        failures: dict[str, str] = {}

        async def one(page: Page) -> None:
            async with turns:
                poll = await self._poll(page)
            self._state.flush()  # the next run may come after a `kill -9`
            if poll.error is not None:
                failures[page.label] = str(poll.error)

        try:
            async with asyncio.TaskGroup() as group:
                for page in self._pages:
                    group.create_task(one(page))
        except ExceptionGroup as group_failures:
            raise group_failures.exceptions[0] from None
        for line in summary(dict(sorted(failures.items())), len(self._pages)):
            logger.warning(line)
        return failures

    async def _watch(self, page: Page, rank: float) -> None:
        """One page's life; `rank` in [0, 1) is its place in the interval."""
        now = asyncio.get_running_loop().time
        interval = self._interval_of(page)
        # Within the first interval of the command line, even where the row asks for longer.
        phase = now() + rank * self._interval
        due = phase
        while not page.pacing.gone:
            await asyncio.sleep(max(due - now(), 0.0))
            poll = await self._poll(page)
            for line in self._lines(page, poll):
                logger.warning(line)
            hold = pacing.hold(page.pacing, self._clock())
            beat = pacing.stretched(interval, page.wasted)
            due = pacing.next_poll(phase, beat, now(), hold, self._dice())

    async def _poll(self, page: Page) -> Poll:
        """Tell what an earlier run left untold, then ask the page unless its server said wait."""
        held = page.pacing.gone or pacing.hold(page.pacing, self._clock()) > 0
        try:
            events = self._poller.catch_up(page)
            poll = Poll("held", events=events) if held else await self._poller.poll(page)
        except (StatusError, BrokenPipeError):
            raise
        except OSError as error:
            poll = Poll("failed", error=PageError(f"its events cannot be written: {error}"))
        except Exception as error:  # a bug of ours must not stop the other pages
            logger.debug("%s: bug", page.label, exc_info=True)
            text = f"a bug in efficient_status ({type(error).__name__}: {error}), please report it"
            poll = Poll("failed", error=PageError(text))
        if poll.outcome != "held":
            self._pace(page, poll)
        logger.debug("%s: %s, %d told", page.label, poll.error or poll.outcome, poll.events)
        return poll

    def _interval_of(self, page: Page) -> float:
        return max(self._interval, page.provider.interval or 0.0)

    def _pace(self, page: Page, poll: Poll) -> None:
        """Note when the page may be asked again; what holds it back for long is written at once."""
        now = self._clock()
        before = page.pacing
        if poll.error is None:
            after = pacing.after_success(before, poll.fresh, now)
        else:
            interval = self._interval_of(page)
            after = pacing.after_failure(before, poll.error, interval, now, self._dice())
            if poll.error.retry_after is not None:
                self._hold_host(page, after.not_before)
        if poll.moved_to:
            after = replace(after, moved_to=poll.moved_to)
        elif after.failures >= 3 and after.moved_to:
            after = replace(after, moved_to="")  # the old place may know a newer one
        self._note(page, after)
        self._count_waste(page, poll)
        lasting = page.pacing.not_before > now + FLUSH_EVERY
        if lasting or poll.error or poll.moved_to or before.failures or poll.outcome == "changed":
            self._state.flush()

    def _count_waste(self, page: Page, poll: Poll) -> None:
        if poll.error is None:
            page.wasted = page.wasted + 1 if poll.wasted else 0
        if page.wasted > 2:
            beat = pacing.stretched(self._interval_of(page), page.wasted)
            logger.debug(
                "%s: sends all of it though nothing changed, %d times now: every %g s",
                page.label,
                page.wasted,
                beat,
            )

    def _hold_host(self, page: Page, until: float) -> None:
        """Retry-After of a page counts for its host (politeness P10)."""
        for other in self._hosts[page.host]:
            if other is not page and other.pacing.not_before < until:
                self._note(other, replace(other.pacing, not_before=until))

    def _note(self, page: Page, after: Pacing) -> None:
        if after != page.pacing:
            host = page.host
            page.pacing = after
            if page.host != host:
                self._rehome(page, host)
            self._state.pace(page.provider.key, page.provider.feed, after)

    def _rehome(self, page: Page, host: str) -> None:
        """The page has moved away from this host."""
        self._hosts[host].remove(page)
        if not self._hosts[host]:
            del self._hosts[host]
        self._hosts.setdefault(page.host, []).append(page)

    def _lines(self, page: Page, poll: Poll) -> list[str]:
        if poll.outcome == "held":
            return []
        if poll.error is None:
            return self._health.recovered(page.label)
        wait = pacing.hold(page.pacing, self._clock())
        return self._health.failed(page.label, poll.error, page.pacing.failures, wait)

    async def _flush_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            self._state.flush()
