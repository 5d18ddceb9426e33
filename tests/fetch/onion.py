"""Driving the real onion against the loopback origin."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

import httpx

from efficient_status.errors import PageError
from efficient_status.fetch import Fetched, Fetcher, Gate, Reach
from efficient_status.fetch.origins import Origins
from efficient_status.fetch.tls import client_context
from tests.feeds import Report, incidentio
from tests.origin import Origin

FEED = incidentio(Report("01A"))
T = TypeVar("T")


@asynccontextmanager
async def fetching(cache: Path | str = ":memory:", **options: Any) -> AsyncIterator[Fetcher]:
    """A fetcher that is closed at the end."""
    options.setdefault("reach", Reach(["127.0.0.0/8", "::1/128"]))
    fetcher = Fetcher(cache, gate=Gate(0.0), **options)
    try:
        yield fetcher
    finally:
        await fetcher.aclose()


async def poll(fetcher: Fetcher, url: str, **options: Any) -> Fetched | PageError:
    """One poll as the poller makes it: a feed is kept, a failure is a value."""
    try:
        fetched = await fetcher.fetch(url, **options)
    except PageError as error:
        return error
    fetcher.keep(fetched)
    return fetched


def polls(url: str, times: int = 2, **options: Any) -> list[Fetched | PageError]:
    """So many polls of one page, one after another."""

    async def work(fetcher: Fetcher) -> list[Fetched | PageError]:
        return [await poll(fetcher, url) for _ in range(times)]

    return run(work, **options)


def run(work: Callable[[Fetcher], Coroutine[Any, Any, T]], **options: Any) -> T:
    """Run a coroutine function with a fetcher."""

    async def inside() -> T:
        async with fetching(**options) as fetcher:
            return await work(fetcher)

    return asyncio.run(inside())


def trusting(*origins: Origin) -> Callable[[], ssl.SSLContext]:
    """A maker of the TLS context that trusts these origins' CAs."""

    def make() -> ssl.SSLContext:
        context = client_context()
        for origin in origins:
            context.load_verify_locations(cafile=origin.ca_file)
        return context

    return make


def sources(answers: list[Fetched | PageError]) -> list[str]:
    """`changed`, `unchanged`, `fresh`, or the error's class."""
    return [
        answer.source if isinstance(answer, Fetched) else type(answer).__name__
        for answer in answers
    ]


def rows(fetcher: Fetcher) -> int:
    """How many entries the cache's database holds."""
    count = fetcher.store._database.connection.execute("SELECT count(*) FROM page").fetchone()[0]
    assert isinstance(count, int)
    return count


def door(fetcher: Fetcher) -> Origins:
    """The innermost transport."""
    inner: httpx.AsyncBaseTransport = fetcher._cache.next_transport
    while not isinstance(inner, Origins):
        inner = inner._inner  # type: ignore[attr-defined]
    return inner
