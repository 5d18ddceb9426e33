"""Runs of the program that begin with its modules loaded: forks of one process that did nothing else.

Each is a process of its own, with its own pid, streams, environment and end, whose `__main__` is run
as `python -m efficient_status` runs it. Only the loading, nine tenths of what a short run costs the
processor, is done once. What a start loads, and that it works at all, is shown by real ones (see
`app.command`).
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any, NoReturn

_ROOT = Path(__file__).parent.parent
_asking = threading.Lock()


class Forked:
    """One run, its stdout and stderr into open files; a part of `subprocess.Popen`."""

    def __init__(self, words: Sequence[str], env: Mapping[str, str], out: IO[Any], err: IO[Any]):
        self._ended, ended = os.pipe()
        asked = json.dumps([list(words), dict(env), str(Path.cwd())]).encode()
        with _asking:
            control = _control()
            socket.send_fds(control, [_number(len(asked))], [out.fileno(), err.fileno(), ended])
            control.sendall(asked)
        os.close(ended)
        self.pid = int.from_bytes(os.read(self._ended, 4))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """The exit status, or None while it runs."""
        if self.returncode is None and select.select([self._ended], [], [], 0)[0]:
            self.returncode = int.from_bytes(os.read(self._ended, 4), signed=True)
            os.close(self._ended)
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, negative after a signal; raises `subprocess.TimeoutExpired`."""
        if self.returncode is None:
            select.select([self._ended], [], [], timeout)
        if (status := self.poll()) is None:
            raise subprocess.TimeoutExpired("efficient_status", timeout or 0)
        return status

    def terminate(self) -> None:
        """SIGTERM, unless it has ended."""
        self._send(signal.SIGTERM)

    def kill(self) -> None:
        """SIGKILL, unless it has ended."""
        self._send(signal.SIGKILL)

    def _send(self, number: signal.Signals) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)


def _number(value: int) -> bytes:
    return value.to_bytes(4, signed=True)


@cache
def _control() -> socket.socket:
    """To the process that forks, which is started once and ends with this one."""
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-m", __name__, str(theirs.fileno())],
            cwd=_ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait()

    atexit.register(end)
    return ours


# In the process that forks.


def _serve(control: socket.socket) -> None:
    """Fork for each request until there are no more; returns, as the program, in forks alone."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _load()
    while fds := (received := socket.recv_fds(control, 4, 3))[1]:
        size = int.from_bytes(received[0])
        words, env, folder = json.loads(control.recv(size, socket.MSG_WAITALL))
        if os.fork() == 0:
            control.close()
            *streams, ended = fds
            _wait(streams, ended)
            _become(words, env, folder, streams)
        for fd in fds:
            os.close(fd)
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass


def _load() -> None:
    """Load all that a run may, so that no fork has to."""
    import efficient_status

    for module in pkgutil.walk_packages(efficient_status.__path__, "efficient_status."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
    for name in (
        "asyncio",
        "httpcore._async.http2",
        "anyio._backends._asyncio",
        "anyio.streams.tls",
    ):
        importlib.import_module(name)
    gc.freeze()


def _wait(streams: list[int], ended: int) -> None:
    """Fork once more; only the fork returns, the other writes its pid and how it ended."""
    pid = os.fork()
    if pid == 0:
        os.close(ended)
        return
    for fd in streams:
        os.close(fd)
    os.write(ended, _number(pid))
    _, how = os.waitpid(pid, 0)
    os.write(ended, _number(os.waitstatus_to_exitcode(how)))
    os._exit(0)


def _become(words: list[str], env: dict[str, str], folder: str, streams: list[int]) -> NoReturn:
    """What exec would do, and then the interpreter."""
    for number, fd in enumerate(streams, 1):
        os.dup2(fd, number)
        os.close(fd)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    signal.signal(signal.SIGINT, signal.default_int_handler)
    sys.path[1:1] = filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
    sys.argv[1:] = words
    status: object = 1
    try:
        runpy.run_module("efficient_status", run_name="__main__", alter_sys=True)
    except SystemExit as end:
        status = end.code
    except BaseException:  # noqa: BLE001 - as the interpreter does
        traceback.print_exc()
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    os._exit(status if isinstance(status, int) else 1)  # taking it all apart costs as much again


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
