"""One accepted TCP connection, TLS removed: bytes, waiting, and the ways to end it.

It knows nothing of HTTP but the number of requests in progress, which its protocol reports.
Never used outside the origin's own loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .message import Answer

Ending: TypeAlias = Literal["fin", "rst", "goaway", "silent"]

HANDSHAKE_TIMEOUT = 10.0
"""Seconds for a TLS handshake."""

GOODBYE_TIMEOUT = 0.2
"""Seconds for the peer's close_notify, after which the TCP connection is closed anyway."""

CHUNK = 65536
_NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(slots=True)
class Tally:
    """Counters of an origin; bytes are payload, before TLS on the way out and after it in."""

    connections: int = 0
    tls_resumed: int = 0
    bytes_in: int = 0
    bytes_out: int = 0


class _Line(asyncio.StreamReaderProtocol):
    """A stream protocol that counts bytes and says at once when the client has gone."""

    def __init__(self, reader: asyncio.StreamReader, tally: Tally) -> None:
        super().__init__(reader, loop=asyncio.get_running_loop())
        self.gone = asyncio.Event()
        self.lost = False
        self.received = 0
        self._tally = tally

    def data_received(self, data: bytes) -> None:
        self.received += len(data)
        self._tally.bytes_in += len(data)
        super().data_received(data)

    def eof_received(self) -> bool | None:
        self.gone.set()
        return super().eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.gone.set()
        super().connection_lost(exc)


async def accept(
    number: int, sock: socket.socket, context: ssl.SSLContext | None, tally: Tally
) -> Wire:
    """Take over an accepted socket, and shake hands if there is a TLS context.

    Raises OSError (ssl.SSLError among them) when the client refuses or vanishes.
    """
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=CHUNK, loop=loop)
    line = _Line(reader, tally)
    tls_only = {
        "ssl_handshake_timeout": HANDSHAKE_TIMEOUT,
        "ssl_shutdown_timeout": GOODBYE_TIMEOUT,
    }
    transport, _ = await loop.connect_accepted_socket(
        lambda: line, sock, ssl=context, **(tls_only if context else {})
    )
    writer = asyncio.StreamWriter(transport, line, reader, loop)
    wire = Wire(number, line, reader, writer, tally)
    tally.tls_resumed += wire.resumed
    return wire


class Wire:
    """A connection and its state; methods that wait raise ConnectionError once it is gone."""

    def __init__(
        self,
        number: int,
        line: _Line,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        tally: Tally,
    ) -> None:
        """Wrap an open stream (use ``accept``)."""
        self.number = number
        self.busy = 0
        self.farewell: Callable[[], None] | None = None
        """What the protocol says before it closes: the GOAWAY of HTTP/2."""
        self._line = line
        self._reader = reader
        self._writer = writer
        self._tally = tally
        self._taken = 0
        self._idle_since = time.monotonic()
        tls: ssl.SSLObject | None = writer.get_extra_info("ssl_object")
        self.resumed = tls is not None and bool(tls.session_reused)
        """Whether its TLS session was resumed."""
        self.speaks_h2 = tls is not None and tls.selected_alpn_protocol() == "h2"
        """Whether ALPN chose HTTP/2."""

    def __repr__(self) -> str:
        """Show the state that decides what may be closed."""
        state = "closed" if self.closing else "idle" if self.idle else "busy"
        return f"<Wire {self.number} {state}>"

    @property
    def closing(self) -> bool:
        """Whether the connection is closed or being closed."""
        # A TLS transport of Python 3.11 does not tell when the client has broken off.
        return self._writer.transport.is_closing() or self._line.lost

    @property
    def idle(self) -> bool:
        """Whether no request is in progress, nor a part of one received."""
        # What HTTP/2 has not read yet are mostly acknowledgements: no reason to be spared.
        all_read = self.speaks_h2 or self._taken == self._line.received
        return not self.busy and all_read and not self.closing

    @property
    def idle_for(self) -> float:
        """Seconds since the last request ended or the last byte was read."""
        return time.monotonic() - self._idle_since

    @contextlib.contextmanager
    def working(self) -> Iterator[None]:
        """Hold the connection busy for the time of one request."""
        self.begin()
        try:
            yield
        finally:
            self.end()

    def begin(self) -> None:
        """Count a request in progress."""
        self.busy += 1

    def end(self) -> None:
        """Count it out."""
        self.busy -= 1
        self._idle_since = time.monotonic()

    async def read(self) -> bytes:
        """Return some bytes, or b"" when the client has closed or vanished."""
        try:
            return self._took(await self._reader.read(CHUNK))
        except OSError:
            return b""

    async def read_exactly(self, size: int) -> bytes:
        """Return that many bytes; raise asyncio.IncompleteReadError if they do not come."""
        return self._took(await self._reader.readexactly(size))

    async def read_until(self, end: bytes) -> bytes:
        """Return bytes up to and with ``end``.

        Raises asyncio.IncompleteReadError if it does not come, asyncio.LimitOverrunError if
        it does not come within 64 KiB.
        """
        return self._took(await self._reader.readuntil(end))

    def _took(self, data: bytes) -> bytes:
        self._taken += len(data)
        self._idle_since = time.monotonic()
        return data

    def send(self, data: bytes) -> None:
        """Hand bytes to the transport."""
        if self.closing:
            raise ConnectionResetError(f"connection {self.number} is closed")
        self._tally.bytes_out += len(data)
        self._writer.write(data)

    async def flush(self) -> None:
        """Wait until the transport wants more, and let it learn that the client has gone."""
        await self._writer.drain()
        await asyncio.sleep(0)

    async def pause(self, seconds: float) -> None:
        """Wait, unless the client goes away first."""
        try:
            async with asyncio.timeout(seconds):
                await self._line.gone.wait()
        except TimeoutError:
            return
        raise ConnectionResetError(f"client of connection {self.number} has gone")

    async def hold(self, answer: Answer) -> bool:
        """Do what comes before a status line; tell whether one is to follow."""
        if answer.hang:
            await self._line.gone.wait()
            return False
        if answer.delay:
            await self.pause(answer.delay)
        if answer.reset:
            self.rst()
        return not answer.reset

    def part(self, how: Ending) -> None:
        """End the connection; "goaway" is "fin" with a farewell before."""
        if how == "goaway" and self.farewell is not None:
            self.farewell()
        endings = {"fin": self.fin, "goaway": self.fin, "rst": self.rst, "silent": self.silent}
        endings[how]()

    def fin(self) -> None:
        """Close in good order: what is buffered, close_notify, FIN."""
        if not self.closing:  # closing a TLS transport twice makes it deaf to abort()
            self._writer.close()

    def silent(self) -> None:
        """Close with a bare FIN: no close_notify, and what is buffered is dropped."""
        self._writer.transport.abort()

    def rst(self) -> None:
        """Close with RST."""
        if self.closing:
            return
        sock: socket.socket = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _NO_LINGER)
        self._writer.transport.abort()

    async def closed(self) -> None:
        """Wait until the socket is closed."""
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
