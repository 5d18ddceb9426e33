"""The embedded default: one SQLite file, written on the loop's own thread.

Nothing is written for an unchanged poll.  WAL with synchronous=NORMAL: after `kill -9` every
commit is there; after a power cut the last ones may be missing, which repeats and never loses.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from efficient_status.database import open_database
from efficient_status.errors import StateError
from efficient_status.models import Impact, Incident, Kind, Memory, Pacing, State, Told

_APPLICATION_ID = 0x65737374  # "esst"
_MARK = 12  # bytes, see models.fingerprint
_TIMES = ("started_at", "updated_at", "stamp")  # of an incident

MIGRATIONS = (
    """
    CREATE TABLE page (
        provider TEXT PRIMARY KEY,
        identity TEXT NOT NULL DEFAULT '',  -- of the document last told to the end
        dialect TEXT NOT NULL DEFAULT '',
        feed TEXT NOT NULL DEFAULT '',      -- whose pacing this is
        not_before REAL NOT NULL DEFAULT 0, -- seconds since the epoch
        failures INTEGER NOT NULL DEFAULT 0,
        wait REAL NOT NULL DEFAULT 0,       -- seconds
        gone INTEGER NOT NULL DEFAULT 0,
        moved_to TEXT NOT NULL DEFAULT ''
    ) STRICT
    """,
    """
    CREATE TABLE told (
        provider TEXT NOT NULL,
        id TEXT NOT NULL,
        state TEXT NOT NULL,
        words BLOB NOT NULL,
        look BLOB NOT NULL,
        updated_at REAL,                    -- seconds since the epoch
        updates INTEGER,
        stamp REAL,                         -- seconds since the epoch
        versions BLOB NOT NULL,             -- fingerprints, 12 bytes each
        marks BLOB NOT NULL,                -- fingerprints, 12 bytes each
        left_at REAL,                       -- seconds since the epoch
        open TEXT,                          -- the incident as JSON, while it is open
        PRIMARY KEY (provider, id)
    ) STRICT, WITHOUT ROWID
    """,
)


class SqliteState:
    """See `StateStore`."""

    def __init__(self, path: Path | str) -> None:
        self._path = path
        self._database = open_database(path, _APPLICATION_ID, MIGRATIONS)
        self._noted: dict[str, tuple[str, Pacing]] = {}

    def identity(self, provider: str) -> str:
        """See `StateStore`."""
        row = self._one("SELECT identity FROM page WHERE provider = ?", provider)
        return str(row[0]) if row else ""

    def recall(self, provider: str) -> Memory:
        """See `StateStore`."""
        page = self._one("SELECT identity, dialect FROM page WHERE provider = ?", provider)
        with self._errors():
            rows = self._database.execute(
                "SELECT id, state, words, look, updated_at, updates, stamp, versions, marks,"
                " left_at, open FROM told WHERE provider = ?",
                (provider,),
            ).fetchall()
        told = {row[0]: _told(row[1:]) for row in rows}
        identity, dialect = page or ("", "")
        return Memory(identity, dialect, told)

    def remember(self, provider: str, told: Mapping[str, Told | None]) -> None:
        """See `StateStore`."""
        if not told:
            return
        with self._errors(), self._database:
            for id_, each in told.items():
                if each is None:
                    self._database.execute(
                        "DELETE FROM told WHERE provider = ? AND id = ?", (provider, id_)
                    )
                else:
                    self._database.execute(
                        "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        (provider, id_, *_row(each)),
                    )

    def finish(self, provider: str, identity: str, dialect: str) -> None:
        """See `StateStore`."""
        with self._errors(), self._database:
            self._database.execute(
                "INSERT INTO page (provider, identity, dialect) VALUES (?, ?, ?)"
                " ON CONFLICT (provider) DO UPDATE"
                " SET identity = excluded.identity, dialect = excluded.dialect",
                (provider, identity, dialect),
            )

    def pacing(self, provider: str, feed: str) -> Pacing:
        """See `StateStore`."""
        if provider in self._noted:
            noted_feed, noted = self._noted[provider]
            return noted if noted_feed == feed else Pacing()
        row = self._one(
            "SELECT not_before, failures, wait, gone, moved_to FROM page"
            " WHERE provider = ? AND feed = ?",
            provider,
            feed,
        )
        if row is None:
            return Pacing()
        not_before, failures, wait, gone, moved_to = row
        return Pacing(not_before, failures, wait, bool(gone), moved_to)

    def pace(self, provider: str, feed: str, pacing: Pacing) -> None:
        """See `StateStore`."""
        self._noted[provider] = feed, pacing

    def flush(self) -> None:
        """See `StateStore`."""
        if not self._noted:
            return
        with self._errors(), self._database:
            self._database.executemany(
                "INSERT INTO page (provider, feed, not_before, failures, wait, gone, moved_to)"
                " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (provider) DO UPDATE SET"
                " feed = excluded.feed, not_before = excluded.not_before,"
                " failures = excluded.failures, wait = excluded.wait, gone = excluded.gone,"
                " moved_to = excluded.moved_to",
                [
                    (provider, feed, p.not_before, p.failures, p.wait, p.gone, p.moved_to)
                    for provider, (feed, p) in self._noted.items()
                ],
            )
        self._noted.clear()

    def close(self) -> None:
        """See `StateStore`."""
        try:
            self.flush()
        finally:
            self._database.close()

    def _one(self, query: str, *values: str) -> tuple[Any, ...] | None:
        with self._errors():
            row: tuple[Any, ...] | None = self._database.execute(query, values).fetchone()
            return row

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise StateError(f"{self._path}: {error}") from error


def _row(told: Told) -> tuple[object, ...]:
    return (
        told.state.value,
        told.words,
        told.look,
        _seconds(told.updated_at),
        told.updates,
        _seconds(told.stamp),
        b"".join(told.versions),
        b"".join(told.marks),
        told.left_at,
        _written(told.open),
    )


def _told(row: tuple[Any, ...]) -> Told:
    state, words, look, updated_at, updates, stamp, versions, marks, left_at, shown = row
    return Told(
        state=State(state),
        words=words,
        look=look,
        updated_at=_moment(updated_at),
        updates=updates,
        stamp=_moment(stamp),
        versions=_split(versions),
        marks=_split(marks),
        left_at=left_at,
        open=_read(shown),
    )


def _written(incident: Incident | None) -> str | None:
    """An incident as JSON, its marks aside."""
    if incident is None:
        return None
    fields = {**asdict(incident), "marks": ()}
    times = {name: _seconds(fields[name]) for name in _TIMES}
    return json.dumps({**fields, **times}, ensure_ascii=False)


def _read(text: str | None) -> Incident | None:
    if text is None:
        return None
    fields = json.loads(text)
    return Incident(
        **{
            **fields,
            **{name: _moment(fields[name]) for name in _TIMES},
            "kind": Kind(fields["kind"]),
            "state": State(fields["state"]),
            "impact": Impact(fields["impact"]) if fields["impact"] else None,
            "components": tuple(fields["components"]),
            "marks": (),
        }
    )


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _split(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[n : n + _MARK] for n in range(0, len(joined), _MARK))
