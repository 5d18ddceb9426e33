"""Contenders that poll pages in a process of their own, round after round, on command.

    python -m benchmarks.workers KIND < JSON lines

The first line is a `Task`; each further one is "POLLS GAP": poll so many pages in turn, with GAP
seconds between two, and answer with the CPU seconds that took.
"""

from __future__ import annotations

import asyncio
import json
import ssl
import subprocess
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from benchmarks.meters import cpu_seconds, pin
from benchmarks.origin import raise_file_limit
from benchmarks.program import environment

POOL = httpx.Limits(max_connections=2, max_keepalive_connections=1, keepalive_expiry=3600)


@dataclass(frozen=True, slots=True)
class Task:
    """What a contender is to do.

    Attributes:
        headers: for contenders that do not find their own, the program's own conditional request.
        folder: for caches.
    """

    urls: Sequence[str]
    headers: Sequence[Sequence[str]]
    folder: str
    http2: bool = False


class Worker:
    """The handle on a contender's process; `round` is what is measured."""

    def __init__(self, kind: str, task: Task, trusted: Path | None = None) -> None:
        folder = Path(task.folder)
        folder.mkdir(parents=True, exist_ok=True)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "benchmarks.workers", kind],
            env=environment(folder, trusted),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        pin(self._process.pid, 1)
        self._ask(json.dumps(asdict(task)))

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def round(self, polls: int, gap: float = 0.0) -> float:
        """Poll so many times; CPU of one poll in µs."""
        before = cpu_seconds(self.pid)
        self._ask(f"{polls} {gap}")
        return (cpu_seconds(self.pid) - before) / polls * 1e6

    def _ask(self, line: str) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if answer != "done\n":
            raise RuntimeError(f"a contender gave up: {answer!r}")

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


Poll = Callable[[int], Awaitable[None]]  # polls the page of this number


async def bare(task: Task) -> Poll:
    """The floor: one `AsyncHTTPTransport` an origin, requests prepared once, answers read."""
    transports = _transports(task)
    requests = _requests(task)

    async def poll(number: int) -> None:
        response = await transports[number].handle_async_request(requests[number])
        await response.aread()
        _check(response.status_code == 304)

    return poll


async def ours(task: Task) -> Poll:
    """`Poller.poll`, page after page."""
    app = _app(task)
    await app.scheduler.once()

    async def poll(number: int) -> None:
        outcome = await app.poller.poll(app.pages[number])
        _check(outcome.outcome == "unchanged")

    return poll


async def ours_once(task: Task) -> Poll:
    """`Scheduler.once`, all pages with up to 32 at the same time; one call a hundred polls."""
    app = _app(task)

    async def poll(number: int) -> None:
        if number == 0:
            _check(not await app.scheduler.once())

    return poll


async def bare_once(task: Task) -> Poll:
    """The floor with up to 32 at the same time, driven as `Scheduler.once` drives."""
    one = await bare(task)

    async def poll(number: int) -> None:
        if number:
            return
        turns = asyncio.Semaphore(32)

        async def in_turn(page: int) -> None:
            async with turns:
                await one(page)

        async with asyncio.TaskGroup() as group:
            for page in range(len(task.urls)):
                group.create_task(in_turn(page))

    return poll


async def hishel_sqlite(task: Task) -> Poll:
    """Stock hishel with its SQLite storage, spared the client and the shared pool."""
    from hishel import AsyncSqliteStorage, CacheOptions
    from hishel.httpx import AsyncCacheTransport

    storage = AsyncSqliteStorage(database_path=Path(task.folder) / "hishel.sqlite3")
    options = CacheOptions(shared=False)
    caches = [AsyncCacheTransport(each, storage, options) for each in _transports(task)]
    plain = _plain(task)

    async def poll(number: int) -> None:
        request = httpx.Request("GET", task.urls[number], headers=plain)
        response = await caches[number].handle_async_request(request)
        await response.aclose()
        _check(response.extensions["caching"]["revalidated"])

    await _warm(caches, task, plain)
    return poll


async def hishel_client(task: Task) -> Poll:
    """Stock hishel as its documentation shows it: a client, one pool for all, SQLite."""
    from hishel import AsyncSqliteStorage, CacheOptions
    from hishel.httpx import AsyncCacheClient

    client = AsyncCacheClient(
        storage=AsyncSqliteStorage(database_path=Path(task.folder) / "client.sqlite3"),
        rfc=CacheOptions(shared=False),
        http2=task.http2,
        limits=httpx.Limits(max_keepalive_connections=len(task.urls), keepalive_expiry=3600),
        headers=_plain(task),
    )
    for url in task.urls:
        await client.get(url)

    async def poll(number: int) -> None:
        response = await client.get(task.urls[number])
        _check(response.extensions["caching"]["revalidated"])

    return poll


def _transports(task: Task) -> list[httpx.AsyncHTTPTransport]:
    context: ssl.SSLContext = httpx.create_ssl_context()
    return [
        httpx.AsyncHTTPTransport(verify=context, http2=task.http2, limits=POOL) for _ in task.urls
    ]


def _requests(task: Task) -> list[httpx.Request]:
    timeout = httpx.Timeout(30.0).as_dict()
    pairs = [(name, value) for name, value in task.headers]
    return [
        httpx.Request("GET", url, headers=pairs, extensions={"timeout": timeout})
        for url in task.urls
    ]


def _plain(task: Task) -> list[tuple[str, str]]:
    return [(name, value) for name, value in task.headers if not name.lower().startswith("if-")]


async def _warm(
    caches: Sequence[httpx.AsyncBaseTransport], task: Task, headers: list[tuple[str, str]]
) -> None:
    for cache, url in zip(caches, task.urls, strict=True):
        response = await cache.handle_async_request(httpx.Request("GET", url, headers=headers))
        await response.aread()


def _app(task: Task) -> Any:
    from tests.app import App

    return App(*task.urls, folder=Path(task.folder), interval=30.0, http2=task.http2)


def _check(as_expected: bool) -> None:
    if not as_expected:
        raise RuntimeError("a poll was not what it was to be: unchanged")


KINDS: Mapping[str, Callable[[Task], Awaitable[Poll]]] = {
    "bare": bare,
    "bare-once": bare_once,
    "ours": ours,
    "ours-once": ours_once,
    "hishel-sqlite": hishel_sqlite,
    "hishel-client": hishel_client,
}


async def _work(kind: str) -> None:
    raise_file_limit()
    task = Task(**json.loads(sys.stdin.readline()))
    poll = await KINDS[kind](task)
    for number in range(len(task.urls)):  # every connection is made before anything is measured
        await poll(number)
    print("done", flush=True)
    turn = 0
    while line := await asyncio.to_thread(sys.stdin.readline):
        polls, gap = line.split()
        for _ in range(int(polls)):
            await poll(turn % len(task.urls))
            turn += 1
            if float(gap):
                await asyncio.sleep(float(gap))
        print("done", flush=True)


def captured_headers(seconds: float = 20.0) -> list[tuple[str, str]]:
    """The header lines of the program's own conditional request, as a server saw them."""
    from benchmarks.program import prepare

    async def capture() -> bytes:
        heads: list[bytes] = []

        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            from benchmarks.feeds import incidentio_feed

            heads.append(await reader.readuntil(b"\r\n\r\n"))
            body = incidentio_feed()
            head = f'HTTP/1.1 200 OK\r\nETag: "e"\r\nContent-Length: {len(body)}\r\n'
            writer.write(f"{head}Connection: close\r\n\r\n".encode() + body)
            await writer.drain()
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        program = prepare("headers", [f"http://127.0.0.1:{port}/feed.rss"])
        async with server:
            for _ in range(2):
                await asyncio.wait_for(asyncio.to_thread(program.once), seconds)
        return heads[-1]

    lines = asyncio.run(capture()).decode("ascii").split("\r\n")[1:-2]
    pairs = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return [pair for pair in pairs if pair[0].lower() != "host"]


def with_etag(
    headers: Sequence[tuple[str, str]], url: str, trusted: Path | None = None
) -> list[tuple[str, str]]:
    """The same header lines, with the validators of this page."""
    context = ssl.create_default_context(cafile=trusted) if trusted else None
    plain = [pair for pair in headers if not pair[0].lower().startswith("if-")]
    answer = httpx.get(url, headers=plain, verify=context or True, trust_env=False)
    wanted = (("If-None-Match", "etag"), ("If-Modified-Since", "last-modified"))
    found = [(name, answer.headers[key]) for name, key in wanted if key in answer.headers]
    return [*plain, *found]


if __name__ == "__main__":
    asyncio.run(_work(sys.argv[1]))
