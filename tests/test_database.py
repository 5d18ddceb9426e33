"""Our SQLite files: private, versioned, never damaged."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from efficient_status.database import MEMORY, Database
from efficient_status.errors import StateError, StateTooNew

OURS, FOREIGN = 0x1234, 0x4321
MIGRATIONS = (
    "CREATE TABLE one (a TEXT) STRICT",
    "ALTER TABLE one ADD COLUMN b TEXT",
    "CREATE TABLE two (c TEXT) STRICT",
)


def make(path: Path, *, version: int, application: int = OURS, mode: str = "DELETE") -> None:
    """A file that a program left behind after so many migrations, with a row in it."""
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA journal_mode = {mode}")
        for statement in MIGRATIONS[:version]:
            database.execute(statement)
        if version:
            database.execute("INSERT INTO one (a) VALUES ('kept')")
            database.execute(f"PRAGMA application_id = {application}")
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()


def tables(database: sqlite3.Connection) -> list[str]:
    """Statements that made what is in the file."""
    return [row[0] for row in database.execute("SELECT sql FROM sqlite_schema ORDER BY name")]


def open_database(
    path: Path | str, application_id: int, migrations: Sequence[str], *, disposable: bool = False
) -> sqlite3.Connection:
    """The connection of a database; it is never written to here by the database itself."""
    return Database(path, application_id, migrations, disposable=disposable).connection


@pytest.fixture
def path(tmp_path: Path) -> Iterator[Path]:
    """Where the file is; afterwards it must be whole."""
    yield tmp_path / "a.sqlite3"
    if (tmp_path / "a.sqlite3").is_file():
        with closing(sqlite3.connect(tmp_path / "a.sqlite3")) as database:
            assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_new_file(path: Path) -> None:
    """A new file is ours, of the newest schema, in WAL mode, and for its user alone."""
    with closing(open_database(path, OURS, MIGRATIONS)) as database:
        database.execute("INSERT INTO two VALUES ('x')")
        modes = {file.name: file.stat().st_mode & 0o777 for file in path.parent.iterdir()}
        pragmas = ("application_id", "user_version", "journal_mode", "synchronous")
        found = [database.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]

    assert found == [OURS, 3, "wal", 1]
    assert modes == dict.fromkeys(["a.sqlite3", "a.sqlite3-wal", "a.sqlite3-shm"], 0o600)


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
def test_migrations(path: Path, version: int) -> None:
    """A file of any earlier version is brought to the newest schema, and keeps what it has."""
    make(path, version=version)
    with closing(open_database(path, OURS, MIGRATIONS)) as database:
        with closing(open_database(MEMORY, OURS, MIGRATIONS)) as fresh:
            assert tables(database) == tables(fresh)
        assert database.execute("PRAGMA user_version").fetchone() == (3,)
        kept = [("kept", None)] if version else []
        assert database.execute("SELECT * FROM one").fetchall() == kept


def test_a_migration_that_fails(path: Path) -> None:
    """A migration that fails leaves the file at the version before it."""
    with pytest.raises(StateError, match=r"a\.sqlite3: cannot be used"):
        open_database(path, OURS, (*MIGRATIONS[:1], "CREATE NONSENSE"))

    with closing(sqlite3.connect(path)) as database:
        assert database.execute("PRAGMA user_version").fetchone() == (1,)


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_newer_version(path: Path, mode: str, caplog: pytest.LogCaptureFixture) -> None:
    """A file of a newer version is refused, and not a byte of it is changed."""
    make(path, version=3, mode=mode)
    before = path.read_bytes()
    with pytest.raises(StateTooNew, match=r"schema 3, this one knows up to 2\)") as caught:
        open_database(path, OURS, MIGRATIONS[:2])

    assert "nothing was changed" in str(caught.value)
    assert path.read_bytes() == before
    assert [file.name for file in path.parent.iterdir()] == [path.name]
    assert caplog.messages == []


def test_a_newer_version_that_crashed(path: Path) -> None:
    """What a crash of the newer version left in the journal stays there, byte for byte."""
    crash = path.parent / "crash"
    with closing(sqlite3.connect(crash)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        tables(database)  # from here on the journal is kept for this connection
        make(crash, version=3, mode="WAL")
        for suffix in ("", "-wal"):  # as they are while it is open
            Path(f"{path}{suffix}").write_bytes(Path(f"{crash}{suffix}").read_bytes())
    wal = Path(f"{path}-wal")
    before = path.read_bytes(), wal.read_bytes()
    assert b"kept" in before[1]
    with pytest.raises(StateTooNew):
        open_database(path, OURS, MIGRATIONS[:2])

    assert (path.read_bytes(), wal.read_bytes()) == before


def test_a_newer_version_of_what_can_be_made_again(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A disposable file of a newer version is set aside as it is: its content is asked for again."""
    make(path, version=3)
    before = path.read_bytes()
    with closing(open_database(path, OURS, MIGRATIONS[:2], disposable=True)) as database:
        assert database.execute("SELECT count(*) FROM one").fetchone() == (0,)

    [aside] = path.parent.glob("a.sqlite3.damaged-*")
    assert aside.read_bytes() == before
    assert "written by a newer efficient_status" in caplog.text


def test_a_crash_in_a_folder_that_was_named_from_where_we_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`--state-dir state`: the journal that a `kill -9` left behind is read like any other."""
    monkeypatch.chdir(tmp_path)
    path = Path("a.sqlite3")
    died = open_database(path, OURS, MIGRATIONS)
    died.execute("INSERT INTO one (a) VALUES ('newest')")
    died.commit()

    assert Path("a.sqlite3-wal").stat().st_size
    with closing(open_database(path, OURS, MIGRATIONS)) as database:
        assert database.execute("SELECT a FROM one").fetchall() == [("newest",)]
    died.close()


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize("version", range(3))
def test_a_kill_during_a_migration(
    path: Path, version: int, step: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed before or after any of its statements, a migration is done whole or not at all."""

    class Killed(BaseException):
        pass

    class Connection(sqlite3.Connection):
        left = step

        def execute(self, sql: str, *values: Any) -> sqlite3.Cursor:
            if self.in_transaction:
                self.left -= 1
                if self.left < 0:
                    raise Killed
            return super().execute(sql, *values)

    make(path, version=version)
    with monkeypatch.context() as patch:
        patch.setattr(
            "efficient_status.database.connect",
            lambda *names, **options: sqlite3.connect(*names, **options, factory=Connection),
        )
        with suppress(Killed):
            open_database(path, OURS, MIGRATIONS[: version + 1]).close()

    with closing(sqlite3.connect(path)) as database:
        reached = database.execute("PRAGMA user_version").fetchone()[0]
        assert reached == (version + 1 if step == 3 else version)
        with closing(sqlite3.connect(MEMORY)) as fresh:
            for statement in MIGRATIONS[:reached]:
                fresh.execute(statement)
            assert tables(database) == tables(fresh)


def test_the_journal_goes_with_a_file_that_is_set_aside(path: Path) -> None:
    """What was written last is in the journal: it is kept beside the file, and both are private."""
    make(path, version=3)
    path.write_bytes(b"nothing" * 999)
    path.chmod(0o644)
    wal, shm = Path(f"{path}-wal"), Path(f"{path}-shm")
    wal.write_bytes(b"the newest")
    shm.write_bytes(b"its index")
    wal.chmod(0o644)
    open_database(path, OURS, MIGRATIONS).close()

    kept = {file.name.partition(".damaged-")[2][15:]: file for file in path.parent.iterdir()}
    assert kept["-wal"].read_bytes() == b"the newest"
    assert set(kept) == {"", "-wal", "-shm"}
    asides = [file for file in path.parent.iterdir() if ".damaged-" in file.name]
    assert {file.stat().st_mode & 0o777 for file in asides if "-shm" not in file.name} == {0o600}


def test_two_files_set_aside_within_a_second(path: Path) -> None:
    """Neither takes the other's name."""
    for content in (b"one" * 999, b"two" * 999):
        path.write_bytes(content)
        open_database(path, OURS, MIGRATIONS).close()

    asides = sorted(path.parent.glob("a.sqlite3.damaged-*"))
    assert [aside.read_bytes()[:3] for aside in asides] == [b"one", b"two"]


def test_damage_that_cannot_be_set_aside(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A damaged file in a folder that cannot be written is one clear error."""

    def rename(_self: Path, _target: Path) -> None:
        raise OSError(30, "Read-only file system")

    make(path, version=1)
    healthy = path.read_bytes()
    path.write_bytes(b"nothing" * 999)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        with pytest.raises(StateError, match=r"a\.sqlite3: cannot be used \(Read-only file system"):
            open_database(path, OURS, MIGRATIONS)
    path.write_bytes(healthy)


def test_a_new_file_that_is_damaged_too(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a second one fails as well, that is our error too."""
    error = sqlite3.DatabaseError("database disk image is malformed")
    monkeypatch.setattr(Database, "_check", raising(error))
    with pytest.raises(StateError, match=r"a\.sqlite3: cannot be used \(database disk image"):
        open_database(path, OURS, MIGRATIONS)


def raising(error: Exception) -> Any:
    """A method that raises."""

    def method(*_arguments: object) -> None:
        raise error

    return method


@pytest.mark.parametrize("mask", [0, 0o077, 0o777])
def test_private_whatever_the_umask(path: Path, mask: int) -> None:
    """Files are their user's alone under every umask, also one that lay there open to all."""
    before = os.umask(mask)
    try:
        open_database(path, OURS, MIGRATIONS).close()
        assert path.stat().st_mode & 0o077 == 0
        path.chmod(0o644)
        with closing(open_database(path, OURS, MIGRATIONS)) as database:
            database.execute("INSERT INTO two VALUES ('x')")
            modes = {file.stat().st_mode & 0o077 for file in path.parent.iterdir()}
    finally:
        os.umask(before)

    assert modes == {0}


def test_the_journal_stays_small(path: Path) -> None:
    """However much is written, journal and file do not grow with it."""
    database = Database(path, OURS, ["CREATE TABLE body (url TEXT PRIMARY KEY, body BLOB) STRICT"])
    with closing(database):
        for number in range(400):
            body = bytes([number % 251]) * (30_000 + number % 7 * 1_000)
            assert database.write([("INSERT OR REPLACE INTO body VALUES ('a', ?)", (body,))])

        assert Path(f"{path}-wal").stat().st_size <= 4_300_000
        assert path.stat().st_size <= 100_000


@pytest.mark.parametrize("kind", ["garbage", "foreign", "no application id", "cut short"])
def test_set_aside(path: Path, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """A damaged or foreign file is set aside as it is, said once, and a new one is begun."""
    if kind == "garbage":
        path.write_bytes(b"this is no database\n" * 100)
    else:
        make(path, version=3, application={"foreign": FOREIGN, "cut short": OURS}.get(kind, 0))
    if kind == "cut short":
        path.write_bytes(path.read_bytes()[:4096])
    before = path.read_bytes()
    with closing(open_database(path, OURS, MIGRATIONS)) as database:
        assert database.execute("SELECT count(*) FROM one").fetchone() == (0,)
    open_database(path, OURS, MIGRATIONS).close()

    [aside] = path.parent.glob("a.sqlite3.damaged-*")
    assert aside.read_bytes() == before
    assert len(caplog.messages) == 1
    assert f"{path}: damaged or not ours" in caplog.text
    assert aside.name in caplog.text


@pytest.mark.parametrize("place", ["missing/a.sqlite3", "file/a.sqlite3", "folder"])
def test_a_place_that_cannot_be_used(tmp_path: Path, place: str) -> None:
    """A folder that is missing, or is a file, or a file that is a folder, is one clear error."""
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(StateError, match="cannot be used") as caught:
        open_database(tmp_path / place, OURS, MIGRATIONS)

    assert str(tmp_path / place) in str(caught.value)


def test_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`:memory:` makes no file."""
    monkeypatch.chdir(tmp_path)
    with closing(open_database(MEMORY, OURS, MIGRATIONS)) as database:
        assert len(tables(database)) == 2

    assert list(tmp_path.iterdir()) == []
