"""The disk at its worst: an error and a kill at every statement, and the real thing."""

from __future__ import annotations

import asyncio
import itertools
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from efficient_status import database
from efficient_status.errors import Damaged, StateError
from efficient_status.models import Memory, Pacing, State, Told
from efficient_status.state.sqlite import SqliteState
from tests.app import App, cli, environment, objects
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
# For what is done once a statement: first contact, news, and an end beside news.
SHORT: list[tuple[str, list[Short]]] = [
    LIFE[0],
    (LIFE[2][0], [("new", "ONE", "identified")]),
    LIFE[3],
]
EVENTS = [event for _, events in SHORT for event in events]


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


@dataclass
class Lives:
    """Lives of the page in SHORT, each in a folder of its own."""

    origin: Origin
    folders: Iterator[Path]
    use: Callable[[Disk], None]

    def __call__(self, disk: Disk) -> tuple[list[Short], list[Short]]:
        """What a run on this disk tells, and what the next one does, on a disk that works."""
        folder = next(self.folders)
        folder.mkdir()
        versions = [document for document, _ in SHORT]

        async def both() -> tuple[list[Short], list[Short]]:
            first = await self.run(folder, disk, versions)
            return first, await self.run(folder, Disk(), versions or [SHORT[-1][0]])

        return asyncio.run(both())

    async def run(self, folder: Path, disk: Disk, versions: list[str]) -> list[Short]:
        """One run; the versions that it has dealt with are taken away."""
        self.use(disk)
        app = None
        try:
            app = App(self.origin.url("/feed"), folder=folder)
            await self.watch(app, versions)
            try:
                await app.close()
            except StateError:  # not all that was told is on disk
                assert disk.lasting
        except StateError:
            assert app is None  # at the start, and only there, it ends the program
        except Killed:
            if app:
                await app.fetcher._cache.next_transport.aclose()
        finally:
            for connection in disk.connections:
                connection.close()
        return app.told.short if app else []

    async def watch(self, app: App, versions: list[str]) -> None:
        """Poll each version."""
        while versions:
            self.origin.page("/feed").serve(versions[0], etag=True)
            poll = await app.scheduler._poll(app.pages[0])
            if poll.error:  # what was told cannot be read: asked again after a while
                assert "cannot be read" in str(poll.error)
                app.pages[0].pacing = Pacing()
                await app.scheduler._poll(app.pages[0])
            del versions[0]


@pytest.fixture
def disks(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Lives:
    """Lives on disks that fail."""
    monkeypatch.setattr(database, "RETRY_AFTER", 0.0)
    folders = (tmp_path / str(n) for n in itertools.count())
    return Lives(
        origin, folders, lambda disk: monkeypatch.setattr(database, "connect", disk.connect)
    )


def every(step: int = 1, **how: Any) -> Iterator[Disk]:
    """A disk that fails at the first statement, one that fails at the second, until none does."""
    for good in itertools.count(0, step):
        disk = Disk(good, **how)
        yield disk
        if not disk.hit:
            assert good > 5
            return


@pytest.mark.parametrize("how", [{}, {"only": "COMMIT", "late": True}], ids=["any", "late"])
def test_an_error_at_any_statement(disks: Lives, how: dict[str, Any]) -> None:
    """One statement of the state or the cache fails, or seems to: nothing is lost or told twice."""
    for disk in every(error=failing, **how):
        first, second = disks(disk)

        assert [*first, *second] == EVENTS, disk


def test_a_kill_at_any_statement(disks: Lives) -> None:
    """The process dies at a statement: nothing is lost, and one event is told again at most."""
    for disk in every(error=killed):
        told = Counter(itertools.chain(*disks(disk)))

        assert set(told) == set(EVENTS), disk
        assert told.total() <= len(EVENTS) + 1, disk


def test_a_disk_that_stays_full_from_any_statement_on(disks: Lives) -> None:
    """Nothing is lost or told twice in that run; the next one may repeat what is not on disk."""
    for disk in every(3, lasting=True):
        first, second = disks(disk)

        assert first in (EVENTS, []), disk
        assert len(second) == len(set(second)), disk
        assert first or second == EVENTS, disk


def test_damage_found_at_any_statement(disks: Lives) -> None:
    """It is set aside; nothing is lost, and what is told again is what is open, or the newest."""
    for disk in every(3, error=damaged):
        first, second = disks(disk)
        told = Counter([*first, *second])

        assert {event[1:] for event in told} >= {event[1:] for event in EVENTS}, disk
        assert told.total() <= len(EVENTS) + 3, disk


# The real thing.


@dataclass
class Life:
    """The page of LIFE and the program, one version after the other."""

    origin: Origin
    folder: Path
    run: Any = None
    app: Any = None
    version: int = 0

    def start(self) -> None:
        """A new run."""

        async def work() -> App:
            return App(self.origin.url("/feed"), folder=self.folder)

        self.app = self.run(work())

    def stop(self) -> None:
        """The end of the run."""
        self.run(self.app.close())

    def next(self) -> list[Short]:
        """What the next version brings."""
        self.origin.page("/feed").serve(LIFE[self.version][0], etag=True)
        self.version += 1
        return self.poll()

    def poll(self) -> list[Short]:
        """What the same version brings."""
        before = len(self.app.told.events)
        poll = self.run(self.app.scheduler._poll(self.app.pages[0]))
        assert poll.error is None
        told: list[Short] = self.app.told.short[before:]
        return told

    def rest(self) -> list[Short]:
        """What the versions that are left bring."""
        return [event for _ in LIFE[self.version :] for event in self.next()]


@pytest.fixture
def app(origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Life]:
    """A page that is watched, step by step."""
    monkeypatch.setattr(database, "RETRY_AFTER", 0.0)
    life = Life(origin, tmp_path)
    with asyncio.Runner() as runner:
        life.run = runner.run
        life.start()
        yield life
        life.stop()


def expected(first: int) -> list[Short]:
    """What the versions from this one on bring."""
    return [event for _, events in LIFE[first:] for event in events]


@pytest.mark.parametrize("what", ["files", "folder"])
def test_a_state_that_is_deleted_while_watching(
    app: Life, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    """It is written anew from what is in memory as soon as there is a folder; nothing repeats."""
    app.next()
    app.next()
    for path in app.folder.glob("*.sqlite3*"):
        path.unlink()
    if what == "folder":
        app.folder.rmdir()
        third = app.next()
        app.folder.mkdir()
    else:
        third = app.next()
    fourth = app.next()
    app.stop()
    app.start()

    assert (third, fourth, app.poll(), app.rest()) == (
        *(LIFE[n][1] for n in (2, 3)),
        [],
        expected(4),
    )
    written = [line for line in caplog.messages if "written anew" in line]
    assert len(written) == 2  # the state, and the cache
    assert len(caplog.messages) == (2 if what == "files" else 6)


def test_a_state_that_is_replaced_while_watching(
    app: Life, caplog: pytest.LogCaptureFixture
) -> None:
    """A backup that was put in its place is kept under another name; what was told stays told."""
    app.next()
    state = app.folder / "state.sqlite3"
    backup = app.folder / "backup"
    backup.write_bytes(state.read_bytes())
    content = backup.read_bytes()
    app.next()
    backup.replace(state)
    third = app.next()
    app.stop()
    app.start()

    assert (third, app.poll(), app.rest()) == (LIFE[2][1], [], expected(3))
    [aside] = app.folder.glob("state.sqlite3.replaced-*[0-9]")
    assert aside.read_bytes() == content
    assert len(caplog.messages) == 1


def test_a_state_that_another_process_has_locked(
    app: Life, caplog: pytest.LogCaptureFixture
) -> None:
    """Watching goes on from memory, and is held up no longer than a lock's patience, once."""
    app.next()
    with closing(sqlite3.connect(app.folder / "state.sqlite3")) as other:
        other.execute("BEGIN IMMEDIATE")
        told = [app.next(), app.next()]
    told.append(app.next())
    app.stop()
    app.start()

    assert told == [LIFE[n][1] for n in (1, 2, 3)]
    assert app.poll() == []
    first, second = caplog.messages
    assert "cannot be written (database is locked): what was told is kept in memory" in first
    assert second.endswith("state.sqlite3: can be written again")


def _spoil(path: Path) -> None:
    """Overwrite every page but the first, where the header and the schema are."""
    with closing(sqlite3.connect(path)) as database_:
        database_.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xa5" * (path.stat().st_size - 4096))


@pytest.mark.parametrize("name", ["state.sqlite3", "cache.sqlite3"])
@pytest.mark.parametrize("running", [True, False], ids=["running", "stopped"])
def test_a_file_that_is_damaged_deep_inside(
    app: Life, name: str, running: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """It is found when it is read, set aside, said once; what is open is told, and no flood."""
    app.next()
    app.next()
    if not running:
        app.stop()
    _spoil(app.folder / name)
    if running:
        app.app.state._database.connection.execute("PRAGMA shrink_memory")
        app.app.fetcher.store._database.connection.execute("PRAGMA shrink_memory")
    else:
        app.start()
    again, third = app.poll(), app.next()
    rest = app.rest()

    if name == "cache.sqlite3":
        assert (again, third) == ([], LIFE[2][1])
    else:
        known = [("new", "OLD", "resolved"), ("new", "ONE", "investigating")]
        now = [("new", "OLD", "resolved"), ("new", "ONE", "identified")]
        assert (again, third) == (([], now) if running else (known, LIFE[2][1]))
    assert set(rest) - {("new", "OLE", "resolved")} == set(expected(3))
    assert len(list(app.folder.glob(f"{name}.damaged-*[0-9]"))) == 1
    assert len(caplog.messages) == 1


def test_damage_found_while_a_page_is_told(tmp_path: Path) -> None:
    """What was told of it earlier is gone, so it does not count as met: not all of it is news."""
    told = Told(State.RESOLVED, b"", b"")
    with closing(SqliteState(tmp_path / "state.sqlite3")) as state:
        for page in ("one", "two"):
            state.remember(page, {"old": told})
            state.finish(page, "identity 1", "generic-rss")
        state.recall("one")
        with suppress(Damaged):
            state._database.begin_anew(ValueError("for the test"))
        state._lose()
        state.remember("one", {"new": told})
        state.finish("one", "identity 2", "generic-rss")
        assert state.recall("one") == Memory(told={"new": told})
        assert state.recall("two") == Memory()
        state.finish("one", "identity 3", "generic-rss")

        assert state.recall("one").met


def test_a_row_that_cannot_be_read(app: Life, caplog: pytest.LogCaptureFixture) -> None:
    """A bit that flipped in what was told is damage, like a page that cannot be read."""
    app.next()
    app.next()
    with app.app.state._database.connection as connection:
        connection.execute("UPDATE told SET state = 'resplved'")

    assert app.next() == [("new", "OLD", "resolved"), ("new", "ONE", "identified")]
    assert app.rest()[:2] == expected(3)[:2]
    assert len(caplog.messages) == 1
    assert "set aside as" in caplog.messages[0]


def test_a_cache_that_cannot_be_written_costs_no_bodies(app: Life, origin: Origin) -> None:
    """What could not be stored is asked about all the same: an unchanged page stays a 304."""
    app.next()
    cache = app.app.fetcher.store._database.connection
    cache.execute("PRAGMA query_only = ON")
    app.next()
    app.poll()
    again = app.poll()
    statuses = [request.status for request in origin.page("/feed").requests]
    cache.execute("PRAGMA query_only = OFF")

    assert again == []
    assert statuses == [200, 200, 304, 304]


def test_validators_stay_with_their_body(app: Life, origin: Origin) -> None:
    """Newer validators are not written to the row of an older body that could not be replaced."""
    app.next()
    cache = app.app.fetcher.store._database.connection
    cache.execute("PRAGMA query_only = ON")
    app.next()
    cache.execute("PRAGMA query_only = OFF")
    modified = "Wed, 04 Mar 2026 09:00:00 GMT"
    origin.page("/feed").serve(LIFE[1][0], etag=True, last_modified=modified)
    app.poll()

    assert origin.page("/feed").requests[-1].status == 304
    assert cache.execute("SELECT last_modified FROM page").fetchall() == [(None,)]


def test_a_cron_run_that_cannot_remember_says_so(origin: Origin, tmp_path: Path) -> None:
    """Every write is refused for want of room: told, one line, exit 2; then told once more."""
    long = replace(ONE, message="We are looking. " * 3_000)
    origin.page("/feed").serve(incidentio(long), etag=True)
    arguments = ["--once", "--format", "json", "--feed", origin.url("/feed")]
    arguments += ["--state-dir", str(tmp_path / "kept")]
    limited = subprocess.run(
        [sys.executable, "-c", _WITHOUT_ROOM, *arguments],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        check=False,
    )
    again = cli(tmp_path, *arguments)

    assert limited.returncode == 2
    state, cache, end = limited.stderr.splitlines()
    assert "cannot be written" in state
    assert "cannot be written" in cache
    assert end.endswith(
        "state.sqlite3: could not be written to the end: the next run may tell again what this"
        " one told"
    )
    assert [event["incident"][-3:] for event in objects(limited.stdout)] == ["ONE"]
    assert [event["incident"][-3:] for event in objects(again.stdout)] == ["ONE"]
    assert (again.returncode, again.stderr) == (0, "")


_WITHOUT_ROOM = """
import resource, runpy
resource.setrlimit(resource.RLIMIT_FSIZE, (34_000, 34_000))
runpy.run_module("efficient_status", run_name="__main__", alter_sys=True)
"""
