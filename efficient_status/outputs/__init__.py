"""Where events go: a format is a function from an event to what is written for it.

One event is one write, so that a line is never torn; told events are flushed before they are
remembered.
"""

from __future__ import annotations

import os
import select
from collections.abc import Callable
from datetime import tzinfo

from efficient_status.models import Event
from efficient_status.outputs import jsonl, text

__all__ = ["FORMATS", "Console", "Format"]

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
    """

    def __init__(self, descriptor: int, shape: Format, encoding: str = "utf-8") -> None:
        self._descriptor = descriptor
        self._shape = shape
        self._encoding = encoding
        self._rest = b""  # of an event that could not be written to its end

    def tell(self, event: Event) -> None:
        """Write one event, whole.

        Raises:
            BrokenPipeError: nobody reads any more.
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
        while self._rest:
            self._rest = self._rest[self._write() :]

    def _write(self) -> int:
        try:
            return os.write(self._descriptor, self._rest)
        except BlockingIOError:  # somebody made the pipe non-blocking
            select.select([], [self._descriptor], [])
            return 0
