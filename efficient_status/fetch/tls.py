"""One TLS context for all origins, which resumes sessions on reconnect (RFC 8446 2.2, RFC 5077).

A resumed handshake saves the certificates, 2-5 kB a connection.  httpcore and anyio never offer a
session, but they use whatever `wrap_bio` of the context returns, so the context remembers one
session a host.  A ticket arrives with the first answer, so it is taken from the connection then.

Reading `SSLObject.session` leaks 6 KiB in CPython 3.11 to 3.13 (python/cpython#116810), so it is
read once, and only of a connection that was not itself resumed: a ticket serves many times.
"""

from __future__ import annotations

import os
import ssl
import sys
from collections import OrderedDict

import certifi

_MOST = 2_048  # sessions that are remembered, a few kB each


class ResumingContext(ssl.SSLContext):
    """A client context that offers each host the last session it gave."""

    sessions: OrderedDict[str, ssl.SSLSession]
    fresh: set[str]  # hosts with a new connection whose ticket has not been taken yet

    def wrap_bio(  # anyio passes the host as bytes
        self,
        incoming: ssl.MemoryBIO,
        outgoing: ssl.MemoryBIO,
        server_side: bool = False,
        server_hostname: str | bytes | None = None,
        session: ssl.SSLSession | None = None,
    ) -> ssl.SSLObject:
        """See `ssl.SSLContext.wrap_bio`."""
        if isinstance(server_hostname, bytes):
            server_hostname = server_hostname.decode("ascii")
        if server_hostname:
            if len(self.fresh) >= _MOST:  # those whose handshakes failed; a ticket is no loss
                self.fresh.clear()
            self.fresh.add(server_hostname)
            session = self.sessions.get(server_hostname, session)
        return super().wrap_bio(incoming, outgoing, server_side, server_hostname, session)

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
