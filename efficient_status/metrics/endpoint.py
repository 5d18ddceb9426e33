"""`/metrics`, `/healthz` and `/readyz`, served in the loop that polls: an answer shows that it turns.

As much of HTTP/1.1 as a scraper and a probe need: one GET a connection (RFC 9112).  What Prometheus
gets, in which of its formats and how compressed, is decided by its own client library, beside the
loop: the text for all of the catalogue takes tens of milliseconds.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from contextlib import suppress
from http import HTTPStatus
from typing import Any, Self

from prometheus_client import CollectorRegistry, ProcessCollector, make_wsgi_app

from efficient_status.errors import UsageError
from efficient_status.pulse import Pulse

PATIENCE = 5.0  # seconds for a request to come, and for its answer to be taken
MOST = 32  # connections at the same time; more are closed at once
_HEAD = 16_384  # bytes of a request
_ENDS = (
    asyncio.IncompleteReadError,
    asyncio.LimitOverrunError,
    asyncio.CancelledError,
    TimeoutError,
    OSError,
)

Answer = tuple[str, list[tuple[str, str]], bytes]  # status, fields, body


class Endpoint:
    """Serves while its context is open.

    Args:
        where: host and port; port 0 takes a free one.

    Raises:
        UsageError: on entering, if it cannot listen there.
    """

    def __init__(self, where: tuple[str, int], registry: CollectorRegistry, pulse: Pulse) -> None:
        self._where = where
        self._pulse = pulse
        self._connections = 0
        self._turn = asyncio.Lock()  # a scrape at a time: names are looked up in the same threads
        self._metrics = make_wsgi_app(_Whole(registry))

    async def __aenter__(self) -> Self:
        """Begin to listen."""
        host, port = self._where
        try:
            self._server = await asyncio.start_server(self._serve, host, port, limit=_HEAD)
        except (OSError, UnicodeError) as error:
            code = getattr(error, "errno", None) or 0  # asyncio's words repeat the place
            reason = os.strerror(code) if code > 0 else getattr(error, "strerror", None) or error
            raise UsageError([f"--metrics: cannot listen on {host}:{port} ({reason})"]) from error
        return self

    async def __aexit__(self, *_ended: object) -> None:
        """Listen no more; who is being served stays so until the loop ends."""
        self._server.close()

    @property
    def url(self) -> str:
        """Of what Prometheus asks for."""
        host, port = self._server.sockets[0].getsockname()[:2]
        return f"http://{f'[{host}]' if ':' in host else host}:{port}/metrics"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._connections += 1
        # To be cancelled is how it ends with the loop; Python 3.11 would log it as an error.
        with suppress(*_ENDS):
            if self._connections <= MOST:
                async with asyncio.timeout(PATIENCE):
                    request = await reader.readuntil(b"\r\n\r\n")
                answer = await self._answer(request)
                async with asyncio.timeout(PATIENCE):
                    writer.write(answer)
                    await writer.drain()
                    writer.close()
                    await writer.wait_closed()
        self._connections -= 1
        writer.transport.abort()  # where it was not closed already

    async def _answer(self, request: bytes) -> bytes:
        first, *lines = request.decode("latin-1").split("\r\n")
        method, path, *version = first.split(" ")
        if len(version) != 1 or not version[0].startswith("HTTP/1."):
            status, fields, body = _plain(HTTPStatus.BAD_REQUEST)
        elif method not in ("GET", "HEAD"):
            status, fields, body = _plain(HTTPStatus.METHOD_NOT_ALLOWED)
            fields.append(("Allow", "GET, HEAD"))
        else:
            status, fields, body = await self._page(path, lines)
        fields += [("Content-Length", str(len(body))), ("Connection", "close")]
        head = "".join(f"{name}: {value}\r\n" for name, value in fields)
        whole = f"HTTP/1.1 {status}\r\n{head}\r\n".encode("latin-1")
        return whole if method == "HEAD" else whole + body

    async def _page(self, path: str, lines: Iterable[str]) -> Answer:
        path, _, query = path.partition("?")
        if path == "/healthz":
            return _verdict([stuck] if (stuck := self._pulse.stuck()) else [])
        if path == "/readyz":
            return _verdict(self._pulse.unready())
        if path != "/metrics":
            return _plain(HTTPStatus.NOT_FOUND)
        pairs = (line.partition(":") for line in lines)
        fields = {name.lower(): value.strip() for name, _, value in pairs}
        asked = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "HTTP_ACCEPT": fields.get("accept", ""),
            "HTTP_ACCEPT_ENCODING": fields.get("accept-encoding", ""),
        }
        async with self._turn:
            return await asyncio.to_thread(self._scraped, asked)

    def _scraped(self, asked: dict[str, str]) -> Answer:
        """The library's answer (PEP 3333)."""
        begun: list[Any] = []
        body = b"".join(self._metrics(asked, lambda *said: begun.extend(said)))
        status, fields = begun[:2]
        return status, list(fields), body


class _Whole:
    """Ours, and what the kernel knows of the process; not in the file, where node_exporter's own are."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._parts = (registry, ProcessCollector(registry=None))

    def collect(self) -> Iterable[Any]:
        """See `prometheus_client.registry.Collector`."""
        for part in self._parts:
            yield from part.collect()


def _verdict(problems: list[str]) -> Answer:
    """«ok», or 503 with each problem on a line."""
    if problems:
        return _plain(HTTPStatus.SERVICE_UNAVAILABLE, problems)
    return _plain(HTTPStatus.OK, ["ok"])


def _plain(status: HTTPStatus, lines: Iterable[str] = ()) -> Answer:
    text = "".join(f"{line}\n" for line in lines or [status.phrase])
    fields = [("Content-Type", "text/plain; charset=utf-8"), ("Cache-Control", "no-store")]
    return f"{status.value} {status.phrase}", fields, text.encode()
