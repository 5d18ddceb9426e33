"""Our SQLite files: private, versioned, never damaged."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path

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
    path: Path | str, application_id: int, migrations: Sequence[str], **wishes: bool
) -> sqlite3.Connection:
    """The connection of a database; it is never written to here by the database itself."""
    return Database(path, application_id, migrations, **wishes).connection


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
