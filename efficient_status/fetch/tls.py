"""TLS over a TCP connection, and one context that resumes sessions (RFC 8446 2.2, RFC 5077).

A resumed handshake saves the certificates, 2-5 kB a connection.  The context remembers one session
a host.  A ticket arrives with the first answer, so it is taken from the connection then.

Reading `SSLObject.session` leaks 6 KiB in CPython 3.11 to 3.13 (python/cpython#116810), so it is
read once, and only of a connection that was not itself resumed: a ticket serves many times.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import certifi
import httpcore

from efficient_status.errors import Unreachable

if TYPE_CHECKING:
    from efficient_status.fetch.sockets import Tcp

_MOST = 2_048  # sessions that are remembered, a few kB each


class ResumingContext(ssl.SSLContext):
    """A client context that offers each host the last session it gave."""

    sessions: OrderedDict[str, ssl.SSLSession]
    fresh: set[str]  # hosts with a new connection whose ticket has not been taken yet

    def offer(self, host: str) -> ssl.SSLSession | None:
        """The session for a new connection to this host, if it gave one."""
        if len(self.fresh) >= _MOST:  # those whose handshakes failed; a ticket is no loss
            self.fresh.clear()
        self.fresh.add(host)
        return self.sessions.get(host)

    def take(self, host: str, connection: ssl.SSLObject) -> None:
        """Remember the session of a connection that has brought an answer."""
        self.fresh.discard(host)
        if connection.session_reused:
            return
        session = connection.session
        if session is not None:
            self.sessions[host] = session
            self.sessions.move_to_end(host)
        if len(self.sessions) > _MOST:
            self.sessions.popitem(last=False)


def client_context() -> ResumingContext:
    """Trust what httpx trusts: SSL_CERT_FILE, else SSL_CERT_DIR, else certifi's bundle."""
    context = ResumingContext(ssl.PROTOCOL_TLS_CLIENT)
    context.sessions = OrderedDict()
    context.fresh = set()
    if sys.version_info >= (3, 13):  # as ssl.create_default_context does
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    if file := os.environ.get("SSL_CERT_FILE"):
        context.load_verify_locations(cafile=file)
    elif folder := os.environ.get("SSL_CERT_DIR"):
        context.load_verify_locations(capath=folder)
    else:
        context.load_verify_locations(cafile=certifi.where())
    return context


async def secured(tcp: Tcp, context: ssl.SSLContext, host: str | None) -> Tls:
    """Shake hands over a new TCP connection, which is closed if that fails.

    Raises:
        Unreachable: no handshake; a certificate that is not valid is named with what is wrong.
    """
    session = context.offer(host) if host and isinstance(context, ResumingContext) else None
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    connection = context.wrap_bio(incoming, outgoing, server_hostname=host, session=session)
    stream = Tls(tcp, connection, incoming, outgoing)
    try:
        await stream.handshake()
    except BaseException:
        tcp.close()
        raise
    return stream


class Tls(httpcore.AsyncNetworkStream):
    """One TLS connection."""

    def __init__(
        self, tcp: Tcp, connection: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self._tcp = tcp
        self._connection = connection
        self._incoming = incoming
        self._outgoing = outgoing
        self._ahead = b""  # what came in unasked, decrypted

    async def handshake(self) -> None:
        """Agree on keys (RFC 8446 4)."""
        try:
            while True:
                try:
                    self._connection.do_handshake()
                except ssl.SSLWantReadError:
                    await self._exchange()
                else:
                    break
        except ssl.SSLCertVerificationError as error:
            reason = f"its TLS certificate is not valid: {error.verify_message}"
            raise Unreachable(reason) from error
        except (ssl.SSLError, httpcore.NetworkError) as error:
            raise Unreachable(f"the TLS handshake failed ({_reason(error)})") from error
        finally:
            with suppress(httpcore.WriteError):  # an alert for a peer that has gone
                await self._flush()

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ARG002, ASYNC109
        """See `Tcp.read`."""
        if self._ahead:
            data, self._ahead = self._ahead, b""
            return data
        while True:
            try:
                return self._connection.read(max_bytes)
            except ssl.SSLWantReadError:
                await self._exchange()
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                return b""
            except ssl.SSLError as error:
                raise httpcore.ReadError(_reason(error)) from error

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """See `Tcp.write`."""
        if buffer:
            try:
                self._connection.write(buffer)
            except ssl.SSLError as error:
                raise httpcore.WriteError(_reason(error)) from error
            await self._flush()

    async def _exchange(self) -> None:
        await self._flush()
        if data := await self._tcp.read(65_536):
            self._incoming.write(data)
        else:
            self._incoming.write_eof()

    async def _flush(self) -> None:
        if self._outgoing.pending:
            await self._tcp.write(self._outgoing.read())

    def get_extra_info(self, info: str) -> Any:
        """The `ssl_object`; or whether an idle connection is of no use any more (`is_readable`).

        A session ticket that came late is not; nor, in HTTP/2, are settings or a ping.
        """
        if info == "is_readable":
            return self._tcp.ended or (self._unasked() and not self._speaks_h2)
        return self._connection if info == "ssl_object" else None

    def renew(self) -> tuple[int, int]:
        """See `Tcp.renew`."""
        return self._tcp.renew()

    @property
    def _speaks_h2(self) -> bool:
        return self._connection.selected_alpn_protocol() == "h2"

    def _unasked(self) -> bool:
        if data := self._tcp.pending():
            self._incoming.write(data)
            try:
                self._ahead += self._connection.read(65_536)
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                return True
        return bool(self._ahead)

    async def aclose(self) -> None:
        """Say goodbye (close_notify, RFC 8446 6.1), without waiting for the answer."""
        with suppress(ssl.SSLError, httpcore.WriteError):
            try:
                self._connection.unwrap()
            except ssl.SSLWantReadError:
                await self._flush()
        self._tcp.close()


def _reason(error: Exception) -> str:
    """OpenSSL's own words, without its numbers; an end without one is said."""
    if isinstance(error, ssl.SSLEOFError | ssl.SSLZeroReturnError):
        return "the server closed the connection"
    return str(getattr(error, "reason", None) or error).lower().replace("_", " ")
