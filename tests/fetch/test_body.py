"""Bodies: decoded within bounds and to a verified end."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficient_status.errors import Unreadable
from efficient_status.fetch import body
from efficient_status.fetch.body import decode, gather
from tests.heap import GLIBC, heap

TEXT = b"<rss/>" * 1_000
LIMIT = 8 * 1024 * 1024
STEP = 65_536


def deflated(text: bytes) -> bytes:
    """DEFLATE without the zlib header, as some servers send it."""
    encoder = zlib.compressobj(wbits=-15)
    return encoder.compress(text) + encoder.flush()


# Without the time of day, which would be part of the tests' names.
zipped = partial(gzip.compress, mtime=0)


@pytest.mark.parametrize(
    ("encoding", "raw", "expected"),
    [
        ("", TEXT, TEXT),
        ("identity", TEXT, TEXT),
        (" Identity ", TEXT, TEXT),
        ("", b"", b""),
        ("gzip", zipped(TEXT), TEXT),
        ("GZIP", zipped(TEXT), TEXT),
        ("x-gzip", zipped(TEXT), TEXT),
        ("gzip", zipped(b""), b""),
        ("gzip", zipped(TEXT, compresslevel=0), TEXT),
        ("gzip", zipped(b"<rss>") + zipped(b"</rss>"), b"<rss></rss>"),
        ("gzip", zipped(b"") * 3 + zipped(TEXT), TEXT),
        ("gzip", zipped(TEXT) + b"\0" * 512, TEXT),
        ("gzip", zipped(b"a") + b"\0" * 8 + zipped(b"b"), b"ab"),
        ("deflate", zlib.compress(TEXT), TEXT),
        ("gzip", zlib.compress(TEXT), TEXT),
        ("deflate", zipped(TEXT), TEXT),
    ],
)
def test_decode(encoding: str, raw: bytes, expected: bytes) -> None:
    """Identity, gzip of any number of members, and zlib, whichever of the two it was called."""
    assert decode(raw, encoding, LIMIT) == expected


@pytest.mark.parametrize(
    ("encoding", "raw", "reason"),
    [
        ("gzip", b"", "cut short"),
        ("gzip", zipped(TEXT)[:5], "cut short"),
        ("gzip", zipped(TEXT)[:-1], "cut short"),
        ("gzip", zipped(TEXT)[:-8], "cut short"),
        ("gzip", zipped(TEXT)[: len(zipped(TEXT)) // 2], "cut short"),
        ("gzip", zipped(b"a") + zipped(TEXT)[:-4], "cut short"),
        ("deflate", zlib.compress(TEXT)[:-1], "cut short"),
        ("gzip", TEXT, "gzip body is corrupt"),
        ("gzip", zipped(TEXT) + b"trailing", "gzip body is corrupt"),
        ("gzip", zipped(TEXT)[:-8] + b"\0" * 8, "gzip body is corrupt"),
        ("deflate", TEXT, "deflate body is corrupt"),
        ("deflate", deflated(TEXT), "deflate body is corrupt"),
        ("br", b"", "«br» was not asked for"),
        ("zstd", b"", "«zstd» was not asked for"),
        ("gzip, gzip", zipped(zipped(TEXT)), "«gzip, gzip» was not asked for"),
        ("x" * 500, b"", f"«{'x' * 40}» was not asked for"),
    ],
)
def test_refused(encoding: str, raw: bytes, reason: str) -> None:
    """Cut short, corrupt or in an encoding nobody asked for: refused, and the reason said."""
    with pytest.raises(Unreadable, match=reason):
        decode(raw, encoding, LIMIT)


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [("", bytes), ("gzip", zipped), ("deflate", zlib.compress)],
    ids=["identity", "gzip", "deflate"],
)
@pytest.mark.parametrize("limit", [0, 1, 1_000, STEP, 2 * STEP])
def test_limit(encoding: str, encode: type[bytes], limit: int) -> None:
    """A document may have exactly the limit, and not a byte more."""
    assert decode(encode(b"x" * limit), encoding, limit) == b"x" * limit
    with pytest.raises(Unreadable, match=f"larger than the limit of {limit:,} bytes"):
        decode(encode(b"x" * (limit + 1)), encoding, limit)


def bomb() -> bytes:
    """100 KB that hold 100 MiB."""
    encoder = zlib.compressobj(9, wbits=31)
    parts = [encoder.compress(bytes(1024 * 1024)) for _ in range(100)]
    return b"".join([*parts, encoder.flush()])


def test_bomb() -> None:
    """A small body that holds a huge document is refused before it costs much memory."""
    raw = bomb()
    assert len(raw) < 110_000
    tracemalloc.start()
    try:
        with pytest.raises(Unreadable, match="larger than the limit"):
            decode(raw, "gzip", LIMIT)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert peak < 16 * 1024 * 1024


def test_many_members_share_the_limit() -> None:
    """The limit is of the document, not of each member."""
    with pytest.raises(Unreadable, match="larger than the limit"):
        decode(zipped(b"x" * 100) * 11, "gzip", 1_000)


def test_many_members_cost_no_square(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body of thousands of empty members costs a bounded copy each, not the whole rest."""
    given_to_zlib = []
    decompressobj = zlib.decompressobj

    class Stream:
        def __init__(self, wbits: int) -> None:
            self._stream = decompressobj(wbits)

        def __getattr__(self, name: str) -> object:
            return getattr(self._stream, name)

        def decompress(self, part: bytes, most: int) -> bytes:
            given_to_zlib.append(len(part))
            return self._stream.decompress(part, most)

    monkeypatch.setattr(zlib, "decompressobj", Stream)

    assert decode(zipped(b"") * 5_000, "gzip", LIMIT) == b""
    assert len(given_to_zlib) == 5_000
    assert max(given_to_zlib) <= 16_384


@settings(deadline=None, max_examples=50)
@given(
    parts=st.lists(st.binary(max_size=50), min_size=1, max_size=4),
    times=st.sampled_from([1, 100, 5_000]),
    level=st.integers(0, 9),
)
def test_round_trip(parts: list[bytes], times: int, level: int) -> None:
    """Any document, in any number of members, comes out as it went in."""
    raw = b"".join(zipped(part * times, level) for part in parts)

    assert decode(raw, "gzip", LIMIT) == b"".join(part * times for part in parts)


@pytest.mark.parametrize("level", [1, 9])
@pytest.mark.parametrize("tail", [b"", b"x", bytes(STEP + 1)], ids=len)
@pytest.mark.parametrize("size", [STEP - 1, STEP, STEP + 1, 2 * STEP, 3 * STEP, 3 * STEP + 258])
def test_output_that_fills_a_step(size: int, tail: bytes, level: int) -> None:
    """A document that is about as large as what one call produces is whole, and so is the next."""
    second = zipped(tail) if tail else b""
    for document in (bytes(size), b"abc" * (size // 3), bytes(range(256)) * (size // 256)):
        assert decode(zipped(document, level) + second, "gzip", LIMIT) == document + tail


@settings(deadline=None)
@given(
    raw=st.binary(max_size=200) | st.binary(max_size=50).map(lambda tail: zipped(TEXT) + tail),
    encoding=st.sampled_from(["", "gzip", "deflate", "br"]) | st.text(max_size=5),
)
def test_any_bytes(raw: bytes, encoding: str) -> None:
    """Any bytes are decoded or Unreadable; nothing else is raised."""
    try:
        document = decode(raw, encoding, 1_000)
    except Unreadable:
        return
    assert len(document) <= 1_000


@given(cut=st.integers(0, len(zipped(TEXT, 1)) - 1))
@settings(deadline=None)
def test_any_cut(cut: int) -> None:
    """Wherever a gzip body is cut, it is refused."""
    with pytest.raises(Unreadable):
        decode(zipped(TEXT, 1)[:cut], "gzip", LIMIT)


@pytest.mark.skipif(not GLIBC, reason="glibc's heap")
@pytest.mark.parametrize("encoding", ["", "gzip"])
def test_a_large_document_leaves_no_hole_in_the_heap(encoding: str) -> None:
    """What is large is mapped, and so given back when it is free, however large it was before."""

    async def parts() -> AsyncIterator[bytes]:
        yield bytes(300_000)

    body._map_large_blocks.cache_clear()
    ctypes.CDLL(None).mallopt(body._M_MMAP_THRESHOLD, 32 * 1024 * 1024)  # as after large blocks
    if encoding:
        decode(zipped(bytes(300_000)), encoding, LIMIT)
    else:
        asyncio.run(gather(parts(), "", LIMIT))
    gc.collect()  # what it would free in between is not what is counted
    before = heap()
    size = before.fordblks + 8 * 1024 * 1024  # a hole that earlier tests have left would serve
    held = bytearray(size)
    assert (heap().hblks - before.hblks, len(held)) == (1, size)
