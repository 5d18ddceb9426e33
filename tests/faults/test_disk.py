"""The disk at its worst: an error and a kill at every statement, and the real thing."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from efficient_status import database
from efficient_status.errors import StateError
from efficient_status.models import Pacing
from tests.app import App
from tests.feeds import Report, incidentio, minute
from tests.origin import Origin

Short = tuple[str, str, str]

OLD = Report("OLD", state="Resolved", at=minute(-900))
OLE = Report("OLE", state="Resolved", at=minute(-990))
ONE = Report("ONE", at=minute(1))
ONE_2 = replace(ONE, state="Identified", message="A bad deploy.", at=minute(2))
ONE_3 = replace(ONE, state="Resolved", message="It works.", at=minute(3))
TWO = Report("TWO", at=minute(4))
TWO_2 = replace(TWO, state="Resolved", message="All is well.", at=minute(5))
LIFE: list[tuple[str, list[Short]]] = [
    (incidentio(OLD, OLE), [("new", "OLD", "resolved")]),
    (incidentio(ONE, OLD, OLE), [("new", "ONE", "investigating")]),
    (incidentio(ONE_2, OLD, OLE), [("update", "ONE", "identified")]),
    (
        incidentio(TWO, ONE_3, OLD),
        [("resolved", "ONE", "resolved"), ("new", "TWO", "investigating")],
    ),
    (incidentio(TWO, ONE_3, OLD, built=minute(9)), []),
    (incidentio(TWO_2, ONE_3, OLD, OLE), [("resolved", "TWO", "resolved")]),
]
EXPECTED = [event for _, events in LIFE for event in events]


class Killed(BaseException):
    """The process ends here."""


def killed() -> BaseException:
    return Killed()


def full() -> BaseException:
    return _error(sqlite3.OperationalError("database or disk is full"), sqlite3.SQLITE_FULL)


def failing() -> BaseException:
    return _error(sqlite3.OperationalError("disk I/O error"), sqlite3.SQLITE_IOERR)


def damaged() -> BaseException:
    malformed = sqlite3.DatabaseError("database disk image is malformed")
    return _error(malformed, sqlite3.SQLITE_CORRUPT)


def _error(error: sqlite3.Error, code: int) -> sqlite3.Error:
    error.sqlite_errorcode = code
    return error


@dataclass
class Disk:
    """Counts the statements of all connections, and lets the one after `good` of them fail.

    Attributes:
        only: how the statements begin that are counted.
        late: whether the statement is carried out all the same.
        lasting: whether all that write fail from there on.
    """

    good: int = -1
    error: Callable[[], BaseException] = full
    only: str = ""
    late: bool = False
    lasting: bool = False
    count: int = 0
    hit: bool = False
    connections: list[sqlite3.Connection] = field(default_factory=list)

    def connect(self, *arguments: Any, **options: Any) -> sqlite3.Connection:
        """See `sqlite3.connect`."""
        disk = self

        class Connection(sqlite3.Connection):
            def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
                sql = sql.replace("synchronous = NORMAL", "synchronous = OFF")  # for haste
                if disk.fails(sql):
                    if disk.late:
                        super().execute(sql, *values)
                    raise disk.error()
                return super().execute(sql, *values)

        connection = sqlite3.connect(*arguments, **options, factory=Connection)
        sqlite3.Connection.execute(connection, "PRAGMA synchronous = OFF")
        self.connections.append(connection)
        return connection

    def fails(self, sql: str) -> bool:
        """Whether this statement does."""
        counts = sql.startswith(self.only)
        self.count += counts
        now = counts and self.count == self.good + 1
        self.hit = self.hit or now
        return now or (self.lasting and self.hit and not sql.startswith(("SELECT", "PRAGMA")))


@pytest.fixture
def disks(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Disk], tuple[list[Short], list[Short]]]]:
    """Runs the life of a page on a disk that fails, and once more on one that works."""
    monkeypatch.setattr(database, "RETRY_AFTER", 0.0)
    page = origin.page("/feed")
    folders = (tmp_path / str(n) for n in itertools.count())
    used: list[sqlite3.Connection] = []

    async def run(folder: Path, disk: Disk, versions: list[str]) -> list[Short]:
        """One run; the versions that it has dealt with are taken away."""
        monkeypatch.setattr(database, "connect", disk.connect)
        app = None
        try:
            app = App(origin.url("/feed"), folder=folder)
            while versions:
                page.serve(versions[0], etag=True)
                poll = await app.scheduler._poll(app.pages[0])
                if poll.error:  # what was told cannot be read: asked again after a while
                    assert "cannot be read" in str(poll.error)
                    app.pages[0].pacing = Pacing()
                    await app.scheduler._poll(app.pages[0])
                del versions[0]
            await app.close()
        except (Killed, StateError):
            if app:
                await app.fetcher._cache.next_transport.aclose()
        finally:
            used.extend(disk.connections)
            for connection in disk.connections:
                connection.close()
        return app.told.short if app else []

    def lives(disk: Disk) -> tuple[list[Short], list[Short]]:
        folder = next(folders)
        folder.mkdir()
        versions = [document for document, _ in LIFE]

        async def both() -> tuple[list[Short], list[Short]]:
            first = await run(folder, disk, versions)
            return first, await run(folder, Disk(), versions or [LIFE[-1][0]])

        return asyncio.run(both())

    yield lives
    for connection in used:
        connection.close()


def every(**how: Any) -> Iterator[Disk]:
    """A disk that fails at the first statement, one that fails at the second, until none does."""
    for good in itertools.count():
        disk = Disk(good, **how)
        yield disk
        if not disk.hit:
            assert good > 10
            return


@pytest.mark.parametrize("how", [{}, {"only": "COMMIT", "late": True}], ids=["any", "late"])
def test_an_error_at_any_statement(disks: Any, how: dict[str, Any]) -> None:
    """One statement of the state or the cache fails, or seems to: nothing is lost or told twice."""
    for disk in every(error=failing, **how):
        first, second = disks(disk)

        assert [*first, *second] == EXPECTED, disk


def test_a_kill_at_any_statement(disks: Any) -> None:
    """The process dies at a statement: nothing is lost, and one event is told again at most."""
    for disk in every(error=killed):
        told = Counter(itertools.chain(*disks(disk)))

        assert set(told) == set(EXPECTED), disk
        assert told.total() <= len(EXPECTED) + 1, disk


def test_a_disk_that_stays_full_from_any_statement_on(disks: Any) -> None:
    """Nothing is lost or told twice in that run; the next one may repeat what is not on disk."""
    for disk in every(lasting=True):
        first, second = disks(disk)

        assert first in (EXPECTED, []), disk
        assert len(second) == len(set(second)), disk
        assert first or second == EXPECTED, disk


def test_damage_found_at_any_statement(disks: Any) -> None:
    """It is set aside; nothing is lost, and what is told again is what is open, or the newest."""
    for disk in every(error=damaged):
        first, second = disks(disk)
        told = Counter([*first, *second])

        assert {event[1:] for event in told} >= {event[1:] for event in EXPECTED}, disk
        assert told.total() <= len(EXPECTED) + 3, disk
