"""Manners towards one host: a pause between two requests, and few of them at the same time.

Pages of one host take turns in the order in which they came.  The pause counts from the end of an
exchange, since only then is it certain that the host has seen the request.  As long as the host
answers promptly there is one exchange at a time, and so one connection; one that has not been
answered within `PATIENCE` holds nobody up any more.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from efficient_status.errors import Held
from efficient_status.urls import is_loopback

PATIENCE = 1.0  # seconds
_MANY = 256  # lanes, before those that nothing holds are forgotten: redirects lead anywhere


class _Lane:
    """One host's turn-taking."""

    __slots__ = ("held_until", "idle", "last", "line", "running", "spacing", "turns")

    running: list[float]  # when each exchange began

    def __init__(self, spacing: float, in_flight: int) -> None:
        self.spacing = spacing
        self.turns = asyncio.Semaphore(in_flight)
        self.line = asyncio.Lock()
        self.idle = asyncio.Event()
        self.running = []
        self.last = float("-inf")  # when a request last began or ended
        self.held_until = float("-inf")

    async def begin(self) -> float:
        """Wait at the head of the line; returns when the exchange began."""
        now = asyncio.get_running_loop().time
        async with self.line:
            if self.running:
                self.idle.clear()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(self.running[0] + PATIENCE):
                        await self.idle.wait()
            while (wait := self.last + self.spacing - now()) > 0:  # noqa: ASYNC110 - a timer, no event
                await asyncio.sleep(wait)
            if self.held_until > now():
                rest = self.held_until - now()
                raise Held(f"its host asked to be left alone for {rest:.0f} s", retry_after=rest)
            self.last = now()
            self.running.append(self.last)
            return self.last

    @property
    def empty(self) -> bool:
        """Whether a new lane would be just as good."""
        now = asyncio.get_running_loop().time()
        used = self.running or self.line.locked() or self.turns.locked()
        return not used and max(self.held_until, self.last + self.spacing) <= now

    def end(self, began: float) -> None:
        """Let the next one go."""
        self.last = asyncio.get_running_loop().time()
        self.running.remove(began)
        if not self.running:
            self.idle.set()


class Gate:
    """Spaces the requests to each host.

    Args:
        spacing: seconds between two requests to one host; None = 1, and 0 on loopback.
        in_flight: requests to one host at the same time, at most.
    """

    def __init__(self, spacing: float | None = None, in_flight: int = 2) -> None:
        self._spacing = spacing
        self._in_flight = in_flight
        self._lanes: dict[str, _Lane] = {}
        self._limit = _MANY

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for this host's next free moment.

        Raises:
            Held: the host has asked for rest meanwhile.
        """
        lane = self._lane(host)
        async with lane.turns:
            began = await lane.begin()
            try:
                yield
            finally:
                lane.end(began)

    def hold(self, host: str, seconds: float) -> None:
        """The host asks for rest (Retry-After): turn away whoever stands in line."""
        self._lane(host).held_until = asyncio.get_running_loop().time() + seconds

    def _lane(self, host: str) -> _Lane:
        lane = self._lanes.get(host)
        if lane is None:
            if len(self._lanes) >= self._limit:
                self._sweep()
            lane = self._lanes[host] = _Lane(self._spacing_for(host), self._in_flight)
        return lane

    def _sweep(self) -> None:
        """Forget the lanes that nothing holds; looked at again when there are twice as many."""
        self._lanes = {host: lane for host, lane in self._lanes.items() if not lane.empty}
        self._limit = max(_MANY, 2 * len(self._lanes))

    def _spacing_for(self, host: str) -> float:
        if self._spacing is not None:
            return self._spacing
        return 0.0 if is_loopback(host) else 1.0
