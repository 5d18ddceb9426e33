"""Small clients for tests of, or with, an origin: ordinary, raw, and patient.

They send and wait; what came back is for the test to judge.
"""

from __future__ import annotations

import socket
import ssl
import time
from typing import TYPE_CHECKING

import httpx

if TYPE_CHECKING:
    from collections.abc import Callable

    from .origin import Origin

TIMEOUT = 2.0
"""Seconds for anything the origin is to send."""


def trust(origin: Origin) -> ssl.SSLContext:
    """Return a client context that trusts the origin's CA."""
    return ssl.create_default_context(cafile=origin.ca_file)


def client_of(origin: Origin) -> httpx.Client:
    """Return a client that trusts the origin and speaks what it offers."""
    verify = trust(origin) if origin.base.startswith("https") else False
    return httpx.Client(verify=verify, http2=True, base_url=origin.base, timeout=TIMEOUT)


def raw(origin: Origin, request: bytes) -> bytes:
    """Send bytes on a new plain connection and return all that comes until it is closed."""
    answer = b""
    with socket.create_connection(("127.0.0.1", origin.port), timeout=TIMEOUT) as sock:
        sock.sendall(request)
        while piece := sock.recv(65536):
            answer += piece
    return answer


def until(true: Callable[[], bool], seconds: float = TIMEOUT) -> bool:
    """Wait for what happens in the origin's thread; tell whether it did in time."""
    end = time.monotonic() + seconds
    while not true() and time.monotonic() < end:
        time.sleep(0.005)
    return true()
