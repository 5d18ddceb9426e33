"""What is to be delivered: an output that keeps each event on disk until it was.

`tell` may be called again with the same event (a crash before it was remembered, another output
that failed): the outbox knows it by its mark, delivered or not, and takes it once.  No address is
in the file, only targets' names.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from efficient_status.database import Database
from efficient_status.errors import Damaged, StateError
from efficient_status.filters import wanted
from efficient_status.models import Event, Happening, State, fingerprint
from efficient_status.notify import Target
from efficient_status.outputs import jsonl

logger = logging.getLogger(__name__)

FILE = "outbox.sqlite3"
KEEP = 90 * 86_400.0  # seconds for which it is known what was delivered, or is for nobody any more
_APPLICATION_ID = 0x65736F62  # "esob"
_EPOCH = datetime.fromtimestamp(0, UTC)

MIGRATIONS = (
    """
    CREATE TABLE message (
        id INTEGER PRIMARY KEY,
        target TEXT NOT NULL,               -- its name
        mark BLOB NOT NULL,                 -- fingerprint of the event
        about BLOB NOT NULL,                -- fingerprint of its incident
        event TEXT,                         -- JSON; NULL once it was delivered
        at REAL NOT NULL,                   -- seconds since the epoch
        UNIQUE (target, mark)
    ) STRICT
    """,
    "CREATE INDEX message_about ON message (target, about)",
    """
    CREATE TABLE target (
        name TEXT PRIMARY KEY,
        failures INTEGER NOT NULL,
        until REAL NOT NULL,                -- seconds since the epoch
        refused INTEGER NOT NULL
    ) STRICT
    """,
)
_PUT = (
    "INSERT INTO message (target, mark, about, event, at) VALUES (?, ?, ?, ?, ?)"
    " ON CONFLICT DO NOTHING"
)
_DONE = "UPDATE message SET event = NULL WHERE target = ? AND mark = ?"
_FORGET = (
    "DELETE FROM message WHERE at < ?"
    " AND (event IS NULL OR target NOT IN (SELECT value FROM json_each(?)))"
)
_REST = "INSERT OR REPLACE INTO target VALUES (?, ?, ?, ?)"

Statement = tuple[str, tuple[object, ...]]


class Rest(NamedTuple):
    """How a target is to be spared.

    Attributes:
        failures: deliveries that failed in a row.
        until: seconds since the epoch before which it is left alone, or 0.
        refused: it was said that it has to be put right.
    """

    failures: int = 0
    until: float = 0.0
    refused: bool = False


@dataclass(slots=True, eq=False)
class Waiting:
    """An event that one target has not got yet.

    Attributes:
        line: as JSON.
        at: seconds since the epoch.
        due: on the loop's clock.
        alone: it is delivered without others, since they were not accepted together.
        unfit: it was not accepted alone either.
    """

    mark: bytes
    about: bytes
    line: str
    at: float
    due: float = 0.0
    alone: bool = False
    unfit: bool = False


@dataclass(slots=True)
class Box:
    """What waits for one target, oldest first.

    Attributes:
        news: set when there is more.
    """

    target: Target
    waiting: list[Waiting] = field(default_factory=list)
    rest: Rest = field(default_factory=Rest)
    news: asyncio.Event = field(default_factory=asyncio.Event)


class Outbox:
    """See `poller.Output`.

    What cannot be written is kept in memory, delivered from there, and written when that is possible.

    Args:
        path: of its file, or ":memory:".

    Raises:
        StateError: it cannot be used.
    """

    def __init__(
        self,
        path: Path | str,
        targets: Iterable[Target],
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._clock = clock
        self._database = Database(
            path,
            _APPLICATION_ID,
            MIGRATIONS,
            meanwhile="notifications are kept in memory until it can",
        )
        self._unwritten: list[Statement] = []
        self.boxes = {target.name: Box(target) for target in targets}
        for name, mark, about, line, at in self._rows(
            "SELECT target, mark, about, event, at FROM message WHERE event IS NOT NULL ORDER BY id"
        ):
            if name in self.boxes:
                self.boxes[name].waiting.append(Waiting(mark, about, line, at))
        for name, failures, until, refused in self._rows("SELECT * FROM target"):
            if name in self.boxes:
                self.boxes[name].rest = Rest(failures, until, bool(refused))

    async def tell(self, event: Event) -> None:
        """Take it, for each target that it is for; nothing waits."""
        mark = fingerprint(jsonl.line(replace(event, seen_at=_EPOCH)))
        about = fingerprint(event.provider, event.incident.id)
        taken = [
            box
            for box in self.boxes.values()
            if self._concerns(box.target, event, about) and not self._has(box.target, "mark", mark)
        ]
        now, line = self._clock(), jsonl.line(event)
        self._write([(_PUT, (box.target.name, mark, about, line, now)) for box in taken])
        for box in taken:
            due = asyncio.get_running_loop().time() + box.target.batch_seconds
            box.waiting.append(Waiting(mark, about, line, now, due))
            box.news.set()

    def pending(self) -> int:
        """How many events were not delivered yet, over all targets."""
        return sum(len(box.waiting) for box in self.boxes.values())

    def done(self, box: Box, messages: Sequence[Waiting]) -> None:
        """They were delivered, or given up."""
        box.waiting = [each for each in box.waiting if each not in messages]
        statements: list[Statement] = [(_DONE, (box.target.name, each.mark)) for each in messages]
        forget = (self._clock() - KEEP, json.dumps([*self.boxes]))
        self._write([*statements, (_FORGET, forget)])

    def spare(self, box: Box, rest: Rest) -> None:
        """Take note of how a target is to be spared."""
        if rest != box.rest:
            box.rest = rest
            self._write([(_REST, (box.target.name, *rest))])

    def flush(self) -> None:
        """Write what could not be written."""
        if self._unwritten:
            self._write([])

    def close(self) -> None:
        """Flush and close.

        Raises:
            StateError: events that wait are not on disk.
        """
        try:
            if self._unwritten:
                self._database.insist()
            self.flush()
            lost = sum(statement == _PUT for statement, _ in self._unwritten)
            if lost and any(box.waiting for box in self.boxes.values()):
                raise StateError(
                    f"{self._database.path}: could not be written to the end: notifications that"
                    " were not delivered may be lost"
                )
        finally:
            self._database.close()

    def _concerns(self, target: Target, event: Event, about: bytes) -> bool:
        """Whether it is for a target; who was told of an incident is told of its end."""
        if target.pages is not None and event.provider not in target.pages:
            return False
        if event.happening not in target.events or (event.first and not _is_open(event)):
            return False
        ends = event.happening is Happening.RESOLVED
        return wanted(target.filters, event.incident, event.product) or (
            ends and self._has(target, "about", about)
        )

    def _has(self, target: Target, column: str, value: bytes) -> bool:
        """Whether an event with this in this column was taken for a target."""
        waiting = self.boxes[target.name].waiting
        return (
            any(getattr(each, column) == value for each in waiting)
            or any({target.name, value} <= {*values} for _, values in self._unwritten)
            or bool(
                self._rows(
                    f"SELECT 1 FROM message WHERE target = ? AND {column} = ? LIMIT 1",  # noqa: S608 - ours
                    target.name,
                    value,
                )
            )
        )

    def _rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What is known; where it cannot be read, nothing: twice is better than never."""
        try:
            return self._database.rows(query, *values)
        except Damaged:
            self._begin_anew()
        except StateError as error:
            logger.debug("%s", error)
        return []

    def _write(self, statements: Iterable[Statement]) -> None:
        self._unwritten += statements
        try:
            written = not self._unwritten or self._database.write(self._unwritten)
        except Damaged:
            self._begin_anew()
            return
        if written:
            self._unwritten = []

    def _begin_anew(self) -> None:
        """The file was damaged, but not what waits: it is in memory as well."""
        self._unwritten[:0] = [
            (_PUT, (name, each.mark, each.about, each.line, each.at))
            for name, box in self.boxes.items()
            for each in box.waiting
        ]
        with suppress(Damaged):
            if self._database.write(self._unwritten):
                self._unwritten = []


def _is_open(event: Event) -> bool:
    state = event.incident.state
    return not state.closed and state is not State.UNKNOWN
