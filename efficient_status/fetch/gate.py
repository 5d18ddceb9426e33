"""Manners towards one host: at most so many requests in flight, and a pause between two.

Pages of one host take turns in the order in which they came.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from efficient_status.urls import is_loopback


class _Lane:
    """One host's turn-taking."""

    __slots__ = ("free_at", "in_flight", "spacing")

    def __init__(self, spacing: float, in_flight: int) -> None:
        self.spacing = spacing
        self.in_flight = asyncio.Semaphore(in_flight)
        self.free_at = 0.0


class Gate:
    """Spaces the requests to each host.

    Args:
        spacing: seconds between two requests to one host; None = 1, and 0 on loopback.
        in_flight: requests to one host at the same time.
    """

    def __init__(self, spacing: float | None = None, in_flight: int = 2) -> None:
        self._spacing = spacing
        self._in_flight = in_flight
        self._lanes: dict[str, _Lane] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for this host's next free moment."""
        lane = self._lanes.get(host)
        if lane is None:
            lane = self._lanes[host] = _Lane(self._spacing_for(host), self._in_flight)
        async with lane.in_flight:
            now = asyncio.get_running_loop().time()
            start = max(now, lane.free_at)
            lane.free_at = start + lane.spacing
            if start > now:
                await asyncio.sleep(start - now)
            yield

    def _spacing_for(self, host: str) -> float:
        if self._spacing is not None:
            return self._spacing
        return 0.0 if is_loopback(host) else 1.0
