"""Lines to stderr: safe to print, without secrets, and, while pages are watched, never waited for.

Whoever reads them may have stopped (a terminal on hold, a full pipe); pages are polled all the same,
so a line that is not taken at once is dropped, and how many were is said when lines are taken again.
"""

from __future__ import annotations

import logging
import os
import re
import select
import sys
from typing import Any

from efficient_status.harmless import clean, one_line
from efficient_status.outputs.console import opened_again
from efficient_status.urls import without_credentials

_NAME = "efficient-status"
# Of syslog, which the journal has too (sd-daemon(3)).
_PRIORITIES = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4, logging.ERROR: 3}
_PIECE = re.compile(
    rb"(?s).{1,%d}" % select.PIPE_BUF
)  # what fits for certain where `select` says so


class Stderr(logging.Handler):
    """Writes records, a line each; waits for the reader until it is told to `hurry`."""

    def __init__(self, descriptor: int = 2, encoding: str = "utf-8") -> None:
        super().__init__()
        self._descriptor = descriptor
        self._encoding = encoding
        self._patience: float | None = None  # seconds
        self._dropped = 0
        self._torn = False
        self.setFormatter(_Line())

    def shape(self, name: str) -> None:
        """Write lines as one of `keys.LOG_FORMATS` has them from now on."""
        if name == "text":
            self.setFormatter(_JournalLine() if self._is_journal() else _Line())
        else:
            from efficient_status.logs import SHAPES, Structured

            self.setFormatter(Structured(SHAPES[name]))
            self._encoding = "utf-8"

    def _is_journal(self) -> bool:
        """Whether systemd's journal reads it: then it names the stream (systemd.exec(5))."""
        if not (stream := os.environ.get("JOURNAL_STREAM")):
            return False
        status = os.fstat(self._descriptor)
        return stream == f"{status.st_dev}:{status.st_ino}"

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line, or count it."""
        lines = [self.format(record)]
        if self._dropped:
            lines.insert(0, self.format(_gap(self._dropped)))
        text = "".join(f"{line}\n" for line in lines)
        block = text.encode(self._encoding, "backslashreplace")
        try:
            written = self._write(b"\n" + block if self._torn else block)
        except OSError:  # full, closed, gone: no reason to stop
            written = False
        self._dropped = 0 if written else self._dropped + 1

    def hurry(self) -> None:
        """From now on wait for nobody."""
        self._patience = 0.0
        own = opened_again(self._descriptor)
        self._descriptor = self._descriptor if own is None else own

    def _write(self, block: bytes) -> bool:
        """Whether all of it was written."""
        for piece in _PIECE.findall(block):
            if not select.select([], [self._descriptor], [], self._patience)[1]:
                return False
            taken = os.write(self._descriptor, piece)
            self._torn = True
            if taken < len(piece):
                return False
        self._torn = False
        return True


def _gap(lines: int) -> logging.LogRecord:
    fields = {
        "event": "dropped",
        "lines": lines,
        "levelno": logging.WARNING,
        "levelname": "WARNING",
    }
    said = f"{lines} lines were dropped, stderr was not read"
    return logging.makeLogRecord({"msg": said, **fields})


class _Line(logging.Formatter):
    """The program's name and the message; a traceback stands below it, indented."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, whatever the message says: much of it comes from other people's servers."""
        return without_credentials(super().format(record))

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The first line."""
        return f"{_NAME}: {one_line(record.message, sys.maxsize)}"

    def formatException(self, ei: Any) -> str:  # noqa: N802
        """The others."""
        return "  " + clean(super().formatException(ei)).replace("\n", "\n  ")


class _JournalLine(_Line):
    """The same with a priority before each line, which the journal takes off (sd-daemon(3))."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, or more with a traceback."""
        mark = f"<{_PRIORITIES[record.levelno]}>"
        return mark + super().format(record).replace("\n", f"\n{mark}")
