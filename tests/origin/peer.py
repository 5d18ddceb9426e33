"""A client of the origin that sees how a connection ends, beneath TLS.

The ``ssl`` module's sockets report a RST as an ordinary end; this client keeps TLS in memory
and the TCP socket in its own hands. It asks for "/" once, and expects a page without content.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
from typing import TYPE_CHECKING, Literal, Self, TypeAlias, TypeVar

from h2.connection import H2Connection
from h2.events import ConnectionTerminated

from .clients import TIMEOUT, trust
from .message import as_bytes
from .page import MISSING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from .origin import Origin

T = TypeVar("T")
Seen: TypeAlias = Literal["close_notify", "FIN", "RST"]


class Peer:
    """One connection, HTTP/2 if the origin offers it."""

    def __init__(self, sock: socket.socket, origin: Origin) -> None:
        """Take over a connected socket (use ``to``)."""
        self._sock = sock
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls: ssl.SSLObject | None = None
        self._h2: H2Connection | None = None
        if origin.base.startswith("https"):
            self._shake_hands(trust(origin))

    @classmethod
    @contextlib.contextmanager
    def to(cls, origin: Origin) -> Iterator[Self]:
        """Connect to an origin."""
        with socket.create_connection(("127.0.0.1", origin.port), timeout=TIMEOUT) as sock:
            yield cls(sock, origin)

    def _shake_hands(self, context: ssl.SSLContext) -> None:
        context.set_alpn_protocols(["h2", "http/1.1"])
        self._tls = context.wrap_bio(self._in, self._out, server_hostname="localhost")
        self._pump(self._tls.do_handshake)
        if self._tls.selected_alpn_protocol() == "h2":
            self._h2 = H2Connection()

    def _pump(self, step: Callable[[], T]) -> T:
        """Carry bytes until the step of TLS is done; EOFError is a FIN without close_notify."""
        while True:
            try:
                done = step()
            except ssl.SSLWantReadError:
                self._flush()
                if not (data := self._sock.recv(65536)):
                    raise EOFError from None
                self._in.write(data)
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        if data := self._out.read():
            self._sock.sendall(data)

    def _send(self, data: bytes) -> None:
        if (tls := self._tls) is None:
            self._sock.sendall(data)
        else:
            self._pump(lambda: tls.write(data))

    def _recv(self) -> bytes:
        if (tls := self._tls) is None:
            return self._sock.recv(65536)
        return self._pump(lambda: tls.read(65536))

    def ask(self) -> None:
        """Send a request."""
        if self._h2 is None:
            self._send(b"GET / HTTP/1.1\r\n\r\n")
            return
        self._h2.initiate_connection()
        fields = {":method": "GET", ":scheme": "https", ":authority": "localhost", ":path": "/"}
        self._h2.send_headers(1, list(fields.items()), end_stream=True)
        self._send(self._h2.data_to_send())

    def talk(self) -> None:
        """Send a request and receive the whole answer."""
        self.ask()
        answer = b""
        while as_bytes(MISSING.body) not in answer:
            answer += self._recv()
        if self._h2 is not None:
            self._h2.receive_data(answer)

    def end(self) -> tuple[bool, Seen]:
        """Receive what is left; return whether a GOAWAY came, and how the connection ended."""
        goaway = False
        try:
            while data := self._recv():
                events = self._h2.receive_data(data) if self._h2 else []
                goaway |= any(isinstance(event, ConnectionTerminated) for event in events)
        except EOFError:
            return goaway, "FIN"
        except ConnectionResetError:
            return goaway, "RST"
        return goaway, "close_notify" if self._tls else "FIN"
