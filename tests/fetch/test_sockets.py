"""Connections on asyncio's own transports: addresses, ends, TLS, and what a failure says."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import httpcore
import pytest

from efficient_status.errors import Unreachable, Unreadable
from efficient_status.fetch import Fetcher, FetchLimits
from efficient_status.fetch.sockets import Tcp
from tests.fetch.onion import FEED, door, poll, polls, run, sources, trusting
from tests.origin import Answer, Origin

SOON = FetchLimits(connect_seconds=2.0)
QUICK = FetchLimits(seconds=2.0, connect_seconds=0.3)


def resolving(monkeypatch: pytest.MonkeyPatch, *addresses: str) -> str:
    """A name that the resolver knows by these addresses, in this order."""

    async def answer(_loop: object, _host: str, port: int, **_: object) -> object:
        return [
            (socket.AF_INET6 if ":" in each else socket.AF_INET, 1, 6, "", (each, port))
            for each in addresses
        ]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", answer)
    return "many.example.test"


@pytest.fixture
def black_hole() -> Iterator[tuple[str, int]]:
    """An address that never answers: a listener whose queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.66", 0))
        listener.listen(0)
        for _ in range(3):
            client = stack.enter_context(socket.socket())
            client.setblocking(False)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()


def test_a_black_hole_costs_a_head_start_and_not_the_poll(
    black_hole: tuple[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The next address is tried beside it (RFC 8305), and its connection is given up."""
    address, port = black_hole
    with Origin(port=port) as origin:
        origin.page("/feed").serve(FEED)
        name = resolving(monkeypatch, address, "127.0.0.1")

        (answer,) = polls(origin.url("/feed").replace("127.0.0.1", name), 1, limits=SOON)

        assert sources([answer]) == ["changed"]


def test_a_refused_address_is_followed_by_the_next_at_once(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No head start is waited for; families take turns."""
    origin.page("/feed").serve(FEED)
    name = resolving(monkeypatch, "127.0.0.70", "127.0.0.71", "127.0.0.1")

    answers = polls(origin.url("/feed").replace("127.0.0.1", name), 1)

    assert sources(answers) == ["changed"]
    assert origin.connections == 1


def test_no_answer_to_the_connection_is_said_within_its_limit(
    black_hole: tuple[str, int],
) -> None:
    """`connect_seconds`, which is shorter than the poll's."""
    address, port = black_hole

    async def work(fetcher: Fetcher) -> str:
        return str(await poll(fetcher, f"http://{address}:{port}/feed", may_retry=False))

    assert run(work, limits=QUICK) == "no connection within 0.3 s (limits.connect_seconds)"


def test_what_cannot_be_connected_says_why(origin: Origin) -> None:
    """Refused, with address and port; a name that is none."""
    port = origin.port
    origin.stop()

    async def work(fetcher: Fetcher) -> list[str]:
        urls = [f"http://127.0.0.1:{port}/feed", "http://no-such-host.invalid/feed"]
        return [str(await poll(fetcher, url, may_retry=False)) for url in urls]

    refused, unknown = run(work)
    assert refused == f"connection refused by 127.0.0.1 port {port}"
    assert unknown == "its name cannot be resolved (no network, or no such host)"


@pytest.mark.parametrize(
    ("what", "said"),
    [
        ("expired", "its TLS certificate is not valid: certificate has expired"),
        ("wrong host", "its TLS certificate is not valid: IP address mismatch"),
        ("unknown CA", "its TLS certificate is not valid: unable to get local issuer certificate"),
        ("plain HTTP", "the TLS handshake failed (wrong version number)"),
        ("silent", "no TLS handshake within 0.3 s (limits.connect_seconds)"),
        ("closes", "the TLS handshake failed (the server closed the connection)"),
    ],
)
def test_tls_that_fails_says_what_is_wrong(what: str, said: str) -> None:
    """Expired, wrong host, unknown authority, no TLS at all: the line says which."""
    names = ("other.example.test",) if what == "wrong host" else ("127.0.0.1",)
    with ExitStack() as stack:
        if what in NO_TLS:
            port = stack.enter_context(answering(NO_TLS[what])).getsockname()[1]
            url, options = f"https://127.0.0.1:{port}/feed", {}
        else:
            origin = Origin(tls=True, tls_names=names, expired=what == "expired")
            url = stack.enter_context(origin).url("/feed")
            options = {} if what == "unknown CA" else {"tls": trusting(origin)}

        async def work(fetcher: Fetcher) -> str:
            answer = await poll(fetcher, url, may_retry=False)
            assert isinstance(answer, Unreachable)
            return str(answer)

        assert run(work, limits=QUICK, **options).startswith(said)


NO_TLS = {"plain HTTP": b"HTTP/1.1 400 Bad Request\r\n\r\n", "closes": b"", "silent": None}


def answering(reply: bytes | None) -> socket.socket:
    """A listener that says this to whatever is sent, and closes; None = it stays silent."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(65_536)
            if reply is None:
                connection.recv(65_536)  # until the client goes
            else:
                with suppress(OSError):  # it may have seen enough
                    connection.sendall(reply)

    threading.Thread(target=serve, daemon=True).start()
    return listener


@pytest.mark.parametrize("tls", [False, True])
def test_an_end_between_polls_frees_the_descriptor_at_once(tls: bool) -> None:
    """Nothing is left half closed until the next poll, which opens a new connection."""
    with Origin(tls=tls) as origin:
        origin.page("/feed").serve(FEED, etag='"a"')

        async def work(fetcher: Fetcher) -> list[str]:
            answers = [await poll(fetcher, origin.url("/feed"))]
            (kept,) = door(fetcher)._origins.values()
            assert kept.idle is not None
            assert not kept.idle.has_expired()
            await asyncio.to_thread(origin.close_idle, "fin")
            for _ in range(200):
                if kept.idle.has_expired():
                    break
                await asyncio.sleep(0.005)
            transport = kept.idle._connection._network_stream  # type: ignore[attr-defined]
            tcp = getattr(transport, "_tcp", transport)
            await asyncio.sleep(0)
            assert tcp._transport.is_closing()
            answers.append(await poll(fetcher, origin.url("/feed")))
            return sources(answers)

        options = {"tls": trusting(origin)} if tls else {}
        assert run(work, **options) == ["changed", "unchanged"]


async def connected() -> tuple[Tcp, asyncio.StreamWriter, asyncio.Server]:
    """Our end of a connection, and the other one's writer."""
    met: asyncio.Future[asyncio.StreamWriter] = asyncio.get_running_loop().create_future()
    server = await asyncio.start_server(lambda _r, writer: met.set_result(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    _, tcp = await asyncio.get_running_loop().create_connection(Tcp, "127.0.0.1", port)
    return tcp, await met, server


def test_what_comes_unasked_is_bounded() -> None:
    """A server that sends on between polls is not read any further than a little."""

    async def work() -> tuple[int, bool]:
        tcp, writer, server = await connected()
        writer.write(b"x" * 20_000_000)
        for _ in range(100):
            await asyncio.sleep(0.002)
        held = len(tcp._received)
        readable = bool(tcp.get_extra_info("is_readable"))
        writer.transport.abort()
        tcp.close()
        server.close()
        return held, readable

    held, readable = asyncio.run(work())
    assert held <= 65_536 + 262_144  # one read more than the bound
    assert readable  # and so the connection is not used again


def test_more_than_one_answer_may_have_is_refused() -> None:
    """Whatever it is made of: counted as it comes in, renewed with the end of an answer."""

    async def work() -> list[int | str]:
        tcp, writer, server = await connected()
        tcp.bound(1_000, 1.0)
        seen: list[int | str] = []
        for size, renew in ((600, True), (600, False), (600, False)):
            writer.write(b"x" * size)
            try:
                seen.append(len(await tcp.read(65_536)))
            except Unreadable as error:
                seen.append(str(error))
            if renew:
                tcp.renew()
        tcp.close()
        writer.close()
        server.close()
        return seen

    assert asyncio.run(work()) == [
        600,
        600,
        "sends more than one answer may have (limits.wire_bytes)",
    ]


def test_interim_answers_without_end_are_refused() -> None:
    """1xx for ever is no body, and is counted all the same."""
    listener = answering(b"HTTP/1.1 103 Early Hints\r\n\r\n" * 20_000)
    with listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/feed"

        async def work(fetcher: Fetcher) -> str:
            return str(await poll(fetcher, url, may_retry=False))

        limits = FetchLimits(wire_bytes=50_000)
        assert run(work, limits=limits) == "sends more than one answer may have (limits.wire_bytes)"


def test_header_fields_are_bounded(origin: Origin) -> None:
    """Too many, too large, or without end: refused within bounds."""
    page = origin.page("/feed")

    def one(answer: Answer, headers: int = 200) -> str:
        page.always(answer)

        async def work(fetcher: Fetcher) -> str:
            return str(await poll(fetcher, origin.url("/feed"), may_retry=False))

        return run(work, limits=FetchLimits(headers=headers))

    many = {f"X-{n}": "y" for n in range(300)}
    assert "header fields, the limit is 200 (limits.headers)" in one(Answer(200, many, body=FEED))
    big = {"X-Big": "y" * 70_000}
    said = "bytes of header fields, the limit is 65,536 (limits.header_bytes)"
    assert said in one(Answer(200, big, body=FEED))
    assert "the connection failed" in one(Answer(200, {"X-Big": "y" * 200_000}, body=FEED))
    assert "the limit is 5 (limits.headers)" in one(
        Answer(200, {f"X-{n}": "y" for n in range(9)}, body=FEED), headers=5
    )


def test_writing_to_what_has_ended_is_an_error_of_the_connection() -> None:
    """So that a kept connection is replaced, and nothing is logged by asyncio."""

    async def work() -> None:
        tcp, writer, server = await connected()
        writer.transport.abort()
        while not tcp.ended:
            await asyncio.sleep(0.001)
        with pytest.raises(httpcore.WriteError):
            await tcp.write(b"GET")
        server.close()

    asyncio.run(work())
