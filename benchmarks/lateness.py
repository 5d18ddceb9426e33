"""How late polls are: the program's scheduler in a process of its own, with a watch beside it.

    python -m benchmarks.lateness FOLDER INTERVAL SECONDS < addresses

Prints JSON: lists of ms, from when a poll was due to when it began, and to when it was answered.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import suppress
from hashlib import blake2b
from pathlib import Path
from typing import Any

from benchmarks.origin import raise_file_limit
from efficient_status.poller import Page, Poll, Poller
from efficient_status.scheduler import Scheduler
from tests.app import App


class Watched(Poller):
    """A poller that notes when it was called and when it was done, on the loop's clock."""

    def __init__(self, inner: Poller) -> None:
        self._inner = inner
        self.polls: list[tuple[Page, float, float]] = []

    async def poll(self, page: Page) -> Poll:
        """Poll, and note when."""
        now = asyncio.get_running_loop().time
        begun = now()
        outcome = await self._inner.poll(page)
        assert outcome.outcome == "unchanged", outcome
        self.polls.append((page, begun, now()))
        return outcome

    async def catch_up(self, page: Page) -> int:
        """As it is."""
        return await self._inner.catch_up(page)


async def watch(
    urls: Sequence[str], folder: Path, interval: float, seconds: float
) -> dict[str, list[float]]:
    """Lateness of every poll within so many seconds, in ms; no jitter, so that «due» is known."""
    app = App(*urls, folder=folder, interval=interval)
    watched = Watched(app.poller)
    ranked = sorted(app.pages, key=lambda page: blake2b(page.provider.key.encode()).digest())
    phase = {page.provider.key: rank / len(ranked) for rank, page in enumerate(ranked)}
    half: Any = lambda: 0.5  # noqa: E731 - the dice that never move a poll
    scheduler = Scheduler(app.pages, watched, app.state, interval=interval, dice=half)
    start = asyncio.get_running_loop().time()
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await scheduler.watch()
    await app.close()
    begun, answered = [], []
    for page, began, ended in watched.polls:
        first = start + phase[page.provider.key] * interval
        due = first + round((began - first) / interval) * interval
        begun.append((began - due) * 1e3)
        answered.append((ended - due) * 1e3)
    return {"begun": begun, "answered": answered}


def main() -> None:
    raise_file_limit()
    folder, interval, seconds = sys.argv[1:]
    urls = sys.stdin.read().split()
    found = asyncio.run(watch(urls, Path(folder), float(interval), float(seconds)))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
