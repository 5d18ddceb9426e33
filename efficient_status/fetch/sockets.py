"""TCP and TLS for httpcore, on asyncio's own transports (`httpcore.AsyncNetworkBackend`).

Against httpcore's default backend an unchanged poll saves half of its CPU time: no cancel scope an
operation, since the exchange has one deadline, and no time-out of its own here.  And this is where
an address is seen before it is connected to (`reach`), and where a failure still has a reason.

- The addresses of a host are tried in the resolver's order, the families in turn, 250 ms apart
  (Happy Eyeballs, RFC 8305 4-5): a black hole in IPv6 costs that, not a minute.
- What comes in between two polls is read and kept, up to a bound; an end is noticed at once and the
  descriptor freed.
- TLS is run over memory BIOs here, 16 KiB a connection; asyncio's own TLS reserves 256 KiB.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterable
from itertools import chain, zip_longest
from typing import Any

import httpcore

from efficient_status.errors import Barred, Unreachable, Unreadable
from efficient_status.fetch.reach import Reach
from efficient_status.urls import literal

_HEAD_START = 0.25  # seconds that an address is given before the next one is tried too
_AHEAD = 65_536  # bytes that are taken in before anybody reads them
_OVERHEAD = 131_072  # bytes of an answer beside its body: fields, framing, a handshake


class Sockets(httpcore.AsyncNetworkBackend):
    """Connects to hosts that may be reached.

    Args:
        seconds: for the connection, and as many for its TLS handshake.
        body_bytes: that the body of one answer may have.
    """

    def __init__(self, reach: Reach, *, seconds: float, body_bytes: int) -> None:
        self._reach = reach
        self._seconds = seconds
        self._allowance = body_bytes + _OVERHEAD

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - httpcore's signature
        local_address: str | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        """Connect to the first address that answers.

        Raises:
            Barred: the host's addresses are none of the internet's.
            Unreachable: no look-up, no route, no connection in time.
        """
        try:
            async with asyncio.timeout(self._seconds):
                addresses = self._permitted(host, await _look_up(host, port))
                connection = await _first(addresses, port, self._seconds)
        except TimeoutError as error:
            raise Unreachable(
                f"no connection within {self._seconds:g} s (limits.connect_seconds)"
            ) from error
        connection.bound(self._allowance, self._seconds)
        return connection

    def _permitted(self, host: str, addresses: list[str]) -> list[str]:
        permitted = [each for each in addresses if self._reach.permits(host, each)]
        if not permitted:
            raise Barred(
                f"{host} leads to {addresses[0]}, which is not a public address: not asked "
                "(if it is meant, name it in allow_hosts)"
            )
        return permitted


async def _look_up(host: str, port: int) -> list[str]:
    """The host's addresses, the families in turn, the resolver's favourite first."""
    if (known := literal(host)) is not None:  # needs no thread
        return [str(known)]
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError) as error:
        raise Unreachable("its name cannot be resolved (no network, or no such host)") from error
    families: dict[int, list[str]] = {}
    for family, _, _, _, address in found:
        families.setdefault(family, []).append(str(address[0]))
    in_turn = chain.from_iterable(zip_longest(*families.values()))
    return list(dict.fromkeys(each for each in in_turn if each is not None))


async def _first(addresses: list[str], port: int, seconds: float) -> Tcp:
    """The connection that stands first; the attempts behind it are given up."""
    if len(addresses) == 1:
        return await _connected(addresses[0], port)
    waiting = list(addresses)
    failures: list[Unreachable] = []
    running: set[asyncio.Task[Tcp]] = set()
    try:
        while waiting or running:
            if waiting:
                running.add(asyncio.create_task(_connected(waiting.pop(0), port)))
            patience = _HEAD_START if waiting else seconds
            done, _ = await asyncio.wait(
                running, timeout=patience, return_when=asyncio.FIRST_COMPLETED
            )
            for task in done:
                running.discard(task)
                try:
                    return task.result()
                except Unreachable as error:
                    failures.append(error)
    finally:
        for task in running:
            task.add_done_callback(_put_away)
            task.cancel()
    raise failures[0]


def _put_away(task: asyncio.Task[Tcp]) -> None:
    """Close a connection that came too late."""
    if not task.cancelled() and task.exception() is None:
        task.result().close()


async def _connected(address: str, port: int) -> Tcp:
    loop = asyncio.get_running_loop()
    try:
        _, connection = await loop.create_connection(Tcp, address, port)
    except ConnectionRefusedError as error:
        raise Unreachable(f"connection refused by {address} port {port}") from error
    except OSError as error:
        raise Unreachable(f"no connection to {address} ({_reason(error)})") from error
    return connection


def _reason(error: OSError) -> str:
    return (error.strerror or str(error) or type(error).__name__).lower()


class Tcp(asyncio.Protocol, httpcore.AsyncNetworkStream):
    """One TCP connection."""

    _transport: asyncio.Transport

    def __init__(self) -> None:
        self._allowance = self._left = 0  # bytes that may come in for one answer; yet
        self._sent = 0  # bytes since the last answer
        self._handshake = 0.0  # seconds
        self._received = bytearray()
        self._ended = False
        self._failure: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """See `asyncio.Protocol`."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """See `asyncio.Protocol`."""
        self._received += data
        if len(self._received) > _AHEAD:
            self._transport.pause_reading()
            self._paused = True
        self._wake()

    def eof_received(self) -> None:
        """See `asyncio.Protocol`: nothing to send either, so the transport closes."""
        self._ended = True
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `asyncio.Protocol`."""
        self._ended = True
        self._failure = exc
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def read(
        self,
        max_bytes: int,  # noqa: ARG002 - what is there is given, it is bounded already
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
    ) -> bytes:
        """What has come in; waits for something; b"" at the end.

        Raises:
            httpcore.ReadError: the connection broke.
            Unreadable: more came than one answer may have.
        """
        while not self._received:
            if self._failure is not None:
                raise httpcore.ReadError(str(self._failure)) from self._failure
            if self._ended:
                return b""
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        data = bytes(self._received)
        self._received.clear()
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        self._left -= len(data)
        if self._left < 0:
            raise Unreadable("sends more than one answer may have (limits.wire_bytes)")
        return data

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
    ) -> None:
        """Send; requests are small, so nothing waits.

        Raises:
            httpcore.WriteError: the connection has ended.
        """
        if self._ended:
            raise httpcore.WriteError("the connection has ended")
        if buffer:
            self._sent += len(buffer)
            self._transport.write(buffer)

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """See `tls.secured`."""
        from efficient_status.fetch.tls import secured  # plain http does not pay for it

        try:
            async with asyncio.timeout(self._handshake):
                return await secured(self, ssl_context, server_hostname)
        except TimeoutError as error:
            raise Unreachable(
                f"no TLS handshake within {self._handshake:g} s (limits.connect_seconds)"
            ) from error

    def get_extra_info(self, info: str) -> Any:
        """The `server_addr`; or whether an idle connection has anything to say (`is_readable`).

        That can only be its end.
        """
        if info == "server_addr":
            return self._transport.get_extra_info("peername")
        return (self._ended or bool(self._received)) if info == "is_readable" else None

    def bound(self, answer: int, handshake: float) -> None:
        """So many bytes may come in for one answer; a TLS handshake takes so many seconds."""
        self._allowance = self._left = answer
        self._handshake = handshake

    def renew(self) -> tuple[int, int]:
        """An answer has come to its end: the bytes sent and received since the last one."""
        bytes_ = self._sent, self._allowance - self._left
        self._left, self._sent = self._allowance, 0
        return bytes_

    @property
    def ended(self) -> bool:
        """Whether the peer has closed."""
        return self._ended

    def pending(self) -> bytes:
        """What has come in unasked, taken without waiting."""
        data = bytes(self._received)
        self._received.clear()
        return data

    def close(self) -> None:
        """Close at once."""
        self._transport.close()

    async def aclose(self) -> None:
        """See `httpcore.AsyncNetworkStream`."""
        self.close()
