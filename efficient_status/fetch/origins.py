"""The door to the network: one exchange with one origin, read to its last byte.

One small `AsyncHTTPTransport` per origin (a pool shared by all is quadratic: 196 ms a poll at
1,000 origins), one TLS context for all, kept alive between polls.  The body is read here, within
bounds, so that whatever lies above never holds a connection.

Rules:
- A deadline, a cancellation or a protocol error throws the origin's transport away: cancelled
  requests eat pool slots for ever (encode/httpcore#830, #1093).
- A kept connection that the server closed while it was idle is no failure: one new connection is
  tried at once.
- Foreign exceptions become `Unreachable` here and nowhere else.
"""

from __future__ import annotations

import asyncio
import os
import ssl
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress

import httpx

from efficient_status.errors import PageError, Unreachable, Unreadable
from efficient_status.fetch.gate import Gate
from efficient_status.fetch.tls import ResumingContext, client_context
from efficient_status.fetch.wire import FetchLimits, Wire
from efficient_status.urls import is_loopback

# Failures of a kept connection that say nothing about the page, if no answer had begun.
_STALE = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class _Origin:
    """A transport and how it is used."""

    __slots__ = ("busy", "discarded", "served", "transport")

    def __init__(self, transport: httpx.AsyncHTTPTransport) -> None:
        self.transport = transport
        self.busy = 0  # requests in flight
        self.served = 0  # answers that came over it
        self.discarded = False


class Origins(httpx.AsyncBaseTransport):
    """Routes each request to its origin's own transport.

    Args:
        http2: offer HTTP/2 to https origins; it halves the bytes of an unchanged poll.
        keepalive: seconds an idle connection is kept; longer than the interval of polls.
        most: origins whose connections are kept; beyond it the longest unused is closed.
    """

    def __init__(
        self,
        *,
        gate: Gate,
        limits: FetchLimits,
        http2: bool = True,
        keepalive: float = 600.0,
        most: int = 512,
        tls: Callable[[], ssl.SSLContext] = client_context,
    ) -> None:
        self._gate = gate
        self._limits = limits
        self._http2 = http2
        self._pool = httpx.Limits(
            max_connections=2, max_keepalive_connections=1, keepalive_expiry=keepalive
        )
        self._most = most
        self._make_tls = tls
        self._tls: ssl.SSLContext | None = None
        self._no_tls: ssl.SSLContext | None = None
        self._origins: OrderedDict[tuple[str, str, int | None], _Origin] = OrderedDict()
        self._timeout = {
            "connect": limits.connect_seconds,
            "read": limits.seconds,
            "write": limits.seconds,
            "pool": limits.seconds,
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request and read the whole answer.

        Raises:
            Unreachable: no whole answer came.
            Unreadable: the body is larger than allowed.
        """
        request.extensions["timeout"] = self._timeout
        wire: Wire = request.extensions["wire"]
        async with self._gate.turn(request.url.host):
            reused = self._origin(request.url).served > 0
            wire.version = ""
            try:
                return await self._exchange(request)
            except Unreachable as error:
                stale = reused and not wire.version and isinstance(error.__cause__, _STALE)
                if not stale:
                    raise
            return await self._exchange(request)

    async def _exchange(self, request: httpx.Request) -> httpx.Response:
        origin = self._origin(request.url)
        origin.busy += 1
        whole = False
        try:
            async with asyncio.timeout(self._limits.seconds):
                response = await self._send(origin, request)
        except TimeoutError as error:
            raise Unreachable(f"no whole answer within {self._limits.seconds:g} s") from error
        except PageError:
            raise
        except Exception as error:  # httpcore lets those of h2 and anyio through, RFC or not
            raise Unreachable(explain(error)) from error
        else:
            whole = True
            return response
        finally:
            origin.busy -= 1
            if not whole:
                self._discard(request.url, origin)
            await self._close_if_unused(origin)

    async def _send(self, origin: _Origin, request: httpx.Request) -> httpx.Response:
        wire: Wire = request.extensions["wire"]
        wire.attempts += 1
        response = await origin.transport.handle_async_request(request)
        wire.version = response.extensions["http_version"].decode("ascii")
        body = await self._read(response)
        origin.served += 1
        wire.body_bytes = len(body)
        self._remember_session(request.url.host, response)
        response.stream = httpx.ByteStream(body)
        return response

    def _remember_session(self, host: str, response: httpx.Response) -> None:
        """Take the session ticket of a new connection, for the next one."""
        context = self._tls
        if isinstance(context, ResumingContext) and host in context.fresh:
            stream = response.extensions["network_stream"]
            if (connection := stream.get_extra_info("ssl_object")) is not None:
                context.take(host, connection)

    async def _read(self, response: httpx.Response) -> bytes:
        parts: list[bytes] = []
        size = 0
        assert isinstance(response.stream, httpx.AsyncByteStream)
        try:
            async for part in response.stream:
                parts.append(part)
                size += len(part)
                if size > self._limits.wire_bytes:
                    raise Unreadable(
                        f"the body is larger than the limit of {self._limits.wire_bytes:,} bytes"
                    )
        finally:
            await response.aclose()
        return b"".join(parts)

    def _origin(self, url: httpx.URL) -> _Origin:
        key = (url.scheme, url.host, url.port)
        origin = self._origins.get(key)
        if origin is None:
            origin = self._origins[key] = _Origin(self._transport(url))
        self._origins.move_to_end(key)
        return origin

    def _transport(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        secure = url.scheme == "https"
        return httpx.AsyncHTTPTransport(
            verify=self._context() if secure else self._empty_context(),
            http2=self._http2 and secure,
            limits=self._pool,
            proxy=proxy_for(url),
        )

    def _context(self) -> ssl.SSLContext:
        """The one TLS context: made at the first https page, since it costs 15 ms and 900 KiB."""
        if self._tls is None:
            self._tls = self._make_tls()
        return self._tls

    def _empty_context(self) -> ssl.SSLContext:
        """Httpx wants a context for plain http too, and would load the CA bundle for it."""
        if self._no_tls is None:
            self._no_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        return self._no_tls

    def _discard(self, url: httpx.URL, origin: _Origin) -> None:
        origin.discarded = True
        key = (url.scheme, url.host, url.port)
        if self._origins.get(key) is origin:
            del self._origins[key]

    async def _close_if_unused(self, origin: _Origin) -> None:
        if origin.discarded and not origin.busy:
            await _close(origin.transport)
        if len(self._origins) > self._most:
            key = next((k for k, o in self._origins.items() if not o.busy), None)
            if key is not None:
                await _close(self._origins.pop(key).transport)

    async def aclose(self) -> None:
        """Close every connection."""
        for origin in self._origins.values():
            await _close(origin.transport)
        self._origins.clear()


async def _close(transport: httpx.AsyncHTTPTransport) -> None:
    """Close a transport whatever state its connections are in."""
    # Where the peer went first there is nothing left to close.
    with suppress(httpx.TransportError, OSError, RuntimeError):
        await transport.aclose()


def proxy_for(url: httpx.URL) -> str | None:
    """The proxy that the environment names for this URL (HTTPS_PROXY, NO_PROXY), or None."""
    if is_loopback(url.host) or not any(key.lower().endswith("_proxy") for key in os.environ):
        return None
    from urllib.request import getproxies, proxy_bypass

    if proxy_bypass(url.host):
        return None
    proxies = getproxies()
    return proxies.get(url.scheme) or proxies.get("all")


def explain(error: BaseException) -> str:
    """One clause that says what went wrong, from an httpx exception and what caused it."""
    texts = [str(each) for each in _causes(error)]
    certificate = next(
        (each for each in _causes(error) if isinstance(each, ssl.SSLCertVerificationError)), None
    )
    if certificate is not None:
        return f"its TLS certificate is not valid: {certificate.verify_message}"
    whole = " ".join(texts)
    if any(hint in whole for hint in _NO_NAME):
        return "its name cannot be resolved (no network, or no such host)"
    if isinstance(error, httpx.ConnectTimeout):
        return "no connection within the time limit"
    if isinstance(error, httpx.TimeoutException):
        return "no answer within the time limit"
    if "refused" in whole.lower() or "All connection attempts failed" in whole:
        return "connection refused, or no route to it"
    detail = next((text for text in texts if text), type(error).__name__)
    return f"the connection failed: {' '.join(detail.split())[:200]}"


_NO_NAME = ("Name or service not known", "Temporary failure in name resolution", "getaddrinfo",
            "nodename nor servname", "No address associated")  # fmt: skip


def _causes(error: BaseException) -> list[BaseException]:
    found: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and len(found) < 10:
        found.append(each)
        each = each.__cause__ or each.__context__
    return found
