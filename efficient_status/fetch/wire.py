"""What is noted of one exchange with an origin, and the limits it is held to.

hishel shows a 304 as the stored 200 and drops the 304's own facts, so they are noted here, beneath
it, in an object that travels in `request.extensions["wire"]`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from efficient_status.models import Limits


@dataclass(frozen=True, slots=True)
class FetchLimits(Limits):
    """What one poll may cost at most, and how far an answer is obeyed.

    Attributes:
        freshness: seconds of explicit freshness that are honoured at most.
        follow_to_http: whether a redirect may lead from https to http.
    """

    freshness: float = 3_600.0
    follow_to_http: bool = False


class Prepared:
    """What is the same in every request for a page, worked out once.

    Args:
        url: without credentials, so that nothing beneath can show or store them.
        account: stands for the credentials; one address may show each account another page.

    Attributes:
        key: under which the page is stored: the address, normalised; after a blank, the account.
    """

    __slots__ = ("_conditional", "_headers", "_validators", "key", "url")

    def __init__(self, url: str, headers: list[tuple[bytes, bytes]], account: str = "") -> None:
        self.url = httpx.URL(url)
        self.key = f"{self.url} {account}" if account else str(self.url)
        self._headers = httpx.Headers([(b"Host", self.url.netloc), *headers])
        self._validators: tuple[bytes | None, bytes | None] = (None, None)
        self._conditional = self._headers

    def headers(self, etag: bytes | None, last_modified: bytes | None) -> httpx.Headers:
        """The request's headers, with these validators byte for byte (RFC 9110 13.1)."""
        if (etag, last_modified) != self._validators:
            pairs = ((b"If-None-Match", etag), (b"If-Modified-Since", last_modified))
            given = [(name, value) for name, value in pairs if value]
            self._conditional = httpx.Headers([*self._headers.raw, *given])
            self._validators = etag, last_modified
        return self._conditional


@dataclass(slots=True)
class Wire:
    """Facts of the exchanges behind one poll.

    Attributes:
        attempts: how many requests were sent; 0 for an answer from the cache.
        may_retry: whether a second attempt is allowed within this poll.
        conditional: whether the request carried validators.
        status: of the last answer.
        etag, last_modified: validators of the last 200 or 304, byte for byte.
        fresh: explicit freshness in seconds.
        target: the URL that answered.
        moved_to: where the leading permanent redirects (301, 308) led, or "".
        body_bytes: of the last body as it travelled.
        sent, received: bytes of TCP's payload: bodies, fields, TLS; of whole answers only.
        version: "HTTP/1.1" or "HTTP/2"; empty until an answer has begun.
        spent: seconds in exchanges so far; what is waited for one's turn is not among them.
    """

    attempts: int = 0
    may_retry: bool = True
    conditional: bool = False
    status: int = 0
    etag: bytes | None = None
    last_modified: bytes | None = None
    fresh: float = 0.0
    target: str = ""
    moved_to: str = ""
    body_bytes: int = 0
    sent: int = 0
    received: int = 0
    version: str = ""
    spent: float = 0.0

    @property
    def bytes(self) -> int:
        """In both directions."""
        return self.sent + self.received

    @asynccontextmanager
    async def within(self, seconds: float) -> AsyncIterator[None]:
        """One exchange, which gets what earlier ones of this poll have left of so many seconds.

        Redirects and the retry share them, so nothing that origins send makes a poll longer.

        Raises:
            TimeoutError: they are over.
        """
        now = asyncio.get_running_loop().time
        began = now()
        try:
            async with asyncio.timeout_at(began + seconds - self.spent):
                yield
        except TimeoutError:
            self.may_retry = False  # with what time?
            raise
        finally:
            self.spent += now() - began
