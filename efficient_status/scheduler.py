"""When: one task per page, spread over the interval; clean shutdown.

This file waits and keeps the books; what a wait is worth is decided in `pacing`, what a failure is
worth saying in `health`.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from hashlib import blake2b

from efficient_status import pacing
from efficient_status.errors import PageError, StateError, StatusError, Untold
from efficient_status.fetch import Wire
from efficient_status.health import FOR_GOOD, Health, Line, excusable, summary
from efficient_status.models import Pacing
from efficient_status.poller import Page, Poll, Poller
from efficient_status.state import StateStore
from efficient_status.urls import bare, without_credentials

logger = logging.getLogger(__name__)

FLUSH_EVERY = 60.0  # seconds between two writes of pacing that only politeness needs
_NOT_ASKED = ("held", "untold")  # outcomes that say nothing of a page's health
Observer = Callable[[Page, Poll], None]
AT_ONCE = 32  # pages that `--once` asks at the same time


class Scheduler:
    """Polls pages, for ever or once.

    Args:
        interval: seconds between two polls of a page; a row may ask for longer.
        dice: gives random numbers in [0, 1).
        observers: are shown every poll once it is over and paced; they must not wait.
        beat: is told, about once a minute, a moment (seconds since the epoch) at which all pages
            that were read and have not failed since are known as they were.
    """

    def __init__(  # noqa: PLR0913 - one place wires them all
        self,
        pages: Iterable[Page],
        poller: Poller,
        state: StateStore,
        *,
        interval: float,
        clock: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
        observers: Sequence[Observer] = (),
        beat: Callable[[float], None] = lambda _moment: None,
    ) -> None:
        # The order decides a page's phase: by hash, so that it is stable over restarts and
        # neighbours in the list are not neighbours in time.
        self._pages = sorted(pages, key=lambda page: blake2b(page.provider.key.encode()).digest())
        self._poller = poller
        self._state = state
        self._interval = interval
        self._clock = clock
        self._dice = dice
        self._observers = observers
        self._beat = beat
        self._health = Health(watched=len(self._pages))
        self._outages: dict[str, asyncio.Event] = {}  # failing page → set when an outage ends
        self._hosts: dict[str, list[Page]] = {}
        for page in self._pages:
            self._hosts.setdefault(page.host, []).append(page)

    async def watch(self) -> None:
        """Poll every page until cancelled.

        Raises:
            BrokenPipeError: nobody reads the events any more.
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
        failed: list[Page] = []
        asked = 0

        async def one(page: Page) -> None:
            nonlocal asked
            async with turns:
                poll = await self._poll(page)
            self._say(page, poll)
            self._state.flush()  # the next run may come after a `kill -9`
            asked += poll.asked
            if poll.error is not None:
                failures[page.label] = str(poll.error)
                failed.append(page)

        try:
            async with asyncio.TaskGroup() as group:
                for page in self._pages:
                    group.create_task(one(page))
        except ExceptionGroup as group_failures:
            raise group_failures.exceptions[0] from None
        if len(failed) < asked or len(self._pages) == 1:  # there is a network
            for page in failed:
                self._forget_move(page)
        for line in summary(dict(sorted(failures.items())), asked):
            logger.warning(line, extra=line.fields)
        return failures

    async def _watch(self, page: Page, rank: float) -> None:
        """One page's life; `rank` in [0, 1) is its place in the interval."""
        now = asyncio.get_running_loop().time
        interval = self._interval_of(page)
        # Within the first interval of the command line, even where the row asks for longer.
        phase = now() + rank * self._interval
        due = page.due = phase
        while not page.pacing.gone:
            woken = await self._rest(page, due)
            if woken or pacing.overslept(due, interval, now()):
                page.due = pacing.slot(phase, interval, now())
                await asyncio.sleep(page.due - now())
            page.late = max(now() - due, 0.0)
            began = self._health.reads
            poll = await self._poll(page)
            for line in self._lines(page, poll, began):
                logger.warning(line, extra=line.fields)
            if page.label in self._health.named:
                self._forget_move(page)
            hold = self._hold(page)
            beat = pacing.stretched(interval, page.wasted)
            due = page.due = pacing.next_poll(phase, beat, now(), hold, self._dice())
            self._say(page, poll, due - now())
        page.due = None

    async def _rest(self, page: Page, due: float) -> bool:
        """Wait until a poll is due, or until the outage ends in which the page failed: True."""
        if not page.pacing.failures:
            self._outages.pop(page.label, None)
            await asyncio.sleep(due - asyncio.get_running_loop().time())
            return False
        # Kept from rest to rest: an outage may end while the page is being asked.
        ended = self._outages.setdefault(page.label, asyncio.Event())
        try:
            async with asyncio.timeout_at(due):
                await ended.wait()
        except TimeoutError:
            return False
        ended.clear()
        self._note(page, pacing.after_outage(page.pacing, page.own_rest))
        return True

    async def _poll(self, page: Page) -> Poll:
        """Tell what an earlier run left untold, then ask the page unless its server said wait."""
        held = page.pacing.gone or self._hold(page) > 0
        try:
            events = await self._poller.catch_up(page)
            poll = Poll("held", events=events) if held else await self._poller.poll(page)
        except Untold as error:  # the output has said it; the page is not to blame
            poll = Poll("untold", error=PageError(str(error)))
        except StateError as error:  # without what was told, what is news cannot be known
            poll = Poll("failed", error=PageError(str(error)))
        except (StatusError, BrokenPipeError):
            raise
        except Exception as error:  # a bug of ours must not stop the other pages
            logger.debug("%s: bug", page.label, exc_info=True)
            text = f"a bug in efficient_status ({type(error).__name__}: {error}), please report it"
            poll = Poll("failed", error=PageError(text))
        lasting = poll.outcome not in _NOT_ASKED and self._pace(page, poll)
        for observe in self._observers:
            observe(page, poll)
        if lasting:
            self._state.flush()
        return poll

    def _say(self, page: Page, poll: Poll, wait: float | None = None) -> None:
        """One line a poll; the next one is in `wait` seconds."""
        if not logger.isEnabledFor(logging.DEBUG):
            return
        wire = poll.wire or Wire()
        fields = {
            "event": "poll",
            "provider": page.label,
            "outcome": poll.outcome,
            "status": wire.status or None,
            "requests": wire.attempts,
            "bytes": wire.bytes,
            "seconds": wire.spent,
            "late": page.late,
            "told": poll.events,
            "failures": page.pacing.failures,
            "next": wait,
        }
        said = poll.error or poll.outcome
        logger.debug("%s: %s, %d told", page.label, said, poll.events, extra=fields)

    def _hold(self, page: Page) -> float:
        """Seconds that the page must still be left alone, even if the wall clock was set back."""
        wall = pacing.hold(page.pacing, self._clock())
        now = asyncio.get_running_loop().time()
        if page.held_until is None:
            page.held_until = now + wall
        return min(wall, page.held_until - now)

    def _interval_of(self, page: Page) -> float:
        return max(self._interval, page.provider.interval or 0.0)

    def _pace(self, page: Page, poll: Poll) -> bool:
        """Note when the page may be asked again; whether that is to be written at once."""
        now = self._clock()
        before = page.pacing
        if poll.error is None:
            after = pacing.after_success(before, poll.fresh, now)
            page.read_at = now
        else:
            interval = self._interval_of(page)
            after = pacing.after_failure(
                before, poll.error, interval, now, self._dice(), outage=self._health.offline
            )
            after = replace(after, reason=without_credentials(str(poll.error)))
            if poll.error.retry_after is not None:
                self._hold_host(page, after.not_before)
            own = excusable(poll.error) and after.not_before > before.not_before
            page.own_rest = after.not_before if own else 0.0
        if poll.moved_to:
            after = replace(after, moved_to=poll.moved_to)
        self._note(page, after)
        self._count_waste(page, poll)
        return bool(
            page.pacing.not_before > now + FLUSH_EVERY
            or poll.error
            or poll.moved_to
            or before.failures
            or poll.outcome == "changed"
        )

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

    def _forget_move(self, page: Page) -> None:
        """It fails for good while others are read: the old place may know a newer one."""
        if page.pacing.moved_to and page.pacing.failures >= FOR_GOOD:
            self._poller.go_home(page)
            self._note(page, replace(page.pacing, moved_to=""))
            self._state.flush()

    def _hold_host(self, page: Page, until: float) -> None:
        """Retry-After of a page counts for its host (politeness P10)."""
        for other in self._hosts[page.host]:
            if other is not page and other.pacing.not_before < until:
                self._note(other, replace(other.pacing, not_before=until))

    def _note(self, page: Page, after: Pacing) -> None:
        if after != page.pacing:
            host = page.host
            page.pacing, page.held_until = after, None
            if page.host != host:
                self._rehome(page, host)
            self._hold(page)
            self._state.pace(page.provider.key, bare(page.provider.feed), after)

    def _rehome(self, page: Page, host: str) -> None:
        """The page has moved away from this host."""
        self._hosts[host].remove(page)
        if not self._hosts[host]:
            del self._hosts[host]
        self._hosts.setdefault(page.host, []).append(page)

    def _lines(self, page: Page, poll: Poll, began: int) -> list[Line]:
        """What is to be said of a poll that began when so many pages had been read."""
        if not poll.asked:
            return []
        if poll.error is None:
            for name in self._health.excused():
                self._outages.setdefault(name, asyncio.Event()).set()
            return self._health.recovered(page.label)
        wait = pacing.hold(page.pacing, self._clock())
        return self._health.failed(page.label, poll.error, page.pacing.failures, wait, began)

    async def _flush_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            self._state.flush()
            known = [page.read_at for page in self._pages if page.read_at and _is_well(page)]
            if known:
                self._beat(min(known))


def _is_well(page: Page) -> bool:
    return not (page.pacing.failures or page.pacing.gone)
