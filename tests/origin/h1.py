"""The server side of HTTP/1.1 (RFC 9112), written by hand to be able to break its rules.

Reads requests strictly enough for honest clients, sends what ``compose`` returns. It does not
validate field names, does not check Host, and knows no trailers and no upgrade.
"""

from __future__ import annotations

import asyncio
import time
from http import HTTPStatus
from typing import TYPE_CHECKING

from .message import BODILESS, Answer, Fields, Request, compose, pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from .wire import Wire

CLOSE = (b"Connection", b"close")
CHUNKED = (b"Transfer-Encoding", b"chunked")
REFUSAL = b"HTTP/1.1 %d %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


async def serve(wire: Wire, respond: Callable[[Request], Answer]) -> None:
    """Answer request after request until one side wants no more."""
    while (head := await _read_head(wire)) is not None:
        with wire.working():
            try:
                request = await _read_request(wire, head)
            except (ValueError, asyncio.LimitOverrunError):
                wire.send(REFUSAL % (400, b"Bad Request"))
                return
            answer = respond(request)
            if not await _give(wire, request, answer) or _wants_close(request):
                return


async def _read_head(wire: Wire) -> bytes | None:
    try:
        return (await wire.read_until(b"\r\n\r\n")).lstrip(b"\r\n")
    except asyncio.IncompleteReadError:
        return None
    except asyncio.LimitOverrunError:
        wire.send(REFUSAL % (431, b"Request Header Fields Too Large"))
        return None


async def _read_request(wire: Wire, head: bytes) -> Request:
    line, *rest = head[:-4].split(b"\r\n")
    method, target, version = line.decode("latin-1").split(" ")
    request = Request(
        method=method,
        path=target,
        headers=[_field(raw) for raw in rest],
        version=version,
        connection=wire.number,
        at=time.monotonic(),
        wall=time.time(),
    )
    if _has(request, "Expect", b"100-continue"):
        wire.send(b"HTTP/1.1 100 Continue\r\n\r\n")
    request.body = await _read_body(wire, request)
    return request


def _field(raw: bytes) -> tuple[bytes, bytes]:
    name, colon, value = raw.partition(b":")
    if not name or not colon:
        raise ValueError(raw)
    return name, value.strip(b" \t")


async def _read_body(wire: Wire, request: Request) -> bytes:
    if not _has(request, "Transfer-Encoding", b"chunked"):
        return await wire.read_exactly(int(request.header("Content-Length") or b"0"))
    body = b""
    while size := int((await wire.read_until(b"\r\n")).partition(b";")[0], 16):
        body += (await wire.read_exactly(size + 2))[:-2]
    await wire.read_exactly(2)
    return body


def _wants_close(request: Request) -> bool:
    if request.version == "HTTP/1.0":
        return not _has(request, "Connection", b"keep-alive")
    return _has(request, "Connection", b"close")


def _has(request: Request, name: str, token: bytes) -> bool:
    return token in (request.header(name) or b"").lower()


async def _give(wire: Wire, request: Request, answer: Answer) -> bool:
    """Send the answer; tell whether the connection may carry another request."""
    if not await wire.hold(answer):
        return False
    fields, body = compose(answer, request.method)
    ends_connection = answer.close or answer.framing == "close"
    chunked = answer.framing == "chunked" and answer.status not in BODILESS
    fields += [CHUNKED] * chunked + [CLOSE] * ends_connection
    request.status = answer.status
    await _send(wire, request, answer, (_head(answer.status, fields), body))
    if answer.cut is not None and answer.cut < len(body):
        return False
    if chunked and request.method != "HEAD":
        wire.send(b"0\r\n\r\n")
    return not ends_connection


async def _send(wire: Wire, request: Request, answer: Answer, message: tuple[bytes, bytes]) -> None:
    pending, body = message
    chunked = answer.framing == "chunked"
    for part, gap, _ in pieces(answer, body):
        if gap:
            await wire.pause(gap)
        request.body_sent += len(part)
        wire.send(pending + (b"%x\r\n%s\r\n" % (len(part), part) if chunked else part))
        pending = b""
        await wire.flush()
    if pending:
        wire.send(pending)


def _head(status: int, fields: Fields) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase.encode()
    except ValueError:
        phrase = b""
    lines = [b"HTTP/1.1 %d %s" % (status, phrase)]
    lines += [b"%s: %s" % field for field in fields]
    return b"\r\n".join(lines) + b"\r\n\r\n"
