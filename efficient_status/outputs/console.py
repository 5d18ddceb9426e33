"""Events to a file descriptor: one after the other, each whole, and nobody else waits for the reader.

- A write never waits.  A pipe or a terminal is opened once more for ourselves, non-blocking, since
  the descriptor we were given is shared with other programs (the shell, who writes after us) and
  stays as it is.  Where that is not possible, no more is written at a time than what is certain to
  fit when `select` says so (PIPE_BUF bytes, pipe(7)).
- Only the page with news waits, in the order of arrival.
- A failing write loses nothing: an event that was not begun is told again by its page, one that
  was torn is finished before anything else.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import math
import os
import select
import stat
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from efficient_status.models import Event

__all__ = ["Console", "Format"]

logger = logging.getLogger(__name__)

GRACE = 1.5  # seconds that an event that was begun is waited for when the program is told to end
PATIENCE = 60.0  # seconds that nobody reads before it is said
_PAUSE = 0.02  # seconds, where a descriptor takes nothing though it says that it would

Format = Callable[[Event], str]


class Console:
    """Tells events to a file descriptor.

    Args:
        encoding: of what is written; what it lacks is shown as escapes.
        patience: seconds that nobody reads before it is said.
    """

    def __init__(
        self,
        descriptor: int,
        shape: Format,
        encoding: str = "utf-8",
        patience: float = PATIENCE,
    ) -> None:
        mode = os.fstat(descriptor).st_mode
        self._terminal = os.isatty(descriptor)
        own = opened_again(descriptor)
        self._descriptor = descriptor if own is None else own
        free = own is not None or stat.S_ISREG(mode)  # no write can wait
        self._most = None if free else select.PIPE_BUF
        self._shape = shape
        self._encoding = encoding
        self._patience = patience
        self._turn = asyncio.Lock()
        # Of what could not be written to its end; of an earlier run's, the end of the line.
        self._rest = memoryview(b"\n" if _ends_torn(descriptor) else b"")
        self._torn: dict[str, Event] = {}  # by provider: begun, and not yet known to be told
        self._troubled = False

    @property
    def waiting(self) -> bool:
        """Whether an event is being written: its reader takes as long as it likes."""
        return self._turn.locked()

    async def tell(self, event: Event) -> None:
        """Write one event, whole; wait for the reader as long as it takes.

        Cancelled while it writes, it finishes the event if that is read within `GRACE`; the
        cancellation comes through at the next wait, so that what was told can be remembered.

        Raises:
            BrokenPipeError: nobody reads any more.
            OSError: it could not be written (disk full); what was begun is finished first next time.
        """
        async with self._turn:
            try:
                await self._tell(event)
            except BrokenPipeError:
                raise
            except OSError as error:
                if self._terminal and error.errno == errno.EIO:  # hung up, it never comes back
                    raise BrokenPipeError(errno.EPIPE, "the terminal is gone") from error
                self._say(f"stdout cannot be written ({error.strerror}): what is new is told later")
                raise
            if self._troubled:
                self._troubled = False
                logger.warning("stdout is written again")

    async def _tell(self, event: Event) -> None:
        await self._drain()
        torn = self._torn.pop(event.provider, None)
        if torn is not None and replace(event, seen_at=torn.seen_at) == torn:
            return  # what was left of it is written by now
        block = self._shape(event).encode(self._encoding, "backslashreplace")
        self._rest = memoryview(block)
        try:
            await self._drain()
        except BaseException:
            if len(self._rest) == len(block):  # nothing of it was written
                self._rest = memoryview(b"")
            else:
                self._torn[event.provider] = event
            raise

    async def _drain(self) -> None:
        """Write what is left; what was begun gets a little longer than the program."""
        whole = len(self._rest)
        try:
            await self._write()
        except asyncio.CancelledError:
            if len(self._rest) == whole:
                raise
            try:
                await self._write(GRACE)
            finally:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()  # comes through at the next wait
            if self._rest:
                raise

    async def _write(self, seconds: float = math.inf) -> None:
        """Write for so many seconds at most."""
        now = asyncio.get_running_loop().time
        end = now() + seconds
        while self._rest and await self._writable(end - now()):
            try:
                written = os.write(self._descriptor, self._rest[: self._most])
            except BlockingIOError:
                await asyncio.sleep(_PAUSE)
            else:
                self._rest = self._rest[written:]

    async def _writable(self, seconds: float) -> bool:
        """Wait until it can be written; whether that came true in time."""
        # Also for what epoll refuses: files are always writable.
        if select.select([], [self._descriptor], [], 0)[1]:
            return True
        loop = asyncio.get_running_loop()
        ready = loop.create_future()
        late = loop.call_later(self._patience, self._say_that_nobody_reads)
        loop.add_writer(self._descriptor, _settle, ready)
        try:
            most = None if seconds == math.inf else max(seconds, 0.0)
            return bool((await asyncio.wait([ready], timeout=most))[0])
        finally:
            loop.remove_writer(self._descriptor)
            late.cancel()

    def _say_that_nobody_reads(self) -> None:
        self._say(
            f"stdout has not been read for {self._patience:g} s: what is new waits, "
            "all other pages are still asked"
        )

    def _say(self, trouble: str) -> None:
        """Say it once, until it is over."""
        if not self._troubled:
            self._troubled = True
            logger.warning(trouble)


def _ends_torn(descriptor: int) -> bool:
    """Whether a file ends in the middle of a line, as where a run died and the disk was full."""
    status = os.fstat(descriptor)
    if not (stat.S_ISREG(status.st_mode) and status.st_size):
        return False
    try:
        with Path(f"/proc/self/fd/{descriptor}").open("rb") as file:
            return os.pread(file.fileno(), 1, status.st_size - 1) != b"\n"
    except OSError:
        return False


def _settle(ready: asyncio.Future[None]) -> None:
    if not ready.done():
        ready.set_result(None)


def opened_again(descriptor: int) -> int | None:
    """A pipe or terminal once more, non-blocking; None for anything else, or if we may not."""
    if not (stat.S_ISFIFO(os.fstat(descriptor).st_mode) or os.isatty(descriptor)):
        return None
    try:
        return os.open(
            f"/proc/self/fd/{descriptor}",
            os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC,
        )
    except OSError:
        return None
