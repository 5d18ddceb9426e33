"""The embedded default: one SQLite file, written on the loop's own thread.

Nothing is written for an unchanged poll.  WAL with synchronous=NORMAL: after `kill -9` every
commit is there; after a power cut the last ones may be missing, which repeats and never loses.
"""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from efficient_status.database import Database
from efficient_status.errors import Damaged, StateError
from efficient_status.models import SUMS, Impact, Incident, Kind, Memory, Pacing, State, Tally, Told

APPLICATION_ID = 0x65737374  # "esst"
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
    "ALTER TABLE page ADD COLUMN reason TEXT NOT NULL DEFAULT ''",  # of the last failure
    """
    CREATE TABLE tally (
        day INTEGER NOT NULL,               -- since the epoch, UTC
        provider TEXT NOT NULL,
        unchanged INTEGER NOT NULL,
        fresh INTEGER NOT NULL,
        changed INTEGER NOT NULL,
        failed INTEGER NOT NULL,
        requests INTEGER NOT NULL,
        bytes INTEGER NOT NULL,
        spared INTEGER NOT NULL,            -- bytes
        events INTEGER NOT NULL,
        read_at REAL NOT NULL,              -- seconds since the epoch
        PRIMARY KEY (day, provider)
    ) STRICT, WITHOUT ROWID
    """,
)
DAYS = 400  # of sums that are kept
_FIRST_TALLIES = 60.0  # seconds after the start, so that a look at the state soon knows of the run
_TALLIES_EVERY = 3_600.0  # seconds

_REMEMBER = "INSERT OR REPLACE INTO told VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_FORGET = "DELETE FROM told WHERE provider = ? AND id = ?"
_FINISH = (
    "INSERT INTO page (provider, identity, dialect) VALUES (?, ?, ?) ON CONFLICT (provider)"
    " DO UPDATE SET identity = excluded.identity, dialect = excluded.dialect"
)
_PACE = (
    "INSERT INTO page (provider, feed, not_before, failures, wait, gone, moved_to, reason)"
    " VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (provider) DO UPDATE SET"
    " feed = excluded.feed, not_before = excluded.not_before,"
    " failures = excluded.failures, wait = excluded.wait, gone = excluded.gone,"
    " moved_to = excluded.moved_to, reason = excluded.reason"
)
_TALLY = (
    f"INSERT INTO tally VALUES (?, ?{', ?' * len(SUMS)}, ?) ON CONFLICT DO UPDATE SET "  # noqa: S608
    + "".join(f"{name} = {name} + excluded.{name}, " for name in SUMS)
    + "read_at = max(read_at, excluded.read_at)"
)
# On the first write of a day.  By the days that there are, not by the clock: one that is years ahead
# for a moment would drop them all.
_DROP_OLD_DAYS = (
    "DELETE FROM tally WHERE day < CASE WHEN EXISTS (SELECT 1 FROM tally WHERE day = ?) THEN NULL"
    " ELSE (SELECT DISTINCT day FROM tally ORDER BY day DESC LIMIT 1 OFFSET ?) END"
)


class SqliteState:
    """See `StateStore`.

    Whatever cannot be written yet is laid over what can be read, and written with what comes next.
    """

    def __init__(self, path: Path | str) -> None:
        self._database = Database(
            path,
            APPLICATION_ID,
            MIGRATIONS,
            meanwhile="what was told is kept in memory until it can",
        )
        # Not written yet.
        self._told: dict[str, Mapping[str, Told | None]] = {}
        self._finished: dict[str, tuple[str, str]] = {}
        self._paced: dict[str, tuple[str, Pacing]] = {}
        self._tallies: dict[tuple[str, int], Tally] = {}
        self._tallies_due = time.monotonic() + _FIRST_TALLIES
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
            "SELECT not_before, failures, wait, gone, moved_to, reason FROM page"
            " WHERE provider = ? AND feed = ?",
            provider,
            feed,
        )
        return pacing_of(rows[0]) if rows else Pacing()

    def pace(self, provider: str, feed: str, pacing: Pacing) -> None:
        """See `StateStore`."""
        self._paced[provider] = feed, pacing

    @property
    def writable(self) -> bool:
        """See `StateStore`."""
        return self._database.writable

    def tally(self, provider: str, day: int) -> Tally:
        """See `StateStore`."""
        tally = self._tallies.get((provider, day))
        if tally is None:
            tally = self._tallies[provider, day] = Tally()
        return tally

    def flush(self) -> None:
        """See `StateStore`."""
        if self._unwritten or self._tallies_are_due:
            self._write()

    def close(self) -> None:
        """See `StateStore`."""
        try:
            if self._unwritten or self._tallies:
                self._database.insist()
            self._tallies_due = 0.0
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
        due = self._tallies_are_due
        with_pacing = (key for key in self._tallies if due or key[0] in self._paced)
        tallies = {key: self._tallies[key] for key in with_pacing}
        notes = _statements(told, finished, self._paced)
        try:
            written = self._database.write(itertools.chain(notes, _sums(tallies)))
        except Damaged:
            self._lose()
            return False
        if written:
            if due:
                self._tallies_due = time.monotonic() + _TALLIES_EVERY
            for key in tallies:
                del self._tallies[key]
        return written

    @property
    def _tallies_are_due(self) -> bool:
        return bool(self._tallies) and time.monotonic() >= self._tallies_due

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
            (provider, feed, p.not_before, p.failures, p.wait, p.gone, p.moved_to, p.reason),
        )


def _sums(
    tallies: Mapping[tuple[str, int], Tally],
) -> Iterator[tuple[str, tuple[object, ...]]]:
    for day in sorted({day for _, day in tallies}):
        yield _DROP_OLD_DAYS, (day, DAYS - 2)
    for (provider, day), tally in tallies.items():
        yield _TALLY, (day, provider, *astuple(tally))


def pacing_of(row: tuple[Any, ...]) -> Pacing:
    """A row's `not_before`, `failures`, `wait`, `gone`, `moved_to` and `reason`."""
    not_before, failures, wait, gone, moved_to, reason = row
    return Pacing(not_before, failures, wait, bool(gone), moved_to, reason)


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
        open=incident_of(shown),
    )


def _written(incident: Incident | None) -> str | None:
    """An incident as JSON, its marks aside."""
    if incident is None:
        return None
    values = {**asdict(incident), "marks": ()}
    times = {name: _seconds(values[name]) for name in _TIMES}
    return json.dumps({**values, **times}, ensure_ascii=False)


def incident_of(text: str | None) -> Incident | None:
    """An incident from JSON."""
    if text is None:
        return None
    values = json.loads(text)
    return Incident(
        **{
            **values,
            **{name: _moment(values[name]) for name in _TIMES},
            "kind": Kind(values["kind"]),
            "state": State(values["state"]),
            "impact": Impact(values["impact"]) if values["impact"] else None,
            "components": tuple(values["components"]),
            "marks": (),
        }
    )


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _split(joined: bytes) -> tuple[bytes, ...]:
    return tuple(joined[n : n + _MARK] for n in range(0, len(joined), _MARK))
