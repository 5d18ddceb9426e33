"""Lines for programs: `--log-format json` and `logfmt`, one object or one set of pairs a line.

What a line is about stands in fields: `logger.warning("…", extra={"event": "moved", "provider": …})`.
Those that say nothing of it have the event «log».
"""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from efficient_status.harmless import clean, one_line
from efficient_status.urls import without_credentials

_OF_LOGGING = frozenset({*logging.makeLogRecord({}).__dict__, "message", "asctime", "taskName"})
_NEEDS_QUOTES = re.compile(r'[\s"=\\]')

Shape = Callable[[Mapping[str, Any]], str]


class Structured(logging.Formatter):
    """A record as fields, in UTC; what comes from other people's servers is safe to print."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self._shape = shape

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        written = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        fields = {
            "time": written.replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "event": "log",
            "message": record.getMessage(),
            **{name: v for name, v in record.__dict__.items() if name not in _OF_LOGGING},
        }
        if record.exc_info:
            fields["traceback"] = clean(self.formatException(record.exc_info))
        return self._shape({name: _plain(name, value) for name, value in fields.items()})


def _plain(name: str, value: Any) -> Any:
    """What JSON has a word for; texts on one line and without passwords."""
    if isinstance(value, float):
        return round(value, 3)
    if value is None or isinstance(value, int):
        return value
    text = str(value)
    return without_credentials(text if name == "traceback" else one_line(text, sys.maxsize))


def _json(fields: Mapping[str, Any]) -> str:
    return json.dumps(fields, ensure_ascii=False)


def _logfmt(fields: Mapping[str, Any]) -> str:
    """Pairs as https://brandur.org/logfmt has them; what is not known is left out."""
    pairs = ((name, _word(value)) for name, value in fields.items() if value is not None)
    return " ".join(f"{name}={word}" for name, word in pairs)


def _word(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return json.dumps(text, ensure_ascii=False) if not text or _NEEDS_QUOTES.search(text) else text


SHAPES: dict[str, Shape] = {"json": _json, "logfmt": _logfmt}
