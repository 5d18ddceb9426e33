"""A web server for one document on loopback, that counts what travels.

As much of HTTP/1.1 as a status page's feed uses: ETag and 304, gzip, max-age, kept connections
(RFC 9110, 9111, 9112).  It is for the demo alone: it answers every path with the same document.
"""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from hashlib import blake2b
from typing import Self

_ENDS = (
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
    asyncio.CancelledError,
    ConnectionError,
)


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and its answer; all sizes in bytes, heads included.

    Attributes:
        status: 200 or 304.
        gzip: whether the body was compressed.
        travelled: there and back.
        whole: what would have travelled, had the request carried no validator.
    """

    status: int
    gzip: bool
    travelled: int
    whole: int


class Server:
    """Serves on a free port of loopback while its context is open.

    Args:
        document: what the page says now; asked for at each request.
        max_age: seconds for which an answer may be taken for fresh.

    Attributes:
        log: every exchange, in order.
    """

    def __init__(self, document: Callable[[], str], max_age: int) -> None:
        self.log: list[Exchange] = []
        self._document = document
        self._max_age = max_age

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_ended: object) -> None:
        """Listen no more; who is being served stays so until the loop ends."""
        self._server.close()

    @property
    def url(self) -> str:
        """The page's address."""
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}/"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # To be cancelled is how it ends with the loop; Python 3.11 would log it as an error.
        with suppress(*_ENDS):
            while request := await reader.readuntil(b"\r\n\r\n"):
                writer.write(self._answer(request))
                await writer.drain()
        writer.close()

    def _answer(self, request: bytes) -> bytes:
        fields = dict(_fields(request))
        body = self._document().encode()
        tag = b'W/"' + blake2b(body, digest_size=8).hexdigest().encode() + b'"'
        head = [b"ETag: " + tag, b"Cache-Control: max-age=%d, private" % self._max_age]
        whole = _whole(head, body, zipped=b"gzip" in fields.get(b"accept-encoding", b""))
        known = fields.get(b"if-none-match", b"")
        asking = len(b"If-None-Match: \r\n" + known) if known else 0
        same = known == tag
        answer = _message(b"304 Not Modified", head) if same else whole
        self.log.append(
            Exchange(
                status=304 if same else 200,
                gzip=b"\r\nContent-Encoding: gzip\r\n" in answer,
                travelled=len(request) + len(answer),
                whole=len(request) - asking + len(whole),
            )
        )
        return answer


def _fields(request: bytes) -> list[tuple[bytes, bytes]]:
    pairs = (line.partition(b":") for line in request.split(b"\r\n")[1:] if line)
    return [(name.lower(), value.strip()) for name, _, value in pairs]


def _whole(head: list[bytes], body: bytes, *, zipped: bool) -> bytes:
    head = [*head, b"Content-Type: application/rss+xml"]
    if zipped:
        head, body = [*head, b"Content-Encoding: gzip"], gzip.compress(body, mtime=0)
    return _message(b"200 OK", head, body)


def _message(status: bytes, fields: list[bytes], body: bytes | None = None) -> bytes:
    length = [] if body is None else [b"Content-Length: %d" % len(body)]
    return b"\r\n".join([b"HTTP/1.1 " + status, *fields, *length, b"", body or b""])
