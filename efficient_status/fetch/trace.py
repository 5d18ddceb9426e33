"""Each exchange as it passes the door, for whoever wants to see it (`explain`).

httpcore calls the `trace` extension of a request before and after each of its steps; what is noted
here is safe to print and to hand on: without passwords, and without what cookies say.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from efficient_status.harmless import one_line
from efficient_status.urls import without_credentials

Field = tuple[str, str]  # name and value of a header field

_STEPS = {
    "connect_tcp": "connecting",
    "start_tls": "the TLS handshake",
    "send_request_headers": "sending the request",
    "receive_response_headers": "waiting for the answer",
    "receive_response_body": "receiving the body",
}
_VALUE = re.compile(r"(?<==)[^;]*")  # of a cookie


@dataclass(slots=True)
class Exchange:
    """One request and its answer.

    Attributes:
        sent, received: header fields in their order.
        address: that was connected to, "" over a connection that was kept.
        proxy: host and port, where the address is a proxy's.
        tls: its version, "" for none; of the newest connection.
        resumed: whether its session was an older one.
        version: "HTTP/1.1" or "HTTP/2", once an answer has begun.
        status: 0 = no answer.
        step: what was being done when it failed, in words.
    """

    url: str
    sent: list[Field]
    address: str = ""
    proxy: str = ""
    tls: str = ""
    resumed: bool = False
    version: str = ""
    status: int = 0
    received: list[Field] = field(default_factory=list)
    step: str = ""

    async def note(self, event: str, info: dict[str, Any]) -> None:
        """Take note of a step: «PART.STEP.started», «.complete» or «.failed»."""
        part, step, how = event.split(".")
        if step not in _STEPS:
            return
        if how == "started":
            self.step = _STEPS[step]
            if step == "connect_tcp":
                self._through(f"{info['host']}:{info['port']}")
        elif how == "complete":
            self.step = ""
            self._done(part, step, info["return_value"])

    def _through(self, place: str) -> None:
        there = re.sub(r"^.*?//|/.*|[][]", "", self.url)
        self.proxy = "" if place == there or place.rpartition(":")[0] == there else place

    def _done(self, part: str, step: str, result: Any) -> None:
        if step == "connect_tcp":
            host, port, *_ = result.get_extra_info("server_addr")
            self.address = f"{host} port {port}"
        elif step == "start_tls":
            tls = result.get_extra_info("ssl_object")
            self.tls, self.resumed = tls.version(), tls.session_reused
        elif step == "receive_response_headers":
            self.version = "HTTP/2" if part == "http2" else "HTTP/1.1"
            self.status = next(each for each in result if isinstance(each, int))
            self.received = _shown(result[-1])

    def first(self, name: str) -> str:
        """The first field of this name in the answer, or ""."""
        return next((value for key, value in self.received if key.lower() == name), "")


class Trace:
    """The exchanges of one fetcher, in their order."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def begin(self, url: str, headers: Iterable[tuple[bytes, bytes]]) -> dict[str, Any]:
        """The extensions of a request that is about to be sent."""
        exchange = Exchange(url, _shown(headers))
        self.exchanges.append(exchange)
        return {"trace": exchange.note}


def _shown(headers: Iterable[tuple[bytes, bytes]]) -> list[Field]:
    return [_safe(name.decode("latin-1"), value.decode("latin-1")) for name, value in headers]


def _safe(name: str, value: str) -> Field:
    known = name.lower()
    if known in ("authorization", "proxy-authorization"):
        value = value.partition(" ")[0] + " ***"
    elif known == "set-cookie":
        value = _VALUE.sub("***", value, count=1)
    return one_line(name, sys.maxsize), without_credentials(one_line(value, sys.maxsize))
