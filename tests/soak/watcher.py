"""The program as its users run it, under a clock that runs faster: `python -m tests.soak.watcher`.

    watcher PLAN ARGUMENT …      PLAN is JSON, see `Plan`; the rest is the program's own

A second of the wall is so many of the program's, in `time.time` and `time.monotonic` alike, so
that intervals, back-off and deadlines keep their proportions.  What goes on is written to a pipe:

    > PAGE IDENTITY              a document of the page arrived, or was confirmed
    = PAGE                       nothing was asked: what is stored is still fresh
    ! PAGE REASON                a poll failed
    {…}                          a look at the process, see `_look`

After its polls it begins no more, lets those under way end, and sends itself SIGTERM.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import random
import selectors
import signal
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from tests.heap import heap

EPOCH = 1_780_272_000.0  # 1 June 2026: after all that the script tells of
_wall = time.monotonic
BUG = "nothing that a poll may raise"


@dataclass
class Plan:
    """What the night asks of the watcher.

    Attributes:
        scale: seconds of the program's in one of the wall's.
        looks: how often the process is looked at, in equal numbers of polls.
        jumps: after which share of the polls the wall clock is put forward, by so many seconds.
        pipe: file descriptor.
    """

    polls: int
    scale: float
    seed: int
    looks: int
    pipe: int
    state: str
    jumps: list[tuple[float, float]] = field(default_factory=list)


class _Selector(selectors.DefaultSelector):
    """Waits in seconds of the wall for a loop that counts in the program's."""

    scale = 1.0

    def select(self, timeout: float | None = None) -> Any:
        return super().select(timeout / self.scale if timeout and timeout > 0 else timeout)


def _loop(scale: float) -> asyncio.AbstractEventLoop:
    """A loop on the program's clock, which it reads from `time.monotonic`."""
    selector = _Selector()
    selector.scale = scale
    return asyncio.SelectorEventLoop(selector)


class Clock:
    """The program's `time.time`."""

    def __init__(self, scale: float) -> None:
        self._scale = scale
        self._begun = _wall()
        self.jumped = 0.0

    def __call__(self) -> float:
        return EPOCH + (_wall() - self._begun) * self._scale + self.jumped


class Watch:
    """Stands beside the poller and counts."""

    def __init__(self, plan: Plan, clock: Clock, known: type[Exception]) -> None:
        self._plan = plan
        self._known = known
        self._clock = clock
        self._out: IO[str] = os.fdopen(plan.pipe, "w", buffering=1 << 16)
        self._begun = 0
        self._ended = 0
        self._every = plan.polls // plan.looks
        self._jumps = sorted(plan.jumps)

    async def poll(self, inner: Any, page: Any, **more: Any) -> Any:
        """One poll; none once there were enough."""
        if self._begun >= self._plan.polls:
            await asyncio.Event().wait()
        self._begun += 1
        try:
            poll = await inner(page, **more)
        except Exception as error:
            known = isinstance(error, self._known)
            reason = error if known else f"{BUG}: {type(error).__name__} {error}"
            self._say(f"! {page.provider.key} {reason}")
            raise
        finally:
            self._ended += 1
        if poll.error is not None:
            self._say(f"! {page.provider.key} {poll.error}")
        self._turn()
        return poll

    async def fetch(self, inner: Any, url: str, **more: Any) -> Any:
        """One fetch; which page it was for is in the path."""
        fetched = await inner(url, **more)
        page = url.rpartition("/")[2].partition("?")[0]
        self._say(f"= {page}" if fetched.source == "fresh" else f"> {page} {fetched.identity}")
        return fetched

    def _say(self, line: str) -> None:
        self._out.write(f"{' '.join(line.split())}\n")

    def _turn(self) -> None:
        if self._ended % self._every == 0:
            self._say(json.dumps(self._look()))
            self._out.flush()
        while self._jumps and self._ended >= self._jumps[0][0] * self._plan.polls:
            self._clock.jumped += self._jumps.pop(0)[1]
        if self._ended == self._plan.polls:
            self._out.flush()
            signal.raise_signal(signal.SIGTERM)

    def _look(self) -> dict[str, float]:
        """The process as it is; sizes in bytes."""
        gc.collect()
        found = heap()
        return {
            "polls": self._ended,
            "seconds": _wall(),
            "cpu": time.process_time(),
            "rss": int(Path("/proc/self/statm").read_text().split()[1])
            * os.sysconf("SC_PAGE_SIZE"),
            "files": len([*Path("/proc/self/fd").iterdir()]),
            "threads": threading.active_count(),
            "tasks": len(asyncio.all_tasks()),
            "objects": len(gc.get_objects()),
            "blocks": sys.getallocatedblocks(),
            "heap": found.uordblks + found.hblkhd,
            **{name: _size(Path(self._plan.state) / file) for name, file in _FILES.items()},
        }


_FILES = {
    "state": "state.sqlite3",
    "state-wal": "state.sqlite3-wal",
    "cache": "cache.sqlite3",
    "cache-wal": "cache.sqlite3-wal",
}


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def main() -> int:
    plan = Plan(**json.loads(sys.argv[1]))
    clock = Clock(plan.scale)
    time.time = clock
    time.monotonic = lambda: _wall() * plan.scale
    random.seed(plan.seed)
    # Imported under the fast clock: their defaults are bound to it.
    from efficient_status import main as program
    from efficient_status.errors import StatusError
    from efficient_status.fetch import Fetcher
    from efficient_status.poller import Poller

    watch = Watch(plan, clock, StatusError)
    poll, fetch = Poller.poll, Fetcher.fetch
    asyncio.run = _run_on(plan.scale)
    Poller.poll = lambda self, page, **more: watch.poll(  # type: ignore[method-assign]
        lambda page, **more: poll(self, page, **more), page, **more
    )
    Fetcher.fetch = lambda self, url, **more: watch.fetch(  # type: ignore[method-assign]
        lambda url, **more: fetch(self, url, **more), url, **more
    )
    return program.main(sys.argv[2:])


def _run_on(scale: float) -> Any:
    """`asyncio.run` on a fast loop."""

    def run(work: Any) -> Any:
        with asyncio.Runner(loop_factory=lambda: _loop(scale)) as runner:
            return runner.run(work)

    return run


if __name__ == "__main__":
    sys.exit(main())
