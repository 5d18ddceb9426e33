"""Conditional GET through the onion of transports; nothing else knows httpx, hishel or tenacity.

    hishel's cache  asks `BodyStore`, makes the request conditional
      └ Guard       normalises what hishel gets to see
         └ Redirects   follows, remembers permanent ones
            └ Attempts    refuses, retries once (tenacity)
               └ Origins     one connection pool per origin, bodies read within bounds

The transports are driven directly: no cookie jar, no automatic redirects, 85 µs less than a client.
"""

from __future__ import annotations

import base64
import hashlib
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import httpx
from hishel import CacheOptions
from hishel.httpx import AsyncCacheTransport

from efficient_status import __version__
from efficient_status.errors import Unreadable
from efficient_status.fetch.attempts import Attempts, Redirects
from efficient_status.fetch.body import decode
from efficient_status.fetch.cache import BodyStore, Stored
from efficient_status.fetch.gate import Gate
from efficient_status.fetch.guard import Guard
from efficient_status.fetch.origins import Origins
from efficient_status.fetch.reach import Reach
from efficient_status.fetch.tls import client_context
from efficient_status.fetch.wire import FetchLimits, Prepared, Wire
from efficient_status.models import fingerprint
from efficient_status.urls import bare

if TYPE_CHECKING:
    from efficient_status.fetch.trace import Trace

__all__ = ["FetchLimits", "Fetched", "Fetcher", "Gate", "Reach", "Wire"]

_HOME = "https://pypi.org/project/efficient-status/"
_ACCEPT = b"application/atom+xml, application/rss+xml, application/xml;q=0.9, */*;q=0.5"

Source = Literal["changed", "unchanged", "fresh"]


@dataclass(slots=True)
class Fetched:
    """What one poll brought.

    Attributes:
        identity: digest of the decoded body; the same identity, the same document.
        source: "changed" = a 200; "unchanged" = a 304; "fresh" = no request was made.
        fresh: explicit freshness, in seconds from now.
        wire: facts of the exchange.
        document: the decoded body of a 200; that of the others is read on request.
        spared: bytes of the stored body, which did not have to travel; 0 for a 200.
    """

    key: str
    identity: str
    source: Source
    wire: Wire
    document: bytes | None
    spared: int = 0

    @property
    def fresh(self) -> float:
        """Explicit freshness, in seconds from now."""
        return self.wire.fresh

    @property
    def ignored_us(self) -> bool:
        """Whether validators were sent and a whole body came all the same."""
        return self.source == "changed" and self.wire.conditional

    @property
    def moved_to(self) -> str:
        """Where permanent redirects led, or ""."""
        return self.wire.moved_to


class Fetcher:
    """Fetches pages, each under its own key.

    Args:
        cache: the cache's database file, or ":memory:".
        keepalive: seconds an idle connection is kept.
        connections: origins whose idle connections are kept.
        contact: how to reach whoever runs this, added to the User-Agent.
        tls: makes the one TLS context, at the first https page.
        reach: which addresses may be connected to; None = those of the internet.
        trace: takes note of every exchange, for who wants to see it.
    """

    def __init__(  # noqa: PLR0913 - one place wires them all
        self,
        cache: Path | str,
        *,
        gate: Gate,
        limits: FetchLimits | None = None,
        http2: bool = True,
        contact: str = "",
        keepalive: float = 600.0,
        connections: int = 512,
        tls: Callable[[], ssl.SSLContext] = client_context,
        reach: Reach | None = None,
        trace: Trace | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.limits = limits or FetchLimits()
        self.store = BodyStore(cache)
        origins = Origins(
            gate=gate,
            limits=self.limits,
            http2=http2,
            keepalive=keepalive,
            most=connections,
            tls=tls,
            reach=reach,
        )
        origins.trace = trace
        attempts = Attempts(origins, gate, clock=clock)
        guard = Guard(
            Redirects(attempts, self.limits),
            self.store,
            max_freshness=self.limits.freshness,
            clock=clock,
        )
        self._cache = AsyncCacheTransport(guard, self.store, rfc=CacheOptions(shared=False))
        agent = f"efficient-status/{__version__} (+{_HOME}{'; ' + contact if contact else ''})"
        self._prepared: dict[str, Prepared] = {}
        self._headers = [
            (b"User-Agent", agent.encode("ascii")),
            (b"Accept", _ACCEPT),
            (b"Accept-Encoding", b"gzip"),
        ]

    async def fetch(self, url: str, *, may_retry: bool = True, wire: Wire | None = None) -> Fetched:
        """Ask for a page, conditionally where something of it is stored.

        Args:
            url: the page's address, which is also the key of what is stored.
            may_retry: whether a passing failure may be retried once.
            wire: where the facts are noted, also of what fails; `may_retry` is then its own.

        Raises:
            PageError: it could not be fetched; what was stored stays as it was.
        """
        page = self._prepare(url)
        wire = wire or Wire(may_retry=may_retry)
        # hishel sees no headers but Host: those of the wire are put in place by the guard.
        extensions = {"caching": {"key": page.key}, "page": page, "wire": wire}
        request = httpx.Request("GET", page.url, extensions=extensions)
        response = await self._cache.handle_async_request(request)
        caching = response.extensions["caching"]
        if caching["from_cache"]:
            await response.aclose()
            return self._stored(page.key, wire, "unchanged" if caching["revalidated"] else "fresh")
        return await self._received(page.key, wire, response)

    def document(self, fetched: Fetched) -> bytes | None:
        """The decoded document, from the exchange or from the store.

        None where the stored one is lost; it is asked for in full next time.
        """
        return self.stored_document(fetched.key) if fetched.document is None else fetched.document

    def stored(self, url: str) -> Stored | None:
        """What is kept of a page's stored answer, or None where none is stored."""
        return self.store.peek(self._prepare(url).key)

    def stored_identity(self, url: str) -> str:
        """Identity of the stored document, or "" where none is stored."""
        stored = self.stored(url)
        return stored.digest if stored else ""

    def stored_document(self, url: str) -> bytes | None:
        """The stored document, decoded, or None; one that is damaged is forgotten."""
        url = self._prepare(url).key
        stored = self.store.peek(url)
        body = self.store.body(url) if stored else None
        if stored is None or body is None:
            self.store.forget(url)
            return None
        try:
            document = decode(body, stored.encoding, self.limits.decoded_bytes)
        except Unreadable:
            document = b""
        if _digest(document) != stored.digest:
            self.store.forget(url)
            return None
        return document

    def keep(self, fetched: Fetched) -> None:
        """A feed was read from it: from now on it is what is stored."""
        if fetched.source == "changed":
            self.store.publish(fetched.key, fetched.wire, fetched.identity)

    def discard(self, fetched: Fetched) -> None:
        """No feed was read from it: what was stored before stays."""
        self.store.discard(fetched.key)

    def expire(self, url: str) -> None:
        """Ask next time, however fresh what is stored still is."""
        self.store.expire(self._prepare(url).key)

    def forget(self, url: str) -> None:
        """Ask in full next time."""
        self.store.forget(self._prepare(url).key)

    def move(self, url: str, target: str) -> None:
        """The page is asked elsewhere from now on: what is stored of it goes with it."""
        self.store.rename(self._prepare(url).key, self._prepare(target).key)
        del self._prepared[url]

    async def aclose(self) -> None:
        """Close connections and the cache."""
        await self._cache.aclose()

    def _prepare(self, url: str) -> Prepared:
        page = self._prepared.get(url)
        if page is None:
            secret = _authorization(httpx.URL(url))
            account = fingerprint(str(secret))[:4].hex() if secret else ""
            page = self._prepared[url] = Prepared(bare(url), [*self._headers, *secret], account)
        return page

    def _stored(self, url: str, wire: Wire, source: Source) -> Fetched:
        stored = self.store.peek(url)
        identity, size = (stored.digest, stored.size) if stored else ("", 0)
        if source == "unchanged" and stored is not None:
            if wire.target in (stored.target, wire.moved_to):
                self.store.take_over(url, wire)
            else:  # another place says «unchanged» of something it never gave us
                self.store.distrust(url)
        return Fetched(url, identity, source, wire, None, spared=size)

    async def _received(self, url: str, wire: Wire, response: httpx.Response) -> Fetched:
        raw = b"".join([part async for part in response.aiter_raw()])
        encoding = response.headers.get("content-encoding", "")
        try:
            document = decode(raw, encoding, self.limits.decoded_bytes)
        except Unreadable:
            self.store.discard(url)
            raise
        return Fetched(url, _digest(document), "changed", wire, document)


def _digest(document: bytes) -> str:
    return hashlib.blake2b(document, digest_size=16).hexdigest()


def _authorization(url: httpx.URL) -> list[tuple[bytes, bytes]]:
    """Credentials of the URL as Basic authentication (RFC 7617)."""
    if not url.userinfo:
        return []
    pair = f"{url.username}:{url.password}".encode()
    return [(b"Authorization", b"Basic " + base64.b64encode(pair))]
