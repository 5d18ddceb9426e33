"""The door to the network: one exchange with one origin, read to its last byte.

httpcore's connections are used directly, a few a host (a pool shared by all origins is quadratic:
196 ms a poll at 1,000 of them, and a small one each still costs a fifth of a poll), over `Sockets`;
one TLS context for all; kept alive between polls.  The body is read here, within bounds, so that
whatever lies above never holds a connection.

Rules:
- A connection that did not bring a whole answer is closed, whatever the reason; nothing is shared
  that a deadline or a cancellation could damage (encode/httpcore#830, #1093).
- A connection is renewed now and then, and resumes its TLS session; what it gathered goes with it.
- A kept connection that the server closed while it was idle is no failure: one new connection is
  tried at once.
- Foreign exceptions become `PageError`s here, in `sockets` and in `tls`, and nowhere else.
"""

from __future__ import annotations

import os
import ssl
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

import httpcore
import httpx

from efficient_status.errors import Barred, PageError, Unreachable, Unreadable
from efficient_status.fetch.body import gather
from efficient_status.fetch.gate import Gate
from efficient_status.fetch.reach import Reach
from efficient_status.fetch.sockets import Sockets
from efficient_status.fetch.tls import ResumingContext, client_context
from efficient_status.fetch.wire import FetchLimits, Wire
from efficient_status.urls import is_loopback, literal

if TYPE_CHECKING:
    from efficient_status.fetch.trace import Trace

# Answers that one connection brings at most, as many as nginx gives: h2 keeps 110 bytes of each of the
# last 65,536, which is 7 MiB a connection, without end where there are hundreds.
_ANSWERS = 1_000
Connection = httpcore.AsyncConnectionInterface
Key = tuple[bytes, bytes, int | None]  # scheme, host, port


class _Origin:
    """Connections to one origin, and how they are used."""

    __slots__ = ("answers", "busy", "idle")

    def __init__(self) -> None:
        self.answers = 0  # since its connection was last renewed
        self.busy = 0  # who uses it
        self.idle: Connection | None = None


class Origins(httpx.AsyncBaseTransport):
    """Sends each request over a connection to its origin.

    Args:
        http2: offer HTTP/2 to https origins; it halves the bytes of an unchanged poll.
        keepalive: seconds an idle connection is kept; longer than the interval of polls.
        most: origins whose connections are kept; beyond it the longest unused is closed.
        reach: which addresses may be connected to; None = those of the internet.

    Attributes:
        trace: takes note of every exchange, for who wants to see it.
    """

    trace: Trace | None = None

    def __init__(
        self,
        *,
        gate: Gate,
        limits: FetchLimits,
        http2: bool = True,
        keepalive: float = 600.0,
        most: int = 512,
        tls: Callable[[], ssl.SSLContext] = client_context,
        reach: Reach | None = None,
    ) -> None:
        self._gate = gate
        self._limits = limits
        self._http2 = http2
        self._keepalive = keepalive
        self._most = most
        self._make_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._reach = reach or Reach()
        self._makers: dict[tuple[bool, str | None], httpcore.AsyncConnectionPool] = {}
        self._origins: OrderedDict[Key, _Origin] = OrderedDict()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read the whole answer.

        Raises:
            Unreachable: no whole answer came.
            Unreadable: the answer is larger than allowed.
            Barred: the host leads to an address that is none of the internet's.
        """
        wire: Wire = request.extensions["wire"]
        url = request.url
        key = (url.raw_scheme, url.raw_host, url.port)
        target = httpcore.URL(scheme=key[0], host=key[1], port=key[2], target=url.raw_path)
        asked = httpcore.Request(b"GET", target, headers=request.headers.raw)
        async with self._gate.turn(url.host):
            if self.trace is not None:
                asked.extensions = self.trace.begin(str(url), request.headers.raw)
            origin = self._origin(key)
            origin.busy += 1  # until the last of its exchanges is over, or it would be forgotten
            try:
                kept = await _idle(origin)
                if kept is not None:
                    try:
                        return await self._exchange(origin, asked, kept, wire)
                    except Unreachable as error:
                        if wire.version or isinstance(error.__cause__, TimeoutError):
                            raise
                new = self._new(url, target.origin)
                return await self._exchange(origin, asked, new, wire)
            finally:
                origin.busy -= 1
                await self._close_the_longest_unused()

    def _origin(self, key: Key) -> _Origin:
        origin = self._origins.get(key)
        if origin is None:
            origin = self._origins[key] = _Origin()
        self._origins.move_to_end(key)
        return origin

    async def _exchange(
        self, origin: _Origin, request: httpcore.Request, connection: Connection, wire: Wire
    ) -> httpx.Response:
        whole = False
        wire.version = ""
        try:
            async with wire.within(self._limits.seconds):
                response = await self._send(request, connection, wire)
        except TimeoutError as error:
            raise Unreachable(
                f"no whole answer within {self._limits.seconds:g} s (limits.seconds)"
            ) from error
        except PageError:
            raise
        except Exception as error:  # httpcore lets h2's own through, RFC or not
            raise Unreachable(f"the connection failed: {_said(error)}") from error
        else:
            origin.answers += 1
            whole = origin.answers < _ANSWERS  # or it has served its time
            return response
        finally:
            if whole and origin.idle is None and connection.is_idle():
                origin.idle = connection
            else:
                origin.answers = 0
                await _close(connection)

    async def _send(
        self, request: httpcore.Request, connection: Connection, wire: Wire
    ) -> httpx.Response:
        wire.attempts += 1
        response = await connection.handle_async_request(request)
        wire.version = response.extensions["http_version"].decode("ascii")
        try:
            self._check(response)
            answer = httpx.Response(response.status, headers=response.headers)
            announced = answer.headers.get("content-length", "")
            body = await gather(response.aiter_stream(), announced, self._limits.wire_bytes)
        finally:
            await response.aclose()
        wire.body_bytes = len(body)
        stream = response.extensions["network_stream"]
        sent, received = stream.renew()
        wire.sent += sent
        wire.received += received
        self._remember_session(request.url.host.decode("ascii"), stream)
        answer.stream = httpx.ByteStream(body)
        return answer

    def _check(self, response: httpcore.Response) -> None:
        """Hold the answer's head to its limits; httpcore bounds what it reads of it itself."""
        limits = self._limits
        if len(response.headers) > limits.headers:
            raise Unreadable(
                f"{len(response.headers)} header fields, the limit is {limits.headers} "
                "(limits.headers)"
            )
        size = sum([len(name) + len(value) for name, value in response.headers])
        if size > limits.header_bytes:
            raise Unreadable(
                f"{size:,} bytes of header fields, the limit is {limits.header_bytes:,} "
                "(limits.header_bytes)"
            )

    def _remember_session(self, host: str, stream: httpcore.AsyncNetworkStream) -> None:
        """Take the session ticket of a new connection, for the next one."""
        context = self._tls
        if not isinstance(context, ResumingContext) or host not in context.fresh:
            return
        if (connection := stream.get_extra_info("ssl_object")) is not None:
            context.take(host, connection)

    def _new(self, url: httpx.URL, origin: httpcore.Origin) -> Connection:
        proxy = proxy_for(url)
        if proxy and literal(url.host) and not self._reach.permits(url.host, url.host.strip("[]")):
            raise Barred(f"{url.host} is not a public address: not asked")
        return self._maker(url.scheme == "https", proxy).create_connection(origin)

    def _maker(self, secure: bool, proxy: str | None) -> httpcore.AsyncConnectionPool:
        """What makes connections; as a pool it is not used."""
        maker = self._makers.get((secure, proxy))
        if maker is None:
            # What a proxy may be asked for is its own business; where it stands, the user's.
            reach = Reach(("0.0.0.0/0", "::/0")) if proxy else self._reach
            context = self._context() if secure or proxy else None
            maker = self._makers[secure, proxy] = httpcore.AsyncConnectionPool(
                ssl_context=context,
                http2=self._http2 and secure,
                keepalive_expiry=self._keepalive,
                network_backend=Sockets(
                    reach,
                    seconds=self._limits.connect_seconds,
                    body_bytes=self._limits.wire_bytes,
                ),
                proxy=_proxy(proxy, context) if proxy else None,
            )
        return maker

    def _context(self) -> ssl.SSLContext:
        """The one TLS context: made at the first https page, since it costs 15 ms and 900 KiB."""
        if self._tls is None:
            self._tls = self._make_tls()
        return self._tls

    async def _close_the_longest_unused(self) -> None:
        if len(self._origins) > self._most:
            key = next((key for key, each in self._origins.items() if not each.busy), None)
            if key is not None and (idle := self._origins.pop(key).idle) is not None:
                await _close(idle)

    async def aclose(self) -> None:
        """Close every connection."""
        for origin in self._origins.values():
            if origin.idle is not None:
                await _close(origin.idle)
        self._origins.clear()


async def _idle(origin: _Origin) -> Connection | None:
    """The connection that is kept to an origin, if it is still good."""
    connection, origin.idle = origin.idle, None
    if connection is not None and connection.has_expired():
        await _close(connection)
        return None
    return connection


async def _close(connection: Connection) -> None:
    """Close a connection whatever state it is in."""
    # Where the peer went first there is nothing left to close.
    with suppress(httpcore.NetworkError, httpcore.ProtocolError, OSError, RuntimeError):
        await connection.aclose()


def proxy_for(url: httpx.URL) -> str | None:
    """The proxy that the environment names for this URL (HTTPS_PROXY, NO_PROXY), or None."""
    if is_loopback(url.host) or not any(key.lower().endswith("_proxy") for key in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    if proxy_bypass(url.host):
        return None
    proxies = getproxies()
    return proxies.get(url.scheme) or proxies.get("all")


def _proxy(address: str, context: ssl.SSLContext | None) -> httpcore.Proxy:
    proxy = httpx.Proxy(address if "://" in address else f"http://{address}")
    url = httpcore.URL(
        scheme=proxy.url.raw_scheme,
        host=proxy.url.raw_host,
        port=proxy.url.port,
        target=proxy.url.raw_path,
    )
    secure = context if proxy.url.scheme == "https" else None
    return httpcore.Proxy(url, auth=proxy.raw_auth, ssl_context=secure)


def _said(error: Exception) -> str:
    """One clause of what went wrong."""
    text = str(error) or type(error).__name__
    return " ".join(text.split())[:200]
