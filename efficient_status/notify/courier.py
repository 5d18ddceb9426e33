"""When what waits is delivered: one task a target, so that none waits for another.

what comes within `batch_seconds` of the first event → one message
more than `rate` messages in a minute → the rest waits, and joins the next
it failed → again after 5 s, doubling up to an hour, stretched by up to a tenth
the target is wrong → said once, tried again every hour
it is right, but does not accept this → each event alone; one that is refused rests for an hour
a week of failures → given up, with a line
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Self

from efficient_status.figures import counted
from efficient_status.notify import Target
from efficient_status.notify.child import Delivery, Outcome, deliver
from efficient_status.notify.outbox import Box, Outbox, Rest, Waiting

logger = logging.getLogger(__name__)

GRACE = 1.5  # seconds that a delivery that was begun is waited for when the program is told to end
ONCE = 30.0  # seconds that `--once` delivers at most
FLUSH_EVERY = 60.0  # seconds between two tries to write what could not be written
MOST = 50  # events in one message
FIRST_WAIT, MAX_WAIT = 5.0, 3_600.0  # seconds
GIVE_UP_AFTER = 7 * 86_400.0  # seconds that an event waits,
GIVE_UP_FAILURES = 20  # and deliveries that failed in a row: a clock that leaps gives nothing up
_MINUTE = 60.0
_EARLY = 0.001  # seconds

Deliver = Callable[[Target, Sequence[str]], Awaitable[Delivery]]


class Courier:
    """Delivers what waits for as long as it is entered; told to end, it leaves the rest.

    Args:
        clock: seconds since the epoch.
        dice: gives random numbers in [0, 1).
    """

    def __init__(
        self,
        outbox: Outbox,
        *,
        deliver: Deliver = deliver,
        clock: Callable[[], float] = time.time,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._outbox = outbox
        self._rounds = [_Round(outbox, box, deliver, clock, dice) for box in outbox.boxes.values()]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(each.run()) for each in self._rounds]
        self._tasks.append(asyncio.create_task(self._flush_now_and_then()))
        return self

    async def __aexit__(self, *_ended: object) -> None:
        busy = [
            task
            for task, each in zip(self._tasks, self._rounds, strict=False)
            if each.stop() and not task.done()
        ]
        try:
            if busy:
                await asyncio.wait(busy, timeout=GRACE)
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def drain(self) -> None:
        """Deliver what may be delivered now, each target's once, within `ONCE` seconds."""
        tasks = [asyncio.create_task(each.drain()) for each in self._rounds]
        try:
            if tasks:
                await asyncio.wait(tasks, timeout=ONCE)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        for each in self._rounds:
            each.say_what_waits()

    async def _flush_now_and_then(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY)
            self._outbox.flush()


class _Round:
    """The deliveries to one target."""

    def __init__(
        self,
        outbox: Outbox,
        box: Box,
        deliver: Deliver,
        clock: Callable[[], float],
        dice: Callable[[], float],
    ) -> None:
        self._outbox = outbox
        self._box = box
        self._deliver = deliver
        self._clock = clock
        self._dice = dice
        self._attempts: deque[float] = deque(maxlen=box.target.rate)  # when, on the loop's clock
        self._rested_until: float | None = None  # of `Rest.until`, on the loop's clock
        self._busy = self._stopped = self._once = False
        self._reason = ""  # of the last failure
        self._known = box.rest.refused and len(box.waiting)  # has been said by an earlier run

    async def run(self) -> None:
        """Deliver for ever."""
        while not self._stopped:
            wait = self._wait()
            if wait <= 0:
                await self._attempt()
                continue
            self._box.news.clear()
            try:
                async with asyncio.timeout(None if wait == math.inf else wait):
                    await self._box.news.wait()
            except TimeoutError:
                pass

    def stop(self) -> bool:
        """Begin no more; whether a delivery is on its way."""
        self._stopped = True
        return self._busy

    async def drain(self) -> None:
        """Deliver what may be delivered now, until it fails."""
        self._once = True
        for each in self._box.waiting:
            each.due = 0.0 if not each.alone else each.due
        while self._wait() <= 0:
            await self._attempt()

    def say_what_waits(self) -> None:
        """A line for what is left to the next run, unless an earlier one has said it."""
        waiting = len(self._box.waiting)
        if waiting and not (self._known == waiting and self._box.rest.refused):
            reason = f" ({self._reason})" if self._reason else ""
            self._say(f"{counted(waiting, 'event')} left to the next run{reason}")

    def _wait(self) -> float:
        """Seconds until something may be delivered; inf = until there are news."""
        waiting = self._box.waiting
        if not waiting:
            return math.inf
        now = _now()
        due = max(min(each.due for each in waiting), self._rest_ends(now))
        if len(self._attempts) == self._attempts.maxlen:
            due = max(due, self._attempts[0] + _MINUTE)
        return due - now

    def _rest_ends(self, now: float) -> float:
        """What is further ahead than we ever wait was noted by a clock that has been set back."""
        if self._rested_until is None:
            left = self._box.rest.until - self._clock()
            self._rested_until = now + left if left <= MAX_WAIT * 1.1 else now
        return self._rested_until

    def _batch(self) -> list[Waiting]:
        now = _now()
        together = [each for each in self._box.waiting if not each.alone]
        if any(each.due <= now for each in together):
            return together[:MOST]
        return [each for each in self._box.waiting if each.due <= now][:1]

    async def _attempt(self) -> None:
        batch = self._batch()
        self._attempts.append(_now())
        self._busy = True
        try:
            outcome, self._reason = await self._deliver(
                self._box.target, [each.line for each in batch]
            )
        except Exception as error:  # a bug of ours must not stop the watching
            logger.debug("notify: %s: bug", self._box.target.name, exc_info=True)
            outcome = Outcome.FAILED
            self._reason = f"a bug in efficient_status ({type(error).__name__}), please report it"
        finally:
            self._busy = False
        if outcome is Outcome.DELIVERED:
            self._delivered(batch)
        elif outcome is Outcome.UNFIT:
            self._unfit(batch)
        else:
            self._failed(outcome)
        self._give_up()

    def _delivered(self, batch: Sequence[Waiting]) -> None:
        self._outbox.done(self._box, batch)
        if self._box.rest.failures and not self._once:
            self._say("delivered again")
        self._spare(Rest())
        logger.debug(
            "notify: %s: %s delivered", self._box.target.name, counted(len(batch), "event")
        )

    def _unfit(self, batch: Sequence[Waiting]) -> None:
        """The target is well, so others go on; these are tried one by one."""
        now = _now()
        if len(batch) == 1:
            if not (self._once or any(each.unfit for each in self._box.waiting)):
                self._say(f"an event is not accepted ({self._reason}), tried again every hour")
            batch[0].due, batch[0].unfit = now + MAX_WAIT, True
        for each in batch:
            each.alone = True
        self._spare(Rest())

    def _failed(self, outcome: Outcome) -> None:
        before = self._box.rest
        refused = outcome is Outcome.REFUSED
        failures = before.failures + 1
        wait = MAX_WAIT if refused else min(FIRST_WAIT * 2.0 ** min(failures - 1, 20), MAX_WAIT)
        wait *= 1 + 0.1 * self._dice()
        if not self._once and (before.failures == 0 or refused > before.refused):
            again = "every hour" if refused else f"in {wait:.0f} s"
            todo = "; put its target right" if refused else ""
            self._say(
                f"{outcome.value} ({self._reason}){todo}: "
                f"{counted(len(self._box.waiting), 'event')} waiting, tried again {again}"
            )
        self._spare(Rest(failures, self._clock() + wait, refused))

    def _spare(self, rest: Rest) -> None:
        self._outbox.spare(self._box, rest)
        self._rested_until = None

    def _give_up(self) -> None:
        last = self._clock() - GIVE_UP_AFTER
        failures = self._box.rest.failures
        tried = failures >= GIVE_UP_FAILURES
        old = [each for each in self._box.waiting if each.at < last and (tried or each.unfit)]
        if old:
            self._outbox.done(self._box, old)
            self._say(f"given up after a week: {counted(len(old), 'event')} ({self._reason})")

    def _say(self, what: str) -> None:
        logger.warning("notify: %s: %s", self._box.target.name, what)


def _now() -> float:
    """On the loop's clock, whose timers may come a little early."""
    return asyncio.get_running_loop().time() + _EARLY
