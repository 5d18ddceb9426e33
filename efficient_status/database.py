"""Our SQLite files: private to the user, versioned, never damaged, and no reason to end.

A file that a newer version wrote is refused and left as it is.  One that is damaged or not ours is
set aside under another name, with its journals, said once, and a new one is begun.  One that cannot
be written (full, read-only, locked, gone) is said once, tried again, and said once more.
"""

from __future__ import annotations

import itertools
import logging
import os
import sqlite3
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any, NoReturn

from efficient_status.errors import Damaged, StateError, StateTooNew

logger = logging.getLogger(__name__)

MEMORY = ":memory:"
RETRY_AFTER = 1.0  # seconds after a write that failed, in which none is tried
# Milliseconds that a statement waits for another process's lock: at both ends of a run there is
# time, in between every page would wait.
_PATIENT, _HASTY = 5_000, 100
_JOURNALS = ("-wal", "-shm")
_DAMAGE = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_BUGS = (sqlite3.IntegrityError, sqlite3.ProgrammingError, sqlite3.DataError)

connect = sqlite3.connect  # the seam at which tests put in connections that fail


class Database:
    """One file, for as long as the program runs.

    Args:
        path: the file, or ":memory:".
        application_id: marks the file as ours (SQLite file format 1.3.15).
        migrations: statements; number n takes a file from version n to n + 1.
        meanwhile: what is done while it cannot be written, for the line that says so.
        disposable: whether one of a newer version is set aside rather than refused.

    Raises:
        StateTooNew: a newer version wrote it.
        StateError: it cannot be opened or made.
    """

    def __init__(
        self,
        path: Path | str,
        application_id: int,
        migrations: Sequence[str],
        *,
        meanwhile: str = "going on without",
        disposable: bool = False,
    ) -> None:
        self.path = path
        self._application_id = application_id
        self._migrations = migrations
        self._meanwhile = meanwhile
        self._disposable = disposable
        self._failure: Exception | None = None  # of the last write
        self._retry_at = 0.0
        try:
            self._use(self._open())
        except (sqlite3.Error, OSError) as error:
            raise StateError(f"{path}: cannot be used ({_reason(error)})") from error

    def copy(self, path: Path) -> None:
        """Hold what another file holds, which is only read, even while its program writes it.

        Raises:
            StateTooNew: a newer version wrote it.
            StateError: it cannot be read.
        """
        try:
            with closing(_only_reading(path)) as other:
                self._check(other)
                other.backup(self.connection)
            self._migrate(self.connection)
        except sqlite3.Error as error:
            raise StateError(f"{path}: cannot be read ({error})") from error

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What a query finds.

        Raises:
            Damaged: the file was set aside, a new one is in its place.
            StateError: it cannot be read now.
        """
        try:
            return self.connection.execute(query, values).fetchall()
        except sqlite3.DatabaseError as error:
            if _is_damage(error):
                self.begin_anew(error)
            raise StateError(f"{self.path}: cannot be read ({error})") from error

    def write(self, statements: Iterable[tuple[str, Sequence[object]]]) -> bool:
        """Write all of this or nothing; whether that was possible.

        Raises:
            Damaged: the file was set aside, a new one is in its place; nothing was written.
        """
        if self._failure and time.monotonic() < self._retry_at:
            return False
        try:
            self._follow()
            self._transact(statements)
        except _BUGS:
            raise
        except (sqlite3.DatabaseError, OSError, StateTooNew) as error:
            return self._not_written(error)
        if self._failure:
            logger.warning("%s: can be written again", self.path)
        self._failure = None
        return True

    @property
    def writable(self) -> bool:
        """Whether the last write went well."""
        return self._failure is None

    def begin_anew(self, reason: Exception) -> NoReturn:
        """Set the file aside, and have a new one in its place.

        Raises:
            Damaged: that is done.
            StateError: that is not possible now; the file is as it was.
        """
        try:
            self._begin_anew(reason)
        except (sqlite3.Error, OSError) as error:
            raise StateError(f"{self.path}: damaged ({reason}) and in the way ({error})") from error
        raise Damaged(f"{self.path}: damaged ({reason}), begun anew")

    def insist(self) -> None:
        """The last write comes: try it at once, and wait for whoever holds a lock."""
        self._retry_at = 0.0
        with suppress(sqlite3.Error):
            self.connection.execute(f"PRAGMA busy_timeout = {_PATIENT}")

    def close(self) -> None:
        """Close it; nothing is lost by a failure here."""
        with suppress(sqlite3.Error):
            self.connection.close()

    def _transact(self, statements: Iterable[tuple[str, Sequence[object]]]) -> None:
        execute = self.connection.execute
        try:
            self.connection.rollback()  # what the last failure may have left
            execute("BEGIN IMMEDIATE")
            for statement, values in statements:
                execute(statement, values)
            execute("COMMIT")
        except BaseException:
            with suppress(sqlite3.Error):
                self.connection.rollback()
            raise

    def _not_written(self, failure: Exception) -> bool:
        if _is_damage(failure):
            try:
                self._begin_anew(failure)
            except (sqlite3.Error, OSError) as error:
                failure = error
            else:
                raise Damaged(f"{self.path}: damaged ({failure}), begun anew")
        if not self._failure:
            reason = _reason(failure)
            logger.warning("%s: cannot be written (%s): %s", self.path, reason, self._meanwhile)
        self._failure, self._retry_at = failure, time.monotonic() + RETRY_AFTER
        return False

    def _follow(self) -> None:
        """Be in the file that has the name: it may have been deleted or replaced, its disk away.

        What the open file holds is what was told in this run, so it is what goes on.
        """
        if self.path == MEMORY:
            return
        if self._place == _place(self.path):
            if _code(self._failure) == sqlite3.SQLITE_IOERR:  # its disk may have been away
                self._use(self._connect())
            return
        with closing(connect(MEMORY)) as copy:
            try:
                self.connection.backup(copy)
            except sqlite3.Error:  # its disk is gone; what has the name now is all there is
                self._use(self._connect())
                return
            if _place(self.path):
                _set_aside(Path(self.path), "replaced")
            anew = self._connect()
            copy.backup(anew)
        self._use(anew)
        logger.warning("%s: was deleted or replaced while in use: written anew", self.path)

    def _use(self, connection: sqlite3.Connection) -> None:
        before, self.connection = getattr(self, "connection", None), connection
        if before is not None:
            with suppress(sqlite3.Error):
                before.close()
        connection.execute(f"PRAGMA busy_timeout = {_HASTY}")
        self._place = None if self.path == MEMORY else _place(self.path)

    def _open(self) -> sqlite3.Connection:
        try:
            return self._connect()
        except sqlite3.OperationalError:
            raise
        except sqlite3.DatabaseError as error:
            return self._instead(error)

    def _begin_anew(self, reason: Exception) -> None:
        self._use(self._instead(reason))

    def _instead(self, reason: Exception) -> sqlite3.Connection:
        """A new file's connection, the damaged one set aside."""
        if self.path != MEMORY:
            aside = _set_aside(Path(self.path), "damaged")
            logger.warning(
                "%s: damaged or not ours (%s); set aside as %s", self.path, reason, aside.name
            )
        return self._connect()

    def _connect(self) -> sqlite3.Connection:
        if self.path != MEMORY:
            _make_private(Path(self.path))
            self._refuse_untouched(Path(self.path))
        database = connect(self.path, timeout=_PATIENT / 1000)
        try:
            self._check(database)  # before anything is changed
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = NORMAL")
            database.execute("PRAGMA journal_size_limit = 4194304")
            database.execute("PRAGMA cache_size = -512")  # KiB; the system caches the file as well
            self._migrate(database)
        except BaseException:
            database.close()
            raise
        return database

    def _refuse_untouched(self, path: Path) -> None:
        """What a crash left in the journal would be written into the file when we close it."""
        if path.stat().st_size and path.with_name(path.name + "-wal").exists():
            with closing(_only_reading(path)) as database:
                self._check(database)

    def _check(self, database: sqlite3.Connection) -> None:
        _check_owner(database, self._application_id)
        if problem := _newer(_version(database), len(self._migrations)):
            if self._disposable:
                raise sqlite3.DatabaseError(problem)
            raise StateTooNew(
                f"{self.path}: {problem}: upgrade, or choose another --state-dir; "
                "nothing was changed"
            )

    def _migrate(self, database: sqlite3.Connection) -> None:
        for number in range(_version(database), len(self._migrations)):
            with database:
                database.execute("BEGIN IMMEDIATE")
                database.execute(self._migrations[number])
                database.execute(f"PRAGMA application_id = {self._application_id}")
                database.execute(f"PRAGMA user_version = {number + 1}")


def _only_reading(path: Path) -> sqlite3.Connection:
    """A connection that leaves nothing behind, and does not wait.

    Without a journal nobody has the file open, and SQLite would make one where it may, else fail.
    """
    mode = "mode=ro" if path.with_name(path.name + "-wal").exists() else "mode=ro&immutable=1"
    return connect(f"{path.absolute().as_uri()}?{mode}", uri=True, timeout=_PATIENT / 1000)


@contextmanager
def looking(path: Path, application_id: int, newest: int) -> Iterator[sqlite3.Connection]:
    """A file to look into while another process may write it; nothing is changed, nobody waits.

    Args:
        newest: the schema's version, which it must have.

    Raises:
        StateTooNew: a newer version wrote it.
        StateError: it is of an older version, damaged, another program's, or cannot be read.
    """
    try:
        with closing(_only_reading(path)) as database:
            _check_owner(database, application_id)
            version = _version(database)
            if problem := _newer(version, newest):
                raise StateTooNew(f"{path}: {problem}: upgrade, or choose another --state-dir")
            if version < newest:
                raise StateError(
                    f"{path}: written by an older efficient_status (schema {version}, this one"
                    f" reads {newest}): the next run of watching brings it up to date"
                )
            database.execute("BEGIN")  # one moment's picture
            yield database
    except sqlite3.Error as error:
        raise StateError(f"{path}: cannot be read ({_reason(error)})") from error


def _check_owner(database: sqlite3.Connection, application_id: int) -> None:
    found = database.execute("PRAGMA application_id").fetchone()[0]
    tables = database.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]
    if tables and found != application_id:
        raise sqlite3.DatabaseError("another program's database")


def _newer(version: int, newest: int) -> str:
    """What is wrong with a file of a version that is not known yet, or ""."""
    if version <= newest:
        return ""
    return f"written by a newer efficient_status (schema {version}, this one knows up to {newest})"


def _make_private(path: Path) -> None:
    """Make the file for its user alone, whatever the umask; its journals get the same mode.

    One that is there is not opened: closing it would drop the locks that SQLite holds on it.
    """
    with suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        return
    for each in (path, *(path.with_name(path.name + suffix) for suffix in _JOURNALS)):
        with suppress(FileNotFoundError, PermissionError):
            if each.is_file() and each.stat().st_mode & 0o077:
                each.chmod(0o600)


def _place(path: Path | str) -> tuple[int, int] | None:
    """What file has the name, if any."""
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _set_aside(path: Path, why: str) -> Path:
    """Rename the file and its journals, which hold the newest of it, to a name that is free."""
    stem = f"{path.name}.{why}-{time.strftime('%Y%m%dT%H%M%S')}"
    names = (path.with_name(f"{stem}.{n}" if n else stem) for n in itertools.count())
    aside = next(name for name in names if not name.exists())
    for suffix in (*_JOURNALS, ""):
        with suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    return aside


def _version(database: sqlite3.Connection) -> int:
    return int(database.execute("PRAGMA user_version").fetchone()[0])


def _code(error: Exception | None) -> int | None:
    """SQLite's primary result code."""
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else code & 0xFF


def _is_damage(error: Exception) -> bool:
    """Whether the file is not what we wrote; text that is no UTF-8 comes without a code."""
    code = _code(error)
    return code in _DAMAGE or (code is None and type(error) is sqlite3.OperationalError)


def _reason(error: Exception) -> str:
    return getattr(error, "strerror", None) or str(error)
