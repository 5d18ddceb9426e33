"""The server side of HTTP/2 (RFC 9113): ``h2`` keeps the rules, this file keeps the streams.

One task per stream, one reader per connection. It has no push, no priorities and no trailers.
Cutting, resetting and closing concern the TCP connection, not the stream.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    DataReceived,
    Event,
    RemoteSettingsChanged,
    RequestReceived,
    StreamEnded,
    StreamReset,
    WindowUpdated,
)
from h2.exceptions import ProtocolError

from .message import Answer, Fields, Request, compose, pieces

if TYPE_CHECKING:
    from collections.abc import Callable

    from .wire import Wire

CONFIG = H2Configuration(client_side=False, header_encoding=None, validate_outbound_headers=False)
# RFC 9113, 8.2.2: fields that HTTP/2 forbids.
CONNECTION_FIELDS = frozenset(
    {b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"}
)


async def serve(wire: Wire, respond: Callable[[Request], Answer]) -> None:
    """Answer all streams of a connection until it ends."""
    await _Streams(wire, respond).serve()


class _Streams:
    def __init__(self, wire: Wire, respond: Callable[[Request], Answer]) -> None:
        self._wire = wire
        self._respond = respond
        self._h2 = H2Connection(CONFIG)
        self._coming: dict[int, Request] = {}
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._widened = asyncio.Event()
        self._leaving = False
        wire.farewell = self._say_goaway

    async def serve(self) -> None:
        self._h2.initiate_connection()
        self._push()
        async with asyncio.TaskGroup() as group:
            try:
                while data := await self._wire.read():
                    self._take(data, group)
            finally:
                for task in self._tasks.values():
                    task.cancel()

    def _take(self, data: bytes, group: asyncio.TaskGroup) -> None:
        try:
            events = self._h2.receive_data(data)
        except ProtocolError:
            self._push()
            self._wire.fin()
            return
        for event in events:
            self._heed(event, group)
        self._push()

    def _heed(self, event: Event, group: asyncio.TaskGroup) -> None:
        match event:
            case RequestReceived(stream_id=int(stream), headers=headers):
                self._wire.begin()
                self._coming[stream] = self._request(headers or [])
            case DataReceived(stream_id=int(stream), data=bytes(data)):
                self._coming[stream].body += data
                self._h2.acknowledge_received_data(event.flow_controlled_length or 0, stream)
            case StreamEnded(stream_id=int(stream)):
                self._begin(stream, self._coming.pop(stream), group)
            case StreamReset(stream_id=int(stream)):
                self._abandon(stream)
            case WindowUpdated() | RemoteSettingsChanged():
                self._widened.set()
                self._widened = asyncio.Event()

    def _request(self, headers: Fields) -> Request:
        pseudo = dict(field for field in headers if field[0].startswith(b":"))
        return Request(
            method=pseudo[b":method"].decode("latin-1"),
            path=pseudo[b":path"].decode("latin-1"),
            headers=[(bytes(k), bytes(v)) for k, v in headers if not k.startswith(b":")],
            version="HTTP/2",
            connection=self._wire.number,
            at=time.monotonic(),
            wall=time.time(),
        )

    def _begin(self, stream: int, request: Request, group: asyncio.TaskGroup) -> None:
        task = group.create_task(self._answer(stream, request))
        self._tasks[stream] = task
        task.add_done_callback(lambda _: self._finish(stream))

    def _abandon(self, stream: int) -> None:
        if task := self._tasks.get(stream):
            task.cancel()
        elif self._coming.pop(stream, None):
            self._wire.end()

    def _finish(self, stream: int) -> None:
        del self._tasks[stream]
        self._wire.end()
        if self._leaving and not self._wire.busy:
            self._wire.part("goaway")

    async def _answer(self, stream: int, request: Request) -> None:
        answer = self._respond(request)
        with contextlib.suppress(OSError, ProtocolError):
            if await self._wire.hold(answer):
                await self._give(stream, request, answer)
            self._leaving |= answer.close

    async def _give(self, stream: int, request: Request, answer: Answer) -> None:
        fields, body = compose(answer, request.method)
        lower = [(name.lower(), value) for name, value in fields]
        sent = [field for field in lower if field[0] not in CONNECTION_FIELDS]
        request.status = answer.status
        self._h2.send_headers(
            stream, [(b":status", b"%d" % answer.status), *sent], end_stream=not body
        )
        for part, gap, last in pieces(answer, body):
            if gap:
                await self._wire.pause(gap)
            await self._send(stream, request, part, end=last)
        self._push()
        if request.body_sent < len(body):
            self._wire.fin()

    async def _send(self, stream: int, request: Request, part: bytes, *, end: bool) -> None:
        """Send DATA frames as the client's windows allow (RFC 9113, 5.2)."""
        at = 0
        while at < len(part):
            room = min(self._h2.local_flow_control_window(stream), self._h2.max_outbound_frame_size)
            if room <= 0:
                self._push()
                await self._widened.wait()
                continue
            frame = part[at : at + room]
            at += len(frame)
            request.body_sent += len(frame)
            self._h2.send_data(stream, frame, end_stream=end and at == len(part))
            self._push()
            await self._wire.flush()

    def _push(self) -> None:
        data = self._h2.data_to_send()
        if data and not self._wire.closing:
            self._wire.send(data)

    def _say_goaway(self) -> None:
        self._h2.close_connection()
        self._push()
