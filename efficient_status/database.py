"""Opening our SQLite files: private to the user, versioned, never damaged.

A file of ours that a newer version wrote is refused and left as it is.  A file that is damaged or
not ours is set aside under another name, said once, and a new one is begun.
"""

from __future__ import annotations

import logging
import os
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

from efficient_status.errors import StateError, StateTooNew

logger = logging.getLogger(__name__)

MEMORY = ":memory:"


def open_database(
    path: Path | str, application_id: int, migrations: Sequence[str]
) -> sqlite3.Connection:
    """Open or make a database and bring it to the newest schema.

    Args:
        path: the file, or ":memory:".
        application_id: marks the file as ours (SQLite file format 1.3.15).
        migrations: statements; number n takes a file from version n to n + 1.

    Raises:
        StateTooNew: a newer version wrote it.
        StateError: it cannot be opened or made.
    """
    if path == MEMORY:
        return _connect(MEMORY, application_id, migrations)
    path = Path(path)
    try:
        return _connect(path, application_id, migrations)
    except sqlite3.OperationalError as error:
        raise StateError(f"{path}: cannot be used ({error})") from error
    except sqlite3.DatabaseError as error:
        aside = _set_aside(path)
        logger.warning("%s: damaged or not ours (%s); set aside as %s", path, error, aside.name)
        return _connect(path, application_id, migrations)


def _connect(
    path: Path | str, application_id: int, migrations: Sequence[str]
) -> sqlite3.Connection:
    if path != MEMORY:
        _make_private(Path(path))
    database = sqlite3.connect(path, timeout=5.0)
    try:
        _check(database, path, application_id, len(migrations))  # before anything is changed
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = NORMAL")
        database.execute("PRAGMA journal_size_limit = 4194304")
        _migrate(database, application_id, migrations)
    except BaseException:
        database.close()
        raise
    return database


def _make_private(path: Path) -> None:
    """Create the file for its user alone; SQLite gives its journals the same mode."""
    try:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    except OSError as error:
        raise StateError(f"{path}: cannot be used ({error.strerror})") from error


def _check(
    database: sqlite3.Connection, path: Path | str, application_id: int, newest: int
) -> None:
    version = _version(database)
    found = database.execute("PRAGMA application_id").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and found != application_id:
        raise sqlite3.DatabaseError("another program's database")
    if version > newest:
        raise StateTooNew(
            f"{path}: written by a newer efficient_status (schema {version}, this one knows up "
            f"to {newest}): upgrade, or choose another --state-dir; nothing was changed"
        )


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _migrate(database: sqlite3.Connection, application_id: int, migrations: Sequence[str]) -> None:
    for number in range(_version(database), len(migrations)):
        with database:
            database.execute("BEGIN IMMEDIATE")
            database.execute(migrations[number])
            database.execute(f"PRAGMA application_id = {application_id}")
            database.execute(f"PRAGMA user_version = {number + 1}")


def _set_aside(path: Path) -> Path:
    aside = path.with_name(f"{path.name}.damaged-{time.strftime('%Y%m%dT%H%M%S')}")
    path.replace(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return aside
