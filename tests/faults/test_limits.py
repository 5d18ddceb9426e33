"""What an origin may make us do at most: every limit is held, and says itself and what was met."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from efficient_status.config import Wanted, read_file, settle
from efficient_status.errors import Unreachable, Unreadable
from efficient_status.fetch import Fetched
from efficient_status.fetch.body import gather
from efficient_status.fetch.wire import FetchLimits
from tests.app import cli, environment
from tests.fetch.onion import FEED, fetching, poll, polls
from tests.origin import Answer, Origin

MIB = 1024 * 1024


@asynccontextmanager
async def dripping(greeting: bytes) -> AsyncIterator[int]:
    """The port of a server that says this to whoever connects, then a byte every 20 ms."""

    over = asyncio.Event()
    served: list[asyncio.Task[None] | None] = []

    async def serve(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        served.append(asyncio.current_task())
        writer.write(greeting)
        while not over.is_set():
            writer.write(b"x")
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 0.02)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        over.set()
        await asyncio.gather(*filter(None, served))


@pytest.mark.parametrize(
    ("scheme", "greeting"),
    [
        ("https", b"\x16\x03\x03\x40\x00"),
        ("http", b"HTTP/1.1 200 OK\r\nX-Long: "),
        ("http", b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n"),
    ],
    ids=["handshake", "header", "body"],
)
def test_a_drip_of_bytes_extends_no_poll(scheme: str, greeting: bytes) -> None:
    """In the TLS handshake, a header or the body: it ends at the limit, and is not tried again."""

    async def work() -> str:
        async with (
            asyncio.timeout(2.5),
            dripping(greeting) as port,
            fetching(limits=FetchLimits(seconds=0.3)) as fetcher,
        ):
            return repr(await poll(fetcher, f"{scheme}://127.0.0.1:{port}/feed"))

    answer = asyncio.run(work())
    gc.collect()

    assert answer == "Unreachable('no whole answer within 0.3 s (limits.seconds)')"


def test_the_time_is_that_of_the_whole_poll(origin: Origin) -> None:
    """Each redirect is quick enough, all of them are not; what is left does not start anew."""
    for n in range(5):
        origin.page(f"/{n}").always(Answer(302, {"Location": f"/{n + 1}"}, delay=0.15))
    origin.page("/5").serve(FEED)

    (answer,) = polls(origin.url("/0"), 1, limits=FetchLimits(seconds=0.4))

    assert str(answer) == "no whole answer within 0.4 s (limits.seconds)"
    assert len(origin.log) <= 3


def test_the_retry_gets_what_is_left(origin: Origin) -> None:
    """A server that is slow to fail has not as much time again."""
    origin.page("/a").then(Answer(503, delay=0.4)).always(Answer(200, body=FEED, delay=0.4))

    (answer,) = polls(origin.url("/a"), 1, limits=FetchLimits(seconds=0.7))

    assert isinstance(answer, Unreachable)


def test_waiting_for_a_turn_is_not_counted(origin: Origin) -> None:
    """Many pages of one host, answered one after another: none of them is late."""
    urls = [origin.url(f"/{n}") for n in range(8)]
    for url in urls:
        origin.page(url.removeprefix(origin.base)).serve(FEED, delay=0.08)

    async def work() -> list[Any]:
        async with fetching(limits=FetchLimits(seconds=0.5)) as fetcher:
            return await asyncio.gather(*(poll(fetcher, url) for url in urls))

    assert all(isinstance(answer, Fetched) for answer in asyncio.run(work()))


def test_a_body_that_is_announced_too_large_is_not_read() -> None:
    """Content-Length is believed in this one respect, and said."""

    async def body() -> AsyncIterator[bytes]:
        raise AssertionError("read")
        yield b""

    with pytest.raises(Unreadable) as caught:
        asyncio.run(gather(body(), "4194305", 4 * MIB))

    assert str(caught.value) == (
        "the body is larger than the limit of 4,194,304 bytes (limits.wire_bytes):"
        " 4,194,305 are announced"
    )


@pytest.mark.parametrize("announced", ["", "3", "-1", "many", "٣", "0" * 5_000])
def test_a_body_that_is_not_announced_too_large_is_read_up_to_the_limit(announced: str) -> None:
    """Whatever Content-Length says, not a byte more than the limit is kept."""

    async def body(pieces: Iterator[bytes]) -> AsyncIterator[bytes]:
        for each in pieces:
            yield each

    assert asyncio.run(gather(body(iter([b"ab", b"c"])), announced, 3)) == b"abc"
    left = iter([b"ab", b"cd", b"ef"])
    with pytest.raises(Unreadable, match=r"limit of 3 bytes \(limits.wire_bytes\)$"):
        asyncio.run(gather(body(left), announced, 3))
    assert list(left) == [b"ef"]


def test_a_large_answer_ends_at_the_limit(origin: Origin) -> None:
    """Over the wire too: neither what is announced nor what comes in chunks is taken in."""
    page = (
        origin.page("/a")
        .then(Answer(200, body=b"x" * 300_000))
        .always(Answer(200, body=b"x" * 50_000_000, framing="chunked"))
    )

    announced, chunked = polls(origin.url("/a"), 2, limits=FetchLimits(wire_bytes=100_000))

    assert "300,000 are announced" in str(announced)
    assert "(limits.wire_bytes)" in str(chunked)
    assert page.requests[1].body_sent < 25_000_000


def test_a_document_that_is_too_large_says_what_came(origin: Origin) -> None:
    """After decompression: the limit's key, and the bytes of the wire."""
    origin.page("/a").serve(FEED + " " * 10_000, gzip=True)

    (answer,) = polls(origin.url("/a"), 1, limits=FetchLimits(decoded_bytes=5_000))

    assert "larger than the limit of 5,000 bytes (limits.decoded_bytes); it came as " in str(answer)


def test_the_configuration_reaches_every_limit(origin: Origin, tmp_path: Path) -> None:
    """`[limits]` of a file is what the program holds origins to."""
    origin.page("/wire").serve(FEED)
    origin.page("/decoded").serve(FEED + " " * 10_000, gzip=True)
    origin.page("/slow").serve(FEED, delay=1.5)
    origin.page("/hops").redirect("/wire", 302)
    reasons = {
        "wire": "(limits.wire_bytes)",
        "decoded": "(limits.decoded_bytes)",
        "slow": "(limits.seconds)",
        "hops": "(limits.redirects)",
    }
    file = tmp_path / "config.toml"
    file.write_text(
        f"""
        feeds = {[origin.url(f"/{path}") for path in reasons]}
        [limits]
        seconds = 0.3
        connect_seconds = 0.2
        wire_bytes = 900
        decoded_bytes = 5000
        redirects = 0
        """,
        "utf-8",
    )

    done = cli(tmp_path, "--once", "--config", str(file))

    assert settle(Wanted(), read_file(file)).limits.connect_seconds == 0.2
    for path, reason in reasons.items():
        (line,) = (line for line in done.stderr.splitlines() if line.endswith(f"/{path}"))
        assert reason in line


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")
def test_a_bomb_costs_no_memory(origin: Origin, tmp_path: Path) -> None:
    """100 KB of gzip that hold 100 MiB: the whole program stays below 64 MiB."""
    encoder = zlib.compressobj(9, wbits=31)
    bomb = b"".join([*(encoder.compress(bytes(MIB)) for _ in range(100)), encoder.flush()])
    origin.page("/a").always(Answer(200, {"Content-Encoding": "gzip"}, bomb))
    script = (
        "import re, pathlib; from efficient_status.main import main; status = main();"
        "print(status, re.search(r'VmHWM:\\s+(\\d+)', pathlib.Path('/proc/self/status').read_text())[1])"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, "--once", "--feed", origin.url("/a")],
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )

    status, peak = done.stdout.split()
    assert len(bomb) < 110_000
    assert "(limits.decoded_bytes)" in done.stderr
    assert status == "1"
    assert int(peak) * 1024 < 64 * MIB
