"""Bytes as they travel → the document, within bounds and to a verified end.

httpx decodes without a limit (32 kB of zstd become 1 GB) and takes a gzip stream that was cut
inside a right Content-Length for whole, so both are done here, for gzip and deflate, the encodings
that we ask for.
"""

from __future__ import annotations

import functools
import re
import zlib
from collections.abc import AsyncIterable
from contextlib import suppress

from efficient_status.errors import Unreadable

_STEP = 65_536  # bytes that one call may produce
_WINDOW = 16_384  # bytes that one call is given; zlib copies what it leaves over
_LARGE = 262_144  # bytes of a document, or of a block of memory
_M_MMAP_THRESHOLD = -3  # mallopt(3)
_PADDING = re.compile(rb"\0*")


async def gather(stream: AsyncIterable[bytes], announced: str, limit: int) -> bytes:
    """The body as it travels, in one piece.

    Args:
        announced: value of Content-Length, or ""; one above the limit is refused unread.
        limit: bytes that it may have.

    Raises:
        Unreadable: it is larger.
    """
    large = f"the body is larger than the limit of {limit:,} bytes (limits.wire_bytes)"
    if announced.isascii() and announced.isdigit() and int(announced[:18]) > limit:
        raise Unreadable(f"{large}: {int(announced[:18]):,} are announced")
    parts: list[bytes] = []
    size = 0
    async for part in stream:
        parts.append(part)
        size += len(part)
        if size > _LARGE:
            _map_large_blocks()
        if size > limit:
            raise Unreadable(large)
    return b"".join(parts)


def decode(raw: bytes, encoding: str, limit: int) -> bytes:
    """Undo the Content-Encoding.

    Args:
        encoding: value of Content-Encoding; "" for none.
        limit: bytes that the document may have.

    Raises:
        Unreadable: cut short, corrupt, too large, or in an encoding that was not asked for.
    """
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _within(raw, limit)
    if name not in ("gzip", "x-gzip", "deflate"):
        raise Unreadable(f"Content-Encoding «{encoding[:40]}» was not asked for (only gzip is)")
    try:
        return _inflate(raw, limit)
    except zlib.error as error:
        raise Unreadable(f"the {name} body is corrupt ({error})") from error


def _within(document: bytes, limit: int) -> bytes:
    if len(document) > limit:
        raise _too_large(document, limit)
    return document


def _too_large(raw: bytes, limit: int) -> Unreadable:
    return Unreadable(
        f"the document is larger than the limit of {limit:,} bytes (limits.decoded_bytes);"
        f" it came as {len(raw):,} bytes"
    )


def _inflate(raw: bytes, limit: int) -> bytes:
    """Gzip (also of several members, RFC 1952 2.2) and zlib, told apart by their first bytes."""
    parts: list[bytes] = []
    size = position = 0
    while True:
        stream = zlib.decompressobj(47)
        while position < len(raw) and not stream.eof:
            window = raw[position : position + _WINDOW]
            part = stream.decompress(window, _STEP)
            left = stream.unused_data or stream.unconsumed_tail  # at the end both may hold it
            position += len(window) - len(left)
            size += len(part)
            if size > limit:
                raise _too_large(raw, limit)
            if size > _LARGE:
                _map_large_blocks()
            parts.append(part)
        if not stream.eof:
            raise Unreadable("the compressed body was cut short")
        padding = _PADDING.match(raw, position)
        position = padding.end() if padding else position
        if position == len(raw):
            return b"".join(parts)


@functools.cache
def _map_large_blocks() -> None:
    """Have large blocks mapped, so that they go back to the system as soon as they are free.

    glibc begins so, but from the first block of many MiB that is freed it carves those that follow
    out of its heap, where they leave holes: 8 to 17 MiB of them, measured.  Elsewhere nothing is
    done.  Called with the first large body: `ctypes` costs 2.4 ms and 200 KiB.
    """
    import ctypes

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, _LARGE)
