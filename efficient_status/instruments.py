"""What shows how the watching goes beside its events, metrics and systemd; loaded where it is wanted."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from efficient_status.config import Settings
from efficient_status.errors import UsageError
from efficient_status.outputs import Console
from efficient_status.poller import Output, Page
from efficient_status.pulse import Pulse
from efficient_status.scheduler import Observer
from efficient_status.state import StateStore
from efficient_status.urls import place

logger = logging.getLogger("efficient_status")

WRITE_EVERY = 60.0  # seconds between two writes of --metrics-file


class Instruments:
    """At work while its context is open.

    Args:
        pending: see `Metrics`.

    Attributes:
        observers: of every poll.
        output: the console, its events counted where that is wanted.

    Raises:
        UsageError: a package is missing; on entering, what was asked for is not possible.
    """

    def __init__(
        self,
        settings: Settings,
        pages: list[Page],
        state: StateStore,
        console: Console,
        *,
        once: bool,
        pending: Callable[[], float] | None = None,
    ) -> None:
        self._file = settings.metrics_file
        self._once = once
        # A poll's exchanges, its wait for its turn, and a minute for what was not thought of.
        patience = 60 + 2 * settings.limits.seconds + (settings.host_spacing or 1.0)
        self._pulse = Pulse(pages, state, patience=patience, waiting=lambda: console.waiting)
        self._where = None if once else place(settings.metrics)
        self.observers: list[Observer] = [self._pulse.observe]
        self.output: Output = console
        if self._where or self._file:
            try:
                from efficient_status.metrics import Metrics
            except ModuleNotFoundError as error:
                option = "--metrics" if self._where else "--metrics-file"
                wish = f"{option}: needs {error.name}: pip install 'efficient-status[metrics]'"
                raise UsageError([wish]) from error
            metrics = Metrics(pages, state, pending)
            self._registry = metrics.registry
            self.observers.append(metrics.observe)
            self.output = metrics.counted(console)

    async def __aenter__(self) -> Self:
        """Begin."""
        async with AsyncExitStack() as begun:
            if self._where:
                from efficient_status.metrics.endpoint import Endpoint

                served = Endpoint(self._where, self._registry, self._pulse)
                await begun.enter_async_context(served)
                logger.info("metrics: %s", served.url, extra={"event": "metrics"})
            if self._file and not self._once:
                await self._write()
                writing = asyncio.create_task(self._write_now_and_then())
                begun.callback(writing.cancel)
            if not self._once and "NOTIFY_SOCKET" in os.environ:
                from efficient_status.systemd import supervisor

                if told := supervisor(os.environ, self._pulse):
                    self.observers.append(told.observe)
                    await begun.enter_async_context(told)
            self._begun = begun.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End; a run from cron leaves its numbers in the file."""
        await self._begun.__aexit__(kind, error, traceback)
        if self._once and self._file and error is None:
            await self._write()

    async def _write(self) -> None:
        """Beside the loop: it takes as long as a scrape."""
        from efficient_status.metrics.textfile import write

        assert self._file is not None
        await asyncio.to_thread(write, self._file, self._registry)

    async def _write_now_and_then(self) -> None:
        """Say what is wrong once, until it is not."""
        said = False
        while True:
            await asyncio.sleep(WRITE_EVERY)
            try:
                await self._write()
            except UsageError as error:
                if not said:
                    logger.warning("%s", error)
                said = True
            else:
                said = False
