"""What was asked and what is answered, as plain values.

Decides which header fields and which body an ``Answer`` puts on the wire; the two protocols
decide only how to frame them. Pure but for ``compose``, which reads the wall clock when an
answer asks for an automatic Date.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from email.utils import formatdate
from functools import lru_cache
from typing import Literal, TypeAlias

Fields: TypeAlias = list[tuple[bytes, bytes]]
Headers: TypeAlias = Mapping[str, str | bytes] | Sequence[tuple[str | bytes, str | bytes]]
Framing: TypeAlias = Literal["length", "chunked", "close"]

BODILESS = frozenset({204, 304})

PIECE = 65536
"""Bytes of body per write: counters run little ahead of what a client has received."""


@dataclass(slots=True)
class Request:
    """One request as it was received, and what became of it.

    Attributes:
        method: as sent.
        path: the request target, query included.
        headers: raw fields in the order received; HTTP/2 pseudo-header fields are left out.
        version: "HTTP/1.0", "HTTP/1.1" or "HTTP/2".
        connection: number of the TCP connection, from 1.
        at: moment of arrival on the monotonic clock, in seconds.
        wall: moment of arrival on the wall clock, in seconds since 1970.
        body: the whole body, unchunked.
        status: of the answer; None until its status line has been sent.
        body_sent: bytes of body handed to the connection so far, after content coding and
            before chunking; a client that vanishes may not have received the last of them.
    """

    method: str
    path: str
    headers: Fields
    version: str
    connection: int
    at: float
    wall: float
    body: bytes = b""
    status: int | None = None
    body_sent: int = 0

    def header(self, name: str | bytes) -> bytes | None:
        """Return the field's value, its lines joined by a comma (RFC 9110, 5.3), or None."""
        wanted = as_bytes(name).lower()
        found = [value for key, value in self.headers if key.lower() == wanted]
        return b", ".join(found) if found else None

    @property
    def conditional(self) -> bool:
        """Whether a validator came with it: If-None-Match or If-Modified-Since."""
        return any(self.header(name) is not None for name in CONDITIONS)


CONDITIONS = (b"if-none-match", b"if-modified-since")


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer, with the ways in which it can go wrong on the wire.

    Attributes:
        status: of the answer; 204, 304 and answers to HEAD are sent without a body.
        headers: sent as they are, before anything that is added; a Content-Length, Date or
            Content-Encoding given here, right or wrong, is not added again.
        body: before compression.
        gzip: compress the body and say so in Content-Encoding, whatever the client accepts.
        delay: seconds before the status line.
        drip: (bytes, seconds between): send the body in pieces of that many wire bytes.
        cut: close the TCP connection after that many wire bytes of body.
        reset: RST of the TCP connection in place of the answer (on HTTP/2 too).
        hang: never answer; it ends with the client's connection or with the origin.
        date: "auto" for now, None for no Date field, or its value.
        framing: HTTP/1.1 only: Content-Length, chunked, or delimited by the end of the
            connection. On HTTP/2 anything but "length" leaves Content-Length out.
        close: close the connection afterwards (Connection: close; GOAWAY on HTTP/2).
    """

    status: int = 200
    headers: Headers = ()
    body: bytes | str = b""
    gzip: bool = False
    delay: float = 0.0
    drip: tuple[int, float] | None = None
    cut: int | None = None
    reset: bool = False
    hang: bool = False
    date: str | None = "auto"
    framing: Framing = "length"
    close: bool = False


Script: TypeAlias = Answer | Callable[[Request], Answer]


def compose(answer: Answer, method: str) -> tuple[Fields, bytes]:
    """Return the header fields to send, and the body in wire bytes (empty where none is due).

    Fields that belong to one protocol (Connection, Transfer-Encoding) are not added here.
    """
    fields = as_fields(answer.headers)
    given = {name.lower() for name, _ in fields}
    body = as_bytes(answer.body)
    if answer.date is not None and b"date" not in given:
        date = formatdate(usegmt=True) if answer.date == "auto" else answer.date
        fields.append((b"Date", date.encode()))
    if answer.gzip:
        body = _compressed(body)
        if b"content-encoding" not in given:
            fields.append((b"Content-Encoding", b"gzip"))
    has_body = answer.status not in BODILESS
    if has_body and answer.framing == "length" and b"content-length" not in given:
        fields.append((b"Content-Length", b"%d" % len(body)))
    return fields, body if has_body and method != "HEAD" else b""


def pieces(answer: Answer, body: bytes) -> Iterator[tuple[bytes, float, bool]]:
    """Yield the body in pieces: bytes, seconds to wait before them, whether the body ends."""
    end = len(body) if answer.cut is None else min(answer.cut, len(body))
    size, gap = answer.drip or (PIECE, 0.0)
    for at in range(0, end, size):
        stop = min(at + size, end)
        yield body[at:stop], gap if at else 0.0, stop == len(body)


def as_fields(headers: Headers) -> Fields:
    """Return headers of any accepted shape as a new list of pairs of bytes."""
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    return [(as_bytes(name), as_bytes(value)) for name, value in pairs]


def as_bytes(text: str | bytes) -> bytes:
    """Return text in UTF-8, and bytes as they are."""
    return text.encode() if isinstance(text, str) else text


@lru_cache(maxsize=512)
def _compressed(body: bytes) -> bytes:
    return gzip.compress(body, mtime=0)
