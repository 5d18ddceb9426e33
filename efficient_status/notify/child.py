"""One delivery: a child gets the events on stdin, and its exit status says what became of them.

It is a group of its own, so that whatever it has started ends with it when its time is over.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from enum import Enum
from pathlib import Path
from typing import NamedTuple

from efficient_status.notify import Target
from efficient_status.notify.message import compose

logger = logging.getLogger(__name__)

_SEND = Path(__file__).with_name("send.py")
_KEPT = 2_000  # bytes of what a child says, the last ones


class Outcome(Enum):
    """What became of a delivery."""

    DELIVERED = "delivered"
    FAILED = "not delivered"  # it may be worth another try soon
    REFUSED = "refused"  # the target is wrong, until somebody puts it right
    UNFIT = "not accepted"  # the target is right, and wants no such message


class Delivery(NamedTuple):
    """What became of it, and why."""

    outcome: Outcome
    reason: str = ""


# After sysexits.h; whatever else is not 0 may pass.
_OUTCOMES = {65: Outcome.UNFIT} | dict.fromkeys((64, 67, 77, 78), Outcome.REFUSED)


async def deliver(target: Target, lines: Sequence[str]) -> Delivery:
    """Deliver these events, a JSON object each, in one message."""
    words, text = list(target.command), "".join(lines)
    if target.address:
        # No folder that happens to be the current one is looked into for modules.
        words = [sys.executable, "-P", "-W", "ignore", str(_SEND)]
        message = compose(target, [json.loads(line) for line in lines])
        text = json.dumps(
            {**message._asdict(), "address": target.address, "timeout": target.timeout}
        )
    try:
        status, said = await _run(words, text.encode("utf-8"), target.timeout)
    except TimeoutError:
        return Delivery(Outcome.FAILED, f"not done within {target.timeout:g} s")
    except OSError as error:
        gone = isinstance(error, FileNotFoundError | PermissionError)
        reason = f"it cannot be run: {error.strerror}"
        return Delivery(Outcome.REFUSED if gone else Outcome.FAILED, reason)
    if said:
        logger.debug("notify: %s: its command said: %s", target.name, said)
    if status == 0:
        return Delivery(Outcome.DELIVERED)
    outcome = _OUTCOMES.get(status, Outcome.FAILED)
    ended = f"exit status {status}" if status >= 0 else f"killed by signal {-status}"
    return Delivery(outcome, said if target.address and status > 1 else ended)


async def _run(words: Sequence[str], text: bytes, seconds: float) -> tuple[int, str]:
    """Exit status and last words of a child.

    Raises:
        TimeoutError: it was killed.
        OSError: it cannot be started.
    """
    ear = _Ear()
    try:
        child = await asyncio.create_subprocess_exec(
            *words,
            stdin=asyncio.subprocess.PIPE,
            stdout=ear.mouth,
            stderr=ear.mouth,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(seconds):
                await _give(child, text)
                return await child.wait(), ear.last_words()
        finally:
            if child.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(child.pid, signal.SIGKILL)
                await child.wait()
    finally:
        ear.close()


async def _give(child: asyncio.subprocess.Process, text: bytes) -> None:
    assert child.stdin is not None
    with suppress(BrokenPipeError, ConnectionResetError):  # it need not read
        child.stdin.write(text)
        await child.stdin.drain()
    child.stdin.close()


class _Ear:
    """The end of what a child says.

    Not asyncio's own pipe: `wait` would wait for it to be closed, and who was left behind in the
    background may hold it open (python/cpython#119710).
    """

    def __init__(self) -> None:
        self._ear, self.mouth = os.pipe()
        os.set_blocking(self._ear, False)
        self._kept = b""
        asyncio.get_running_loop().add_reader(self._ear, self._hear)

    def _hear(self) -> None:
        with suppress(BlockingIOError):
            self._kept = (self._kept + os.read(self._ear, 65_536))[-_KEPT:]

    def last_words(self) -> str:
        """On one line; what is in the pipe by now is heard."""
        self._hear()
        return " ".join(self._kept.decode("utf-8", "replace").split())

    def close(self) -> None:
        """Hear no more."""
        asyncio.get_running_loop().remove_reader(self._ear)
        for each in (self._ear, self.mouth):
            os.close(each)
