"""Normalises every answer so that hishel can neither be blinded nor made to ask twice.

Each rule has its measurement (hishel 2.0.0, see DESIGN.md «What hishel must not see»):

- `Cache-Control: private, max-age=N` with N = explicit freshness, or 0: without it hishel takes
  10 % of the age since Last-Modified for freshness, and does not ask for days.
- Our clock as Date: a missing Date makes an answer fresh for ever, one ahead nearly so.
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
from efficient_status.fetch.wire import Wire
from efficient_status.pacing import forbids_storing, freshness

_CONDITIONS = (b"if-none-match", b"if-modified-since")


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
        self._note(wire, response)
        if response.status_code == 304:
            if not wire.conditional:
                raise Refused("HTTP 304 Not Modified, though nothing was stored", status=304)
            return httpx.Response(304, headers=self._caching(wire), stream=httpx.ByteStream(b""))
        headers = [] if forbids_storing(response.headers) else self._caching(wire)
        if not headers:
            headers = [("cache-control", "no-store")]
        if encoding := response.headers.get("content-encoding"):
            headers.append(("content-encoding", encoding))
        return httpx.Response(200, headers=headers, stream=response.stream)

    def _make_exact(self, request: httpx.Request) -> bool:
        """Put the stored validators in place of hishel's; whether the request is conditional."""
        raw = request.headers.raw
        kept = [pair for pair in raw if pair[0].lower() not in _CONDITIONS]
        if len(kept) == len(raw):
            return False
        stored = self._store.peek(request.extensions["caching"]["key"])
        if stored is not None:
            pairs = zip((b"If-None-Match", b"If-Modified-Since"), stored.validators, strict=True)
            kept += [(name, value) for name, value in pairs if value]
        request.headers = httpx.Headers(kept)
        return True

    def _note(self, wire: Wire, response: httpx.Response) -> None:
        for name, value in response.headers.raw:
            if name.lower() == b"etag":
                wire.etag = value
            elif name.lower() == b"last-modified":
                wire.last_modified = value
        wire.fresh = freshness(response.headers, self._clock(), self._max_freshness)

    def _caching(self, wire: Wire) -> list[tuple[str, str]]:
        return [
            ("cache-control", f"max-age={int(wire.fresh)}"),
            ("date", formatdate(self._clock(), usegmt=True)),
        ]

    async def aclose(self) -> None:
        """Close what is beneath."""
        await self._inner.aclose()
