"""Exceptions of the libraries beneath us are a page's failure, not a bug that stops at nothing."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import RequestReceived

from efficient_status.errors import Unreachable
from tests.fetch.onion import FEED, door, fetching, poll, sources, trusting
from tests.origin import Origin

DATA_OF_NO_STREAM = bytes(9)  # RFC 9113 6.1: a connection error


async def _misspeak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Begin an answer as HTTP/2 wants it, and go on as it forbids."""
    h2 = H2Connection(H2Configuration(client_side=False))
    h2.initiate_connection()
    with suppress(OSError):
        writer.write(h2.data_to_send())
        while data := await reader.read(65_536):
            asked = [e for e in h2.receive_data(data) if isinstance(e, RequestReceived)]
            for event in asked:
                assert event.stream_id is not None
                h2.send_headers(event.stream_id, [(":status", "200")])
            writer.write(h2.data_to_send())
            if asked:
                await writer.drain()
                await asyncio.sleep(0.02)
                writer.write(DATA_OF_NO_STREAM)
    writer.close()


def test_a_server_that_breaks_http2_within_a_body_is_unreachable() -> None:
    """httpcore hands on what h2 raises there."""

    async def work(identity: Origin) -> object:
        assert identity._identity is not None
        server = await asyncio.start_server(
            _misspeak, "127.0.0.1", 0, ssl=identity._identity.context
        )
        async with server, fetching(tls=trusting(identity)) as fetcher:
            port = server.sockets[0].getsockname()[1]
            return await poll(fetcher, f"https://127.0.0.1:{port}/", may_retry=False)

    with Origin(http2=True) as identity:
        answer = asyncio.run(work(identity))
    assert isinstance(answer, Unreachable)
    assert "the connection failed" in str(answer)


def test_a_request_that_is_given_up_halfway_damages_no_later_one() -> None:
    """httpcore's connection would go on to say «semaphore released too many times»."""

    async def work(origin: Origin) -> list[str]:
        async with fetching(tls=trusting(origin)) as fetcher:
            asking = asyncio.create_task(fetcher.fetch(origin.url("/feed")))
            # A new connection counts its streams down from 100, one step of the loop each.
            while "AsyncSemaphore.acquire" not in _stack(asking):
                await asyncio.sleep(0)
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking
            assert all(each.idle is None for each in door(fetcher)._origins.values())
            return sources([await poll(fetcher, origin.url("/feed"), may_retry=False)])

    with Origin(http2=True) as origin:
        origin.page("/feed").serve(FEED, etag='"a"')
        assert asyncio.run(work(origin)) == ["changed"]


def _stack(task: asyncio.Task[Any]) -> list[str]:
    """The coroutines that a task is in."""
    names: list[str] = []
    coroutine: object = task.get_coro()
    while coroutine is not None:
        names.append(getattr(coroutine, "__qualname__", ""))
        coroutine = getattr(coroutine, "cr_await", None)
    return names
