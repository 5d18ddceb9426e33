"""The embedded default: one SQLite file, written on the loop's own thread.

Nothing is written for an unchanged poll.  WAL with synchronous=NORMAL: after `kill -9` every
commit is there; after a power cut the last ones may be missing, which repeats and never loses.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from efficient_status.database import Database
from efficient_status.errors import Damaged, StateError
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

_REMEMBER = "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM told WHERE provider = ? AND id = ?"
_FINISH = (
    "INSERT INTO page (provider, identity, dialect) VALUES (?, ?, ?) ON CONFLICT (provider)"
    " DO UPDATE SET identity = excluded.identity, dialect = excluded.dialect"
)
_PACE = (
    "INSERT INTO page (provider, feed, not_before, failures, wait, gone, moved_to)"
    " VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (provider) DO UPDATE SET"
    " feed = excluded.feed, not_before = excluded.not_before,"
    " failures = excluded.failures, wait = excluded.wait, gone = excluded.gone,"
    " moved_to = excluded.moved_to"
)


class SqliteState:
    """See `StateStore`.

    Whatever cannot be written yet is laid over what can be read, and written with what comes next.
    """

    def __init__(self, path: Path | str) -> None:
        self._database = Database(
            path,
            _APPLICATION_ID,
            MIGRATIONS,
            meanwhile="what was told is kept in memory until it can",
        )
        # Not written yet.
        self._told: dict[str, Mapping[str, Told | None]] = {}
        self._finished: dict[str, tuple[str, str]] = {}
        self._paced: dict[str, tuple[str, Pacing]] = {}
        # How often the file was begun anew, and how often it had been when a page was recalled
        # that is being told.
        self._losses = 0
        self._recalled: dict[str, int] = {}

    def copy(self, path: Path) -> None:
        """See `Database.copy`; for a state that is new."""
        self._database.copy(path)

    def identity(self, provider: str) -> str:
        """See `StateStore`."""
        return self._page(provider)[0]

    def recall(self, provider: str) -> Memory:
        """See `StateStore`."""
        self._recalled[provider] = self._losses  # as it was before: either read may be a loss
        rows = self._rows(
            "SELECT id, state, words, look, updated_at, updates, stamp, versions, marks,"
            " left_at, open FROM told WHERE provider = ?",
            provider,
        )
        told = {**self._decoded(rows), **self._told.get(provider, {})}
        identity, dialect = self._page(provider)
        return Memory(identity, dialect, {id_: each for id_, each in told.items() if each})

    def remember(self, provider: str, told: Mapping[str, Told | None]) -> None:
        """See `StateStore`."""
        if told:
            before = self._told.get(provider, {})
            self._write(told={**self._told, provider: {**before, **told}})

    def finish(self, provider: str, identity: str, dialect: str) -> None:
        """See `StateStore`."""
        if self._recalled.pop(provider, self._losses) == self._losses:
            self._write(finished={**self._finished, provider: (identity, dialect)})
        # Else what is remembered of it is not all that was told: the page is met anew next time.

    def pacing(self, provider: str, feed: str) -> Pacing:
        """See `StateStore`."""
        if provider in self._paced:
            noted_feed, noted = self._paced[provider]
            return noted if noted_feed == feed else Pacing()
        rows = self._rows(
            "SELECT not_before, failures, wait, gone, moved_to FROM page"
            " WHERE provider = ? AND feed = ?",
            provider,
            feed,
        )
        for not_before, failures, wait, gone, moved_to in rows:
            return Pacing(not_before, failures, wait, bool(gone), moved_to)
        return Pacing()

    def pace(self, provider: str, feed: str, pacing: Pacing) -> None:
        """See `StateStore`."""
        self._paced[provider] = feed, pacing

    @property
    def writable(self) -> bool:
        """See `StateStore`."""
        return self._database.writable

    def flush(self) -> None:
        """See `StateStore`."""
        if self._unwritten:
            self._write()

    def close(self) -> None:
        """See `StateStore`."""
        try:
            if self._unwritten:
                self._database.insist()
            self.flush()
            if self._unwritten:
                raise StateError(
                    f"{self._database.path}: could not be written to the end: the next run may"
                    " tell again what this one told"
                )
        finally:
            self._database.close()

    @property
    def _unwritten(self) -> bool:
        return bool(self._told or self._finished or self._paced)

    def _page(self, provider: str) -> tuple[str, str]:
        """Identity and dialect of the document last told to the end, or two empty strings."""
        rows = self._rows("SELECT identity, dialect FROM page WHERE provider = ?", provider)
        identity, dialect = self._finished.get(provider) or (rows[0] if rows else ("", ""))
        return identity, dialect

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            return self._database.rows(query, *values)
        except Damaged:
            self._lose()
            return []

    def _decoded(self, rows: list[tuple[Any, ...]]) -> dict[str, Told]:
        try:
            return {row[0]: _told(row[1:]) for row in rows}
        except (ValueError, KeyError, TypeError, OverflowError) as error:
            with suppress(Damaged):
                self._database.begin_anew(error)
            self._lose()
            return {}

    def _write(
        self,
        told: dict[str, Mapping[str, Told | None]] | None = None,
        finished: dict[str, tuple[str, str]] | None = None,
    ) -> None:
        """Write this, and all that could not be written before, or keep it."""
        told = self._told if told is None else told
        finished = self._finished if finished is None else finished
        losses = self._losses
        written = self._written(told, finished)
        if self._losses > losses:
            finished = {}
            written = self._written(told, finished)
        if written:
            self._told, self._finished, self._paced = {}, {}, {}
        else:
            self._told, self._finished = told, finished

    def _written(
        self,
        told: Mapping[str, Mapping[str, Told | None]],
        finished: Mapping[str, tuple[str, str]],
    ) -> bool:
        try:
            return self._database.write(_statements(told, finished, self._paced))
        except Damaged:
            self._lose()
            return False

    def _lose(self) -> None:
        """The file was begun anew: no page is told to its end any more, as far as it knows.

        What else was told of a page is lost.  If it counted as met, all of it would be news.
        """
        self._losses += 1
        self._finished = {}


def _statements(
    told: Mapping[str, Mapping[str, Told | None]],
    finished: Mapping[str, tuple[str, str]],
    paced: Mapping[str, tuple[str, Pacing]],
) -> Iterator[tuple[str, tuple[object, ...]]]:
    for provider, incidents in told.items():
        for id_, each in incidents.items():
            yield (
                (_FORGET, (provider, id_))
                if each is None
                else (
                    _REMEMBER,
                    (provider, id_, *_row(each)),
                )
            )
    for provider, (identity, dialect) in finished.items():
        yield _FINISH, (provider, identity, dialect)
    for provider, (feed, p) in paced.items():
        yield (
            _PACE,
            (provider, feed, p.not_before, p.failures, p.wait, p.gone, p.moved_to),
        )


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
