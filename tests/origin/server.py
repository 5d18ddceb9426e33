"""The loop's side of an origin: it listens, accepts, serves and closes.

Everything here runs in the origin's own loop and thread; ``origin.py`` is the way in from the
others. It does not know pages: what to answer is asked of ``respond``.
"""

from __future__ import annotations

import asyncio
import socket
from typing import TYPE_CHECKING, Any

from . import h1
from .wire import Ending, Tally, Wire, accept

if TYPE_CHECKING:
    import ssl
    import threading
    from collections.abc import Callable

    from .message import Answer, Request

BACKLOG = 1024
SWEEPS = 10
"""Looks for idle connections per time-out."""


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket that does not listen yet: connections are refused until it does."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # asyncio sets TCP_NODELAY only on sockets whose protocol is named.
    sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.bind((host, port))
    except OSError:
        sock.close()
        raise
    return sock


class Server:
    """The connections of one origin."""

    def __init__(
        self,
        listener: socket.socket,
        respond: Callable[[Request], Answer],
        context: ssl.SSLContext | None,
    ) -> None:
        """Take over a bound socket; ``run`` makes it listen."""
        self.tally = Tally()
        self.wires: set[Wire] = set()
        self.bugs: list[BaseException] = []
        self.listening = False
        self._listener = listener
        self._address: tuple[str, int] = listener.getsockname()[:2]
        self._respond = respond
        self._context = context
        self._tasks: set[asyncio.Task[None]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._loop: asyncio.AbstractEventLoop
        self._stopped: asyncio.Event

    @property
    def port(self) -> int:
        """The port it is bound to."""
        return self._address[1]

    @property
    def loop(self) -> asyncio.AbstractEventLoop:
        """The loop it runs in, once it does."""
        return self._loop

    async def run(self, ready: threading.Event) -> None:
        """Serve until ``stop``; leave no connection and no task behind."""
        self._loop = asyncio.get_running_loop()
        self._loop.set_exception_handler(self._note)
        self._stopped = asyncio.Event()
        self.resume()
        ready.set()
        await self._stopped.wait()
        self.pause(for_good=True)
        self.keep_idle(None)
        self._listener.close()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.sleep(0)

    def stop(self) -> None:
        """Let ``run`` come to its end."""
        self._stopped.set()

    def _note(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        self.bugs.append(context.get("exception") or RuntimeError(context["message"]))

    def resume(self) -> None:
        """Listen."""
        if self.listening:
            return
        self._listener.listen(BACKLOG)
        self._loop.add_reader(self._listener, self._welcome)
        self.listening = True

    def pause(self, *, for_good: bool = False) -> None:
        """Refuse connections and drop those there are, requests in progress included.

        The port stays bound, so that nobody else can have it meanwhile; not so at the very end.
        """
        if self.listening:
            self._loop.remove_reader(self._listener)
            self._listener.close()
            if not for_good:
                self._listener = bind(*self._address)
            self.listening = False
        for task in self._tasks:
            task.cancel()
        for wire in self.wires:
            wire.silent()

    def close_idle(self, how: Ending) -> None:
        """Close the connections that have no request in progress."""
        for wire in [wire for wire in self.wires if wire.idle]:
            wire.part(how)

    def keep_idle(self, seconds: float | None) -> None:
        """Close what is idle for longer, as nginx does, from now on; None closes nothing."""
        if self._sweeper:
            self._sweeper.cancel()
        if seconds is not None:
            self._sweep(seconds)

    def _sweep(self, seconds: float) -> None:
        for wire in [wire for wire in self.wires if wire.idle and wire.idle_for >= seconds]:
            wire.part("goaway")
        pause = max(seconds / SWEEPS, 0.005)
        self._sweeper = self._loop.call_later(pause, self._sweep, seconds)

    def _welcome(self) -> None:
        for _ in range(BACKLOG):
            try:
                sock, _ = self._listener.accept()
            except BlockingIOError:
                return
            except ConnectionError:
                continue
            self._take_over(sock)

    def _take_over(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        self.tally.connections += 1
        task = self._loop.create_task(self._serve(self.tally.connections, sock))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        # A task cancelled before its first step has not taken the socket over.
        task.add_done_callback(lambda _: sock.close())

    async def _serve(self, number: int, sock: socket.socket) -> None:
        try:
            wire = await accept(number, sock, self._context, self.tally)
        except OSError:
            return
        self.wires.add(wire)
        try:
            await self._speak(wire)
        except (OSError, asyncio.IncompleteReadError):
            pass  # the client has vanished, as clients do
        except Exception as bug:  # noqa: BLE001  # reported by Origin.stop
            self.bugs.append(bug)
        finally:
            wire.fin()
            try:
                await wire.closed()
            finally:
                self.wires.discard(wire)

    async def _speak(self, wire: Wire) -> None:
        if not wire.speaks_h2:
            return await h1.serve(wire, self._respond)
        from . import h2  # plain origins need no h2

        return await h2.serve(wire, self._respond)
