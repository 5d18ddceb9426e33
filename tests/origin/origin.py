"""The origin as tests see it: synchronous, from any thread.

It starts and stops the thread, and passes calls on to the loop in it. It holds the pages and
the journal; it never touches a connection itself.
"""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Self

from .journal import Journal
from .message import Answer, Request
from .page import MISSING, Page
from .server import Server, bind
from .tls import Identity, make_identity

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from types import TracebackType

    from .wire import Ending

PATIENCE = 5.0
"""Seconds after which a loop that does not answer is a bug."""


class Origin:
    """A scripted HTTP server on loopback, in a thread of its own.

    Use it as a context manager. An exception inside the origin (in a callable of a page, say)
    is answered with 500 and raised again at the end.
    """

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        tls: bool = False,
        http2: bool = False,
        tls_names: Sequence[str] = ("127.0.0.1", "localhost"),
        expired: bool = False,
    ) -> None:
        """Describe an origin; ``start`` or ``with`` makes it listen.

        Args:
            host: address to listen at.
            port: 0 for any that is free.
            tls: speak TLS, with a certificate of ``ca_file``.
            http2: offer HTTP/2 and HTTP/1.1 by ALPN; implies ``tls``.
            tls_names: names and addresses in the certificate.
            expired: let the certificate be out of date.
        """
        self._host = host
        self._wanted_port = port
        self._tls = tls or http2
        self._http2 = http2
        self._tls_names = tls_names
        self._expired = expired
        self._keepalive: float | None = None
        self._journal = Journal()
        self._pages: dict[str, Page] = {}
        self._bugs: list[BaseException] = []
        self._identity: Identity | None = None
        self._server: Server | None = None
        self._thread: threading.Thread | None = None

    def __repr__(self) -> str:
        """Show where it is and how much it has seen."""
        if self._server is None:
            return "<Origin not started>"
        state = "listening" if self._server.listening else "paused"
        return (
            f"<Origin {self.base} {state}, {len(self.log)} requests, "
            f"{self.open_connections} of {self.connections} connections open>"
        )

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop; an error of the test comes before one of the origin."""
        try:
            self.stop()
        except BaseExceptionGroup as bugs:
            if error is None:
                raise
            error.add_note(f"{bugs}: {bugs.exceptions}")

    def start(self) -> Self:
        """Listen; raises OSError when the port is taken."""
        if self._thread is not None:
            raise RuntimeError("an origin lives once")
        if self._tls:
            self._identity = make_identity(
                self._tls_names, http2=self._http2, expired=self._expired
            )
        context = self._identity.context if self._identity else None
        try:
            listener = bind(self._host, self._wanted_port)
        except OSError:
            self._forget_identity()
            raise
        self._server = Server(listener, self._respond, context)
        ready = threading.Event()
        run = self._server.run(ready)
        self._thread = threading.Thread(target=asyncio.run, args=[run], name="origin", daemon=True)
        self._thread.start()
        if not ready.wait(PATIENCE):
            raise RuntimeError("the origin's loop did not start")
        self.keepalive = self._keepalive
        return self

    def stop(self) -> None:
        """Close everything and end the thread; raises what went wrong inside, as a group."""
        if self._thread is None or not self._thread.is_alive():
            return
        self._running.loop.call_soon_threadsafe(self._running.stop)
        self._thread.join(PATIENCE)
        if self._thread.is_alive():
            raise RuntimeError("the origin's loop did not stop")
        self._forget_identity()
        bugs = [*self._bugs, *self._running.bugs]
        if bugs:
            raise BaseExceptionGroup("errors inside the origin", bugs)

    def _forget_identity(self) -> None:
        if self._identity:
            self._identity.forget()

    @property
    def _running(self) -> Server:
        if self._server is None:
            raise RuntimeError("the origin has not been started")
        return self._server

    def _call(self, act: Callable[[], None]) -> None:
        """Run this in the loop, between what is under way and what it sets going."""
        if threading.current_thread() is self._thread:
            act()
            return

        async def run() -> None:
            await _settle()  # an answer that the client has may not be at its end here
            act()
            await _settle()  # a transport closes its socket in a later step of the loop

        asyncio.run_coroutine_threadsafe(run(), self._running.loop).result(PATIENCE)

    @property
    def port(self) -> int:
        """The port it listens at."""
        return self._running.port

    @property
    def base(self) -> str:
        """Scheme, host and port, without a final slash."""
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{'https' if self._tls else 'http'}://{host}:{self.port}"

    def url(self, path: str) -> str:
        """Return the address of a path."""
        return self.base + path

    @property
    def ca_file(self) -> str:
        """Path of the PEM file with the CA that clients must trust (TLS only)."""
        if self._identity is None:
            raise RuntimeError("no TLS, or not started")
        return self._identity.ca_file

    def page(self, path: str) -> Page:
        """Return the page at a path; the first call creates it.

        A path with a query is a page of its own; a request whose query has none goes to the
        page of the bare path.
        """
        return self._pages.setdefault(path, Page(path, self._journal.of))

    def _respond(self, request: Request) -> Answer:
        self._journal.add(request)
        bare = request.path.partition("?")[0]
        page = self._pages.get(request.path) or self._pages.get(bare)
        try:
            return page.answer(request) if page else MISSING
        except Exception as bug:  # noqa: BLE001  # a test's callable; raised again by stop()
            self._bugs.append(bug)
            return Answer(500, body=f"{bug!r}\n")

    @property
    def log(self) -> list[Request]:
        """A snapshot of all requests in the order they arrived."""
        return self._journal.all()

    def requests(self, path: str) -> list[Request]:
        """Return the requests for a path; without a query it stands for all queries."""
        return self._journal.of(path)

    def clear_log(self) -> None:
        """Forget the requests so far, those of pages included."""
        self._journal.clear()

    @property
    def connections(self) -> int:
        """TCP connections accepted so far, those whose TLS handshake failed included."""
        return self._running.tally.connections

    @property
    def open_connections(self) -> int:
        """TCP connections open now, past the TLS handshake."""
        return sum(not wire.closing for wire in list(self._running.wires))

    @property
    def tls_resumed(self) -> int:
        """TLS sessions resumed so far."""
        return self._running.tally.tls_resumed

    @property
    def bytes_in(self) -> int:
        """Bytes received so far, after TLS."""
        return self._running.tally.bytes_in

    @property
    def bytes_out(self) -> int:
        """Bytes sent so far, before TLS."""
        return self._running.tally.bytes_out

    @property
    def keepalive(self) -> float | None:
        """Seconds after which an idle connection is closed (GOAWAY on HTTP/2); None: never."""
        return self._keepalive

    @keepalive.setter
    def keepalive(self, seconds: float | None) -> None:
        self._keepalive = seconds
        if (server := self._server) is not None:
            self._call(lambda: server.keep_idle(seconds))

    def close_idle(self, how: Ending = "fin") -> None:
        """Close all connections that have no request in progress.

        Args:
            how: "fin" in good order but without GOAWAY; "goaway" the same after a GOAWAY on
                HTTP/2; "rst" with RST; "silent" a bare FIN, without GOAWAY or close_notify.
        """
        server = self._running
        self._call(lambda: server.close_idle(how))

    def pause(self) -> None:
        """Refuse connections and drop those there are; pages and log stay."""
        self._call(self._running.pause)

    def resume(self) -> None:
        """Listen again, at the same port."""
        self._call(self._running.resume)


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)
