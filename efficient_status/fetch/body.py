"""Bytes as they travelled → the document, within bounds and to a verified end.

httpx decodes without a limit (32 kB of zstd become 1 GB) and takes a gzip stream that was cut
inside a right Content-Length for whole, so both are done here, for gzip and deflate, the encodings
that we ask for.
"""

from __future__ import annotations

import zlib

from efficient_status.errors import Unreadable

_STEP = 65_536  # bytes that one call may produce


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
        raise Unreadable(f"the document is larger than the limit of {limit:,} bytes")
    return document


def _inflate(raw: bytes, limit: int) -> bytes:
    """Gzip (also of several members, RFC 1952 2.2) and zlib, told apart by their first bytes."""
    parts: list[bytes] = []
    size = 0
    while True:
        stream = zlib.decompressobj(47)
        pending = raw
        while pending and not stream.eof:
            part = stream.decompress(pending, _STEP)
            pending = stream.unconsumed_tail
            size += len(part)
            if size > limit:
                raise Unreadable(f"the document is larger than the limit of {limit:,} bytes")
            parts.append(part)
        if not stream.eof:
            raise Unreadable("the compressed body was cut short")
        raw = stream.unused_data.lstrip(b"\0")
        if not raw:
            return b"".join(parts)
