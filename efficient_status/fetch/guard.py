"""Normalises every answer so that hishel can neither be blinded nor made to ask twice.

Each rule has its measurement (hishel 2.0.0, see DESIGN.md «What hishel must not see»):

- `Cache-Control: max-age=N` with N = explicit freshness, or 0: without it hishel takes
  10 % of the age since Last-Modified for freshness, and does not ask for days.
- Our clock as Date, wherever an answer is fresh at all: a missing Date makes it fresh for ever,
  one ahead nearly so.
- No Vary, Expires, Age, Pragma, Set-Cookie: they make entries multiply, or hits impossible.
- A 304 answers the one set of validators that we sent, whatever validators it carries itself:
  otherwise a weak ETag, or a Last-Modified that moves, costs a second, unconditional GET.
- The validators of the wire are sent back byte for byte; hishel only decides *that* a request is
  conditional.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from email.utils import formatdate

import httpx

from efficient_status.errors import Refused
from efficient_status.fetch.cache import BodyStore
from efficient_status.fetch.wire import Prepared, Wire
from efficient_status.pacing import forbids_storing, freshness

_NOTED = frozenset({b"cache-control", b"expires", b"date", b"age", b"content-encoding"})
_NO_STORE = (b"cache-control", b"no-store")
_NOTHING = httpx.ByteStream(b"")


class Guard(httpx.AsyncBaseTransport):
    """Stands directly beneath hishel's cache transport."""

    def __init__(
        self,
        inner: httpx.AsyncBaseTransport,
        store: BodyStore,
        *,
        max_freshness: float,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._inner = inner
        self._store = store
        self._max_freshness = max_freshness
        self._clock = clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send with exact validators, answer with a 200 or a 304 that hishel reads as we mean it.

        Raises:
            Refused: a 304 came to a request that was not conditional.
        """
        wire: Wire = request.extensions["wire"]
        wire.conditional = self._make_exact(request)
        response = await self._inner.handle_async_request(request)
        noted = self._note(wire, response)
        if response.status_code == 304:
            if not wire.conditional:
                raise Refused("HTTP 304 Not Modified, though nothing was stored", status=304)
            return httpx.Response(304, headers=self._caching(wire), stream=_NOTHING)
        headers = [_NO_STORE] if forbids_storing(noted) else self._caching(wire)
        if encoding := noted.get("content-encoding"):
            headers.append((b"content-encoding", encoding.encode("latin-1")))
        return httpx.Response(200, headers=headers, stream=response.stream)

    def _make_exact(self, request: httpx.Request) -> bool:
        """Put the wire's headers in place of hishel's; whether the request is conditional."""
        page: Prepared = request.extensions["page"]
        asked = request.headers
        conditional = "if-none-match" in asked or "if-modified-since" in asked
        stored = self._store.peek(page.key) if conditional else None
        request.headers = page.headers(*(stored.validators if stored else (None, None)))
        return conditional

    def _note(self, wire: Wire, response: httpx.Response) -> dict[str, str]:
        """What the answer says of itself and its freshness, in one walk."""
        noted: dict[str, str] = {}
        for name, value in response.headers.raw:
            lower = name.lower()
            if lower == b"etag":
                wire.etag = value
            elif lower == b"last-modified":
                wire.last_modified = value
            elif lower in _NOTED:
                key, text = lower.decode("ascii"), value.decode("latin-1")
                noted[key] = f"{noted[key]}, {text}" if key in noted else text
        wire.fresh = freshness(noted, self._clock(), self._max_freshness) if noted else 0.0
        return noted

    def _caching(self, wire: Wire) -> list[tuple[bytes, bytes]]:
        if wire.fresh < 1:  # stale at once, whatever the date: hishel need not read one
            return [(b"cache-control", b"max-age=0")]
        return [
            (b"cache-control", b"max-age=%d" % wire.fresh),
            (b"date", formatdate(self._clock(), usegmt=True).encode("ascii")),
        ]

    async def aclose(self) -> None:
        """Close what is beneath."""
        await self._inner.aclose()
