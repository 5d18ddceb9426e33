"""Where events go: a format is a function from an event to what is written for it.

One event is one write, so that a line is never torn; told events are flushed before they are
remembered.
"""

from __future__ import annotations

import errno
import os
import select
from collections.abc import Callable
from contextlib import suppress
from datetime import tzinfo

from efficient_status.models import Event
from efficient_status.outputs import jsonl, text

__all__ = ["FORMATS", "Console", "Format"]

GRACE = 1.5  # seconds that an event in hand is waited for when the program is told to end
_LOOK = 0.2  # seconds between two looks

Format = Callable[[Event], str]

# Each takes the time zone in which times are shown (None = local); JSON is always UTC.
FORMATS: dict[str, Callable[[tzinfo | None], Format]] = {
    "text": text.in_zone,
    "json": lambda _zone: jsonl.line,
}


class Console:
    """Writes events to a file descriptor.

    Args:
        encoding: of what is written; what it lacks is shown as escapes.
        stopping: whether the program has been told to end, which a full pipe must not prevent.
    """

    def __init__(
        self,
        descriptor: int,
        shape: Format,
        encoding: str = "utf-8",
        stopping: Callable[[], bool] = lambda: False,
    ) -> None:
        self._descriptor = descriptor
        self._shape = shape
        self._encoding = encoding
        self._stopping = stopping
        self._rest = b""  # of an event that could not be written to its end

    def tell(self, event: Event) -> None:
        """Write one event, whole.

        Raises:
            BrokenPipeError: nobody reads any more, or not while the program is to end.
            OSError: it could not be written (disk full); the rest is written first next time.
        """
        block = self._shape(event).encode(self._encoding, "backslashreplace")
        self._drain()
        self._rest = block
        try:
            self._drain()
        except OSError:
            if self._rest == block:  # nothing of it was written: it is told again, not twice
                self._rest = b""
            raise

    def _drain(self) -> None:
        whole = self._rest
        while self._rest:
            self._wait(GRACE if self._rest is not whole else 0.0)
            with suppress(BlockingIOError):  # somebody made the pipe non-blocking
                self._rest = self._rest[os.write(self._descriptor, self._rest) :]

    def _wait(self, grace: float) -> None:
        """Wait until it can be written; once told to end, for so many seconds at most."""
        while not select.select([], [self._descriptor], [], _LOOK)[1]:
            if self._stopping():
                if grace <= 0:
                    raise BrokenPipeError(errno.EPIPE, "the program ends and nobody reads")
                grace -= _LOOK
