"""The storage that hishel asks: one entry per page, whole feeds only.

What matters of the headers is held in memory in compact form; bodies lie in SQLite as they were
received, compressed.  SQLite runs on the loop's own thread: hishel's own storage takes 8-11 thread
hops and 1-2 commits for a 304, this one none.

    create_entry   the body is collected while it is drained, and is only *pending* after that
    publish        the poller found a feed in it: it replaces what was stored
    discard        it did not: what was stored stays, validators and all
    update_headers a 304: freshness moves in memory, nothing is written

A failing database never fails a poll: the page is then asked in full.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from hishel import AsyncBaseStorage, Entry, Headers, Request, Response

from efficient_status.database import Database
from efficient_status.errors import Damaged, StateError
from efficient_status.fetch.wire import Wire

logger = logging.getLogger(__name__)

_SCHEMA = (
    """
    CREATE TABLE page (
        url TEXT PRIMARY KEY,
        target TEXT NOT NULL,      -- the URL that answered, after redirects
        etag BLOB,                 -- as received, byte for byte
        last_modified BLOB,
        digest TEXT NOT NULL,      -- of the decoded body
        encoding TEXT NOT NULL,    -- Content-Encoding of the body
        body BLOB NOT NULL         -- as received
    ) STRICT
    """,
)
_APPLICATION_ID = 0x65736361  # "esca"


@dataclass(frozen=True, slots=True)
class Stored:
    """What is kept in memory of one page's stored answer."""

    target: str
    etag: bytes | None
    last_modified: bytes | None
    digest: str
    encoding: str
    id: uuid.UUID
    size: int  # bytes of the body as received
    # As the guard wrote them; empty after a restart, when pacing alone knows what is fresh.
    cache_control: str = "max-age=0"
    date: str = ""
    fresh_until: float = 0.0  # on the monotonic clock: the wall clock may be set back

    @property
    def validators(self) -> tuple[bytes | None, bytes | None]:
        """ETag and Last-Modified."""
        return self.etag, self.last_modified


@dataclass(slots=True)
class _Pending:
    """An answer that was drained but not yet found to be a feed."""

    response: Response
    body: bytes


class BodyStore(AsyncBaseStorage):
    """See the module's docstring.

    Args:
        path: the database file, or ":memory:".
    """

    def __init__(self, path: Path | str) -> None:
        super().__init__()
        self._database = Database(
            path,
            _APPLICATION_ID,
            _SCHEMA,
            meanwhile="pages are asked in full after a restart",
            disposable=True,
        )
        self._unreadable = False
        self._stored: dict[str, Stored | None] = {}
        self._pending: dict[str, _Pending] = {}
        self._keys: dict[uuid.UUID, str] = {}

    def peek(self, key: str) -> Stored | None:
        """What is stored for a page; read from the database at first use."""
        if key not in self._stored:
            self._stored[key] = self._load(key)
        return self._stored[key]

    def body(self, key: str) -> bytes | None:
        """The stored body as received, or None where it is lost."""
        row = self._row("SELECT body FROM page WHERE url = ?", key)
        return bytes(row[0]) if row else None

    def publish(self, key: str, wire: Wire, digest: str) -> None:
        """Let the pending answer replace what is stored."""
        pending = self._pending.pop(key, None)
        if pending is None:  # the server forbids storing it
            return
        headers = pending.response.headers
        stored = Stored(
            target=wire.target,
            etag=wire.etag,
            last_modified=wire.last_modified,
            digest=digest,
            encoding=headers.get("content-encoding") or "",
            id=uuid.uuid4(),
            size=len(pending.body),
            cache_control=headers.get("cache-control") or "",
            date=headers.get("date") or "",
            fresh_until=_fresh_until(headers.get("cache-control") or ""),
        )
        self._save(key, stored, pending.body)
        # Even where that failed: this is what is asked about, in this run.  The older row that is
        # left has its own digest, so that its body is never taken for this one's.
        self._replace(key, stored)

    def discard(self, key: str) -> None:
        """Drop the pending answer; what is stored stays."""
        self._pending.pop(key, None)

    def expire(self, key: str) -> None:
        """What is stored is no longer fresh."""
        if (stored := self.peek(key)) is not None:
            self._stored[key] = replace(stored, fresh_until=0.0)

    def copy(self, path: Path) -> None:
        """Hold what another store's file holds; one that cannot be used holds nothing.

        For a store that is new and in memory; the file is only read.
        """
        with suppress(StateError):
            self._database.copy(path)

    def forget(self, key: str) -> None:
        """Drop what is stored, so that the next request is unconditional."""
        self._replace(key, None)
        self._write("DELETE FROM page WHERE url = ?", (key,))

    def rename(self, key: str, new: str) -> None:
        """The page has moved: keep what is stored under its new URL, instead of what was there."""
        stored = self.peek(key)
        self._replace(key, None)
        del self._stored[key]  # who moves with every poll leaves nothing behind
        if stored is None:
            return
        self._replace(new, stored)
        self._write("UPDATE OR REPLACE page SET url = ? WHERE url = ?", (new, key))

    def take_over(self, key: str, wire: Wire) -> None:
        """A 304 came from where the page has moved, or carried newer validators (RFC 9111 4.3.4)."""
        stored = self.peek(key)
        if stored is None:
            return
        etag, modified = wire.etag or stored.etag, wire.last_modified or stored.last_modified
        if (wire.target, etag, modified) != (stored.target, *stored.validators):
            self._mark(key, replace(stored, target=wire.target, etag=etag, last_modified=modified))

    def distrust(self, key: str) -> None:
        """Ask in full next time; what is stored may still be read."""
        if (stored := self.peek(key)) is not None:
            self._mark(key, replace(stored, etag=None, last_modified=None))

    # What hishel asks.

    async def get_entries(self, key: str) -> list[Entry]:
        """The one entry of this page, or none."""
        stored = self.peek(key)
        if stored is None:
            return []
        # Hishel measures by the wall clock: set back a year, it would take this for fresh so long.
        fresh = time.monotonic() < stored.fresh_until
        headers = {"cache-control": stored.cache_control if fresh else "max-age=0"}
        if stored.date:
            headers["date"] = stored.date
        # Only that there are validators: the guard puts the exact bytes in their place.
        if stored.etag or stored.last_modified:
            headers["etag"] = '"stored"'
        response = Response(200, Headers(headers), self._stream(key))
        return [Entry(stored.id, Request("GET", key.partition(" ")[0]), response)]

    async def create_entry(
        self,
        request: Request,
        response: Response,
        key: str,
        *,
        ttl: float | None = None,  # noqa: ARG002 - hishel's signature
        tti: float | None = None,  # noqa: ARG002
    ) -> Entry:
        """Collect the body while it is drained."""
        collecting = Response(response.status_code, response.headers, self._collect(key, response))
        return Entry(uuid.uuid4(), request, collecting)

    async def update_headers(self, id: uuid.UUID, headers: Headers) -> None:  # noqa: A002
        """A 304 renewed the answer."""
        key = self._keys.get(id)
        stored = self._stored.get(key) if key is not None else None
        if key is None or stored is None:
            return
        lifetime, date = headers.get("cache-control") or "", headers.get("date") or ""
        if (lifetime, date) != (stored.cache_control, stored.date):
            until = _fresh_until(lifetime)
            self._stored[key] = replace(
                stored, cache_control=lifetime, date=date, fresh_until=until
            )

    async def remove_entry(self, id: uuid.UUID) -> None:  # noqa: A002
        """Hishel wants an entry gone."""
        if (key := self._keys.get(id)) is not None:
            self.forget(key)

    async def close(self) -> None:
        """Close the database."""
        self._database.close()

    # Helpers, in the order of their use.

    async def _stream(self, key: str) -> AsyncIterator[bytes]:
        body = self.body(key)
        if body is not None:
            yield body

    async def _collect(self, key: str, response: Response) -> AsyncIterator[bytes]:
        parts: list[bytes] = []
        assert isinstance(response.stream, AsyncIterator)
        async for part in response.stream:
            parts.append(part)
            yield part
        self._pending[key] = _Pending(response, b"".join(parts))

    def _load(self, key: str) -> Stored | None:
        row = self._row(
            "SELECT target, etag, last_modified, digest, encoding, length(body) FROM page"
            " WHERE url = ?",
            key,
        )
        if row is None:
            return None
        target, etag, last_modified, digest, encoding, size = row
        stored = Stored(target, etag, last_modified, digest, encoding, uuid.uuid4(), size)
        self._keys[stored.id] = key
        return stored

    def _replace(self, key: str, stored: Stored | None) -> None:
        before = self._stored.get(key)
        if before is not None:
            self._keys.pop(before.id, None)
        if stored is not None:
            self._keys[stored.id] = key
        self._stored[key] = stored

    def _mark(self, key: str, marked: Stored) -> None:
        """The same document, known by other validators."""
        self._replace(key, marked)
        self._write(
            "UPDATE page SET target = ?, etag = ?, last_modified = ? WHERE url = ? AND digest = ?",
            (marked.target, *marked.validators, key, marked.digest),
        )

    def _save(self, key: str, stored: Stored, body: bytes) -> None:
        values = (key, stored.target, stored.etag, stored.last_modified, stored.digest,
                  stored.encoding, body)  # fmt: skip
        self._write("INSERT OR REPLACE INTO page VALUES (?, ?, ?, ?, ?, ?, ?)", values)

    def _row(self, query: str, key: str) -> tuple[Any, ...] | None:
        try:
            rows = self._database.rows(query, key)
        except Damaged:  # said; nothing is stored any more
            return None
        except StateError as error:
            if not self._unreadable:
                logger.warning("%s: pages are asked in full", error)
            self._unreadable = True
            return None
        self._unreadable = False
        return rows[0] if rows else None

    def _write(self, statement: str, values: tuple[object, ...]) -> None:
        with suppress(Damaged):
            self._database.write([(statement, values)])


def _fresh_until(lifetime: str) -> float:
    """When the guard's `max-age=N` is over, on the monotonic clock."""
    return time.monotonic() + float(lifetime.partition("=")[2] or 0)
