"""A cheap HTTP/1.1 origin in a process of its own, and the handle on it.

It answers from fixed byte strings: 304 where the request is conditional, else 200 with a feed; and
counts.  All of 127.0.0.0/8 reaches it, so that one socket is thousands of origins.

    /stats               its counters, as JSON
    …/summary.json       Statuspage's API on a good day
    anything else        the feed
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import json
import resource
import ssl
import subprocess
import sys
import urllib.request
from collections import Counter
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.feeds import incidentio_feed, summary
from benchmarks.meters import pin

_ETAG = b'ETag: "0123456789abcdef0123456789abcdef"\r\n'


class _Answers:
    """The byte strings, and the counters."""

    def __init__(self, *, close: bool, max_age: int) -> None:
        self.close = close
        self.count: Counter[str] = Counter()
        control = b"max-age=%d, private, must-revalidate" % max_age
        self._common = (
            b"Server: origin\r\nDate: Sun, 01 Mar 2026 12:00:00 GMT\r\n"
            b"Cache-Control: " + control + b"\r\n" + (b"Connection: close\r\n" if close else b"")
        )
        self.unchanged = b"HTTP/1.1 304 Not Modified\r\n" + self._common + _ETAG + b"\r\n"
        body = gzip.compress(incidentio_feed(), mtime=0)
        self.feed = self._whole(b"application/rss+xml", body, b"Content-Encoding: gzip\r\n" + _ETAG)
        self.summary = self._whole(
            b"application/json", gzip.compress(summary(), mtime=0), b"Content-Encoding: gzip\r\n"
        )

    def _whole(self, kind: bytes, body: bytes, more: bytes = b"") -> bytes:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: %s\r\nContent-Length: %d\r\n" % (kind, len(body))
        return head + self._common + more + b"\r\n" + body

    def to(self, request: bytes) -> bytes:
        """The answer to one request head, counted."""
        path = request.split(b" ", 2)[1]
        if path == b"/stats":
            return self._whole(b"application/json", json.dumps(self.count).encode())
        self.count["requests"] += 1
        self.count["received"] += len(request)
        if b"\r\nif-none-match: " in request.lower():
            answer = self.unchanged
            self.count["unchanged"] += 1
        else:
            answer = self.summary if path.endswith(b"/summary.json") else self.feed
        self.count["sent"] += len(answer)
        return answer


class _Speaker(asyncio.Protocol):
    """One connection."""

    def __init__(self, answers: _Answers) -> None:
        self._answers = answers
        self._pending = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._answers.count["connections"] += 1

    def data_received(self, data: bytes) -> None:
        self._pending += data
        while (end := self._pending.find(b"\r\n\r\n")) >= 0:
            request, self._pending = self._pending[: end + 4], self._pending[end + 4 :]
            self._transport.write(self._answers.to(request))
            if self._answers.close:
                self._transport.close()


def raise_file_limit() -> None:
    """As many open files as this user may have."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


async def _serve(options: argparse.Namespace) -> None:
    raise_file_limit()
    answers = _Answers(close=options.close, max_age=options.max_age)
    context = None
    if options.chain:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(options.chain, options.key)
    loop = asyncio.get_running_loop()
    servers = [
        await loop.create_server(
            lambda: _Speaker(answers), options.host, 0, ssl=context, backlog=4096
        )
        for _ in range(options.ports)
    ]
    control = await loop.create_server(lambda: _Speaker(answers), "127.0.0.1", 0)
    ports = [server.sockets[0].getsockname()[1] for server in (*servers, control)]
    print(json.dumps(ports), flush=True)
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--ports", type=int, default=1)
    parser.add_argument("--host", default="0.0.0.0")
    parser.add_argument("--close", action="store_true")
    parser.add_argument("--max-age", type=int, default=0)
    parser.add_argument("--chain")
    parser.add_argument("--key")
    asyncio.run(_serve(parser.parse_args()))


class Origin:
    """The handle: starts the process, reads its counters, ends it.

    Args:
        ports: sockets; each is an origin of its own on 127.0.0.1.
        close: close the connection after each answer.
        max_age: seconds of freshness that each answer claims.
        tls: (chain, key) files, to speak TLS.
    """

    def __init__(
        self,
        ports: int = 1,
        *,
        close: bool = False,
        max_age: int = 0,
        tls: tuple[Path, Path] | None = None,
    ) -> None:
        self._secure = tls is not None
        command = [sys.executable, "-m", "benchmarks.origin", "--ports", str(ports)]
        command += ["--max-age", str(max_age)] + ["--close"] * close
        if tls:
            command += ["--chain", str(tls[0]), "--key", str(tls[1])]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        *self.ports, self._control = json.loads(self._process.stdout.readline())
        pin(self._process.pid, 0)

    def urls(self, count: int) -> list[str]:
        """Addresses of this many origins: one a port, then one a loopback address."""
        if self._secure:
            return [f"https://127.0.0.1:{port}/feed.rss" for port in self.ports[:count]]
        port = self.ports[0]
        spots = (divmod(number, 250) for number in range(count))
        return [f"http://127.1.{high}.{low + 1}:{port}/feed.rss" for high, low in spots]

    def stats(self) -> Counter[str]:
        """requests, unchanged (304), connections; received and sent: bytes of HTTP."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._control}/stats") as answer:
            found: Counter[str] = Counter(json.load(answer))
        found["connections"] -= 1
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.communicate()


if __name__ == "__main__":
    main()
