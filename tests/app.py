"""The real application on real sockets, in this process or as a command."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from efficient_status.detect import Wishes
from efficient_status.fetch import Fetcher, Gate, Reach
from efficient_status.models import Event, Provider
from efficient_status.poller import Page, Poller
from efficient_status.scheduler import Scheduler
from efficient_status.state import open_state
from tests.forked import Forked
from tests.origin import Page as ScriptedPage

LOOPBACK = Reach(["127.0.0.0/8", "::1/128"])


@dataclass
class Told:
    """An output that keeps what it is told."""

    events: list[Event] = field(default_factory=list)
    fail: Callable[[Event], None] = lambda event: None

    async def tell(self, event: Event) -> None:
        """See `poller.Output`."""
        self.fail(event)
        self.events.append(event)

    @property
    def short(self) -> list[tuple[str, str, str]]:
        """(event, incident's last characters, state) of each event."""
        return [
            (e.happening.value, e.incident.id[-3:], e.incident.state.value) for e in self.events
        ]


class App:
    """The parts, wired as `main` wires them."""

    def __init__(
        self,
        *urls: str,
        folder: Path | None = None,
        interval: float = 0.05,
        wishes: Wishes | None = None,
        providers: Iterable[Provider] = (),
        clock: Callable[[], float] | None = None,
        **fetching: Any,
    ) -> None:
        timed: dict[str, Any] = {"clock": clock} if clock else {}
        self.state = open_state(folder)
        cache = folder / "cache.sqlite3" if folder else ":memory:"
        self.fetcher = Fetcher(cache, gate=Gate(), reach=LOOPBACK, **timed, **fetching)
        self.told = Told()
        self.poller = Poller(
            self.fetcher, self.state, self.told, wishes=wishes or Wishes(), **timed
        )
        rows = [*providers, *(Provider(key=url, name="", feed=url) for url in urls)]
        self.pages = [
            Page(row, self.state.pacing(row.key, row.feed), self.state.identity(row.key))
            for row in rows
        ]
        self.scheduler = Scheduler(
            self.pages, self.poller, self.state, interval=interval, dice=lambda: 0.5, **timed
        )

    async def close(self) -> None:
        """Put everything away."""
        await self.fetcher.aclose()
        self.state.close()

    def once(self) -> dict[str, str]:
        """One `--once` run; the app is closed afterwards."""

        async def work() -> dict[str, str]:
            try:
                return await self.scheduler.once()
            finally:
                await self.close()

        return asyncio.run(work())

    async def watch_while(self, script: Callable[[], Any]) -> None:
        """Watch until an async script has played."""
        watching = asyncio.create_task(self.scheduler.watch())
        playing = asyncio.create_task(script())
        try:
            await asyncio.wait([watching, playing], return_when=asyncio.FIRST_COMPLETED)
            if watching.done():
                watching.result()
            playing.result()
        finally:
            for task in (watching, playing):
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task


async def until(condition: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something is true."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.005)


async def polled(page: ScriptedPage, times: int) -> None:
    """Wait until a page of the origin was asked so many times more."""
    wanted = page.count + times
    await until(lambda: page.count >= wanted)


def command(*arguments: str) -> list[str]:
    """The command line of the program."""
    return [sys.executable, "-m", "efficient_status", *arguments]


def environment(folder: Path, **more: str) -> dict[str, str]:
    """An environment that finds nothing of the user's own."""
    return {
        **os.environ,
        "XDG_STATE_HOME": str(folder / "state"),
        "XDG_CONFIG_HOME": str(folder / "config"),
        "TZ": "UTC",
        "NO_PROXY": "*",
        **more,
    }


def cli(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    """Run the program to its end, its modules loaded already (see `Forked`) where that is the same."""
    if any(name.startswith("PYTHON") and name != "PYTHONPATH" for name in more):
        return _run(folder, *arguments, **more)
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        run = Forked(arguments, environment(folder, **more), out, err)
        try:
            status = run.wait(30)
        finally:
            run.kill()
        out.seek(0)
        err.seek(0)
        return subprocess.CompletedProcess(command(*arguments), status, out.read(), err.read())


def _run(folder: Path, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*arguments),
        env=environment(folder, **more),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def here(*arguments: str) -> int:
    """Run a command in this process, whose logging and signals are as before afterwards.

    Not for watching or `--once`: those take the garbage collector out of service.
    """
    from efficient_status.main import main

    logger = logging.getLogger("efficient_status")
    kept = logger.handlers, logger.propagate, logger.level
    loud, handler = logging.raiseExceptions, signal.getsignal(signal.SIGTERM)
    try:
        return main(arguments)
    finally:
        logger.handlers, logger.propagate, level = kept
        logger.setLevel(level)
        logging.raiseExceptions = loud
        signal.signal(signal.SIGTERM, handler)


def start(folder: Path, *arguments: str, **more: str) -> subprocess.Popen[str]:
    """Start the program."""
    return subprocess.Popen(
        command(*arguments),
        env=environment(folder, **more),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def objects(output: str) -> list[dict[str, Any]]:
    """JSON Lines as objects; every line must be whole."""
    assert output == "" or output.endswith("\n")
    return [json.loads(line) for line in output.splitlines()]
