"""One client in one mode on origins of its own: what a scenario plays with.

A scenario is written once and plays in both modes: «cron» starts the client anew for each poll,
«watch» leaves one process running. What a scenario waits for is what the client does, never that
it is quick: a machine under load makes requests late, and a late request is no offence.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self, TypeAlias

from tests.origin import Origin, Page, Request

Mode: TypeAlias = Literal["cron", "watch"]

PATIENCE = 20.0  # seconds in which a run ends that does not sleep through a Retry-After
PAUSE = 0.02
SETTLED = 0.7  # seconds after which an answer has been read, and what it said been noted
FORKING = threading.Lock()
"""Held while a process is started: until it has become another, it keeps a copy of every socket
that listens here, and an origin that stops binds its port once more."""

_numbers = count()


@dataclass(frozen=True)
class Job:
    """What a client is to do.

    Attributes:
        urls: of the pages.
        folder: where it keeps what outlives it; the same for all its runs in a scenario.
        interval: seconds between two polls of a page, for a client that can be told.
        spacing: seconds between two requests to one host, for a client that can be told.
        contact: to be named in its User-Agent, for a client that can be told.
    """

    urls: tuple[str, ...]
    folder: Path
    interval: float
    spacing: float | None = None
    contact: str = ""


class Running(Protocol):
    """A run of a client."""

    def ended(self) -> bool:
        """Whether it is over."""
        ...

    def stop(self, *, kill: bool) -> None:
        """End it, in good order or as `kill -9` does, and wait for that."""
        ...

    def output(self) -> str:
        """What it printed so far."""
        ...


class Client(Protocol):
    """Anything that can be started over a list of pages."""

    name: str
    watches: bool  # whether it can stay and poll on its own
    tells: bool  # whether it prints one JSON object an event
    spaces: bool  # whether it must be told to leave a pause between requests on loopback
    pause: float  # seconds between two runs without which the second would ask nothing

    def once(self, job: Job) -> Running:
        """Start one run over these pages, as cron would."""
        ...

    def watch(self, job: Job) -> Running:
        """Start polling for good."""
        ...


@dataclass
class Run:
    """From when to when a process of the client lived, on the monotonic clock."""

    process: Running
    since: float
    until: float = float("inf")

    def of(self, requests: list[Request]) -> list[Request]:
        """Those requests that came while it lived."""
        return [request for request in requests if self.since <= request.at <= self.until]


@dataclass
class Stage:
    """See the module's docstring; a context manager, at whose end nothing is left running."""

    client: Client
    mode: Mode
    folder: Path
    interval: float = 0.3
    spacing: float | None = None
    contact: str = ""
    urls: list[str] = field(default_factory=list)
    runs: list[Run] = field(default_factory=list)
    origins: list[Origin] = field(default_factory=list)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for run in self.runs:
            if not run.process.ended():
                run.process.stop(kill=True)
        for origin in self.origins:
            with FORKING:
                origin.stop()

    @property
    def cron(self) -> bool:
        """Whether each poll is a process of its own."""
        return self.mode == "cron"

    def origin(self) -> Origin:
        """A new origin on a host that no other has: Linux answers on the whole of 127/8."""
        number = next(_numbers)
        started = Origin(host=f"127.{1 + number // 250 % 250}.{number % 250}.1").start()
        self.origins.append(started)
        return started

    def visit(self, *pages: Page, origin: Origin | None = None) -> None:
        """Let the client poll these pages too."""
        self.urls += [(origin or self.origins[0]).url(page.path) for page in pages]

    # The client's life.

    def start(self, *, once: bool = False) -> Run:
        """Start a process of the client, whatever else is running."""
        job = Job(tuple(self.urls), self.folder, self.interval, self.spacing, self.contact)
        since = time.monotonic()
        start = self.client.once if once or self.cron else self.client.watch
        run = Run(start(job), since)
        self.runs.append(run)
        return run

    def finish(self, run: Run, patience: float = PATIENCE) -> None:
        """Wait for the end of a process; one that does not come to it is killed."""
        _wait(run.process.ended, patience)
        if not run.process.ended():
            run.process.stop(kill=True)
        run.until = time.monotonic()

    def _run(self) -> None:
        self._rest()
        self.finish(self.start())

    def _rest(self) -> None:
        """Wait until another run would ask again."""
        if self.runs:
            time.sleep(max(self.runs[-1].until + self.client.pause - time.monotonic(), 0))

    def restart(self, *, kill: bool = True) -> None:
        """End the process that watches; the next wait starts another. To cron it means nothing."""
        for run in self.runs:
            if run.until == float("inf"):
                time.sleep(SETTLED)
                run.process.stop(kill=kill)
                run.until = time.monotonic()

    def cut(self, condition: Callable[[], object]) -> None:
        """Kill a process (`kill -9`) as soon as something is true."""
        if self.cron:
            self._rest()
        run = self.start() if self.cron else self._watching()
        _wait(lambda: condition() or run.process.ended(), 12)
        run.process.stop(kill=True)
        run.until = time.monotonic()

    def _watching(self) -> Run:
        return next((run for run in self.runs if run.until == float("inf")), None) or self.start()

    # Waiting for it.

    def poll(self, *pages: Page, times: int = 1) -> None:
        """Let it poll so often: so many runs, or until each of these pages was asked so often."""
        if self.cron:
            for number in range(times):
                if number:
                    time.sleep(self.interval)
                self._run()
            return
        wanted = {page.path: page.count + times for page in pages}
        self.until(
            lambda: all(page.count >= wanted[page.path] for page in pages),
            PATIENCE,
        )

    def go(self, seconds: float, every: float = 0.5) -> None:
        """Let it do what it likes for so long; cron starts it that often."""
        end = time.monotonic() + seconds
        if not self.cron:
            self._watching()
        while (left := end - time.monotonic()) > 0:
            if self.cron:
                began = time.monotonic()
                self._run()
                left = min(every - (time.monotonic() - began), left)
            time.sleep(max(left, 0))

    def until(self, condition: Callable[[], object], seconds: float = 12.0) -> bool:
        """Let it poll until something is true; whether it came true in time."""
        end = time.monotonic() + seconds
        if not self.cron:
            self._watching()
            return _wait(condition, seconds)
        while not condition() and time.monotonic() < end:
            self._run()
            if not condition():
                time.sleep(self.interval)
        return bool(condition())

    def told(self) -> list[str]:
        """The lines that its processes printed."""
        return [line for run in self.runs for line in run.process.output().splitlines()]


def _wait(condition: Callable[[], object], seconds: float) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(PAUSE)
    return bool(condition())
