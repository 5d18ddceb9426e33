"""Where events go: a format is a function from an event to what is written for it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo

from efficient_status.outputs import jsonl, text
from efficient_status.outputs.console import Console, Format

__all__ = ["FORMATS", "Console", "Format"]

# Each takes the time zone in which times are shown (None = local); JSON is always UTC.
FORMATS: dict[str, Callable[[tzinfo | None], Format]] = {
    "text": text.in_zone,
    "json": lambda _zone: jsonl.line,
}
