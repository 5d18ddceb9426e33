"""What systemd is told of a service with `Type=notify`: sd_notify(3), without its library."""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Mapping
from typing import Self

from efficient_status.poller import Page, Poll
from efficient_status.pulse import Pulse

logger = logging.getLogger(__name__)


class Supervisor:
    """Whoever started us: told that we are ready, how it goes, that we live, that we stop.

    Args:
        address: of its datagram socket, a path or, after an @, an abstract name.
        watchdog: seconds within which it wants to hear from us, or None.
    """

    def __init__(self, address: str, watchdog: float | None, pulse: Pulse) -> None:
        self._address = address
        self._watchdog = watchdog
        self._pulse = pulse
        self._said = ""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._socket.setblocking(False)

    async def __aenter__(self) -> Self:
        """The watching begins."""
        self._said = self._pulse.summary
        self._tell(f"READY=1\nSTATUS={self._said}", logging.WARNING)
        self._beating = asyncio.create_task(self._beat())
        return self

    async def __aexit__(self, *_ended: object) -> None:
        """It has ended."""
        self._beating.cancel()
        self._tell("STOPPING=1")
        self._socket.close()

    def observe(self, _page: Page, _poll: Poll) -> None:
        """See `scheduler.Observer`."""
        if self._pulse.summary != self._said:
            self._said = self._pulse.summary
            self._tell(f"STATUS={self._said}")

    async def _beat(self) -> None:
        """Twice in the time that is given, as sd_watchdog_enabled(3) recommends."""
        while self._watchdog is not None:
            if stuck := self._pulse.stuck():
                logger.error("%s: the watchdog is not told that all is well", stuck)
            else:
                self._tell("WATCHDOG=1")
            await asyncio.sleep(self._watchdog / 2)

    def _tell(self, message: str, level: int = logging.DEBUG) -> None:
        name = self._address
        try:
            self._socket.sendto(message.encode(), f"\0{name[1:]}" if name[0] == "@" else name)
        except OSError as error:  # full, or gone: no reason to end
            logger.log(level, "NOTIFY_SOCKET=%s: cannot be told (%s)", name, error.strerror)


def supervisor(environment: Mapping[str, str], pulse: Pulse) -> Supervisor | None:
    """Whoever the environment names, if we can speak to it (sd_notify(3), sd_watchdog_enabled(3))."""
    address = environment.get("NOTIFY_SOCKET", "")
    if address[:1] not in ("/", "@"):
        return None
    ours = environment.get("WATCHDOG_PID", str(os.getpid())) == str(os.getpid())
    microseconds = environment.get("WATCHDOG_USEC", "")
    counts = ours and microseconds.isascii() and microseconds.isdigit() and int(microseconds) > 0
    return Supervisor(address, int(microseconds) / 1e6 if counts else None, pulse)
