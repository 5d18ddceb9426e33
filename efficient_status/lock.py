"""One run a state folder: a second one asks nothing and ends."""

from __future__ import annotations

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from efficient_status.errors import StateError, StateInUse


class Lock:
    """Holds a folder until it is released or the process ends, however it ends.

    An advisory lock of the kernel (flock), so that nothing is left behind by `kill -9`.

    Raises:
        StateInUse: another run holds it; its pid is named.
        StateError: the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        path = folder / "lock"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StateError(
                f"{folder}: cannot be used as state folder ({error.strerror})"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip() or "unknown"
            os.close(self._descriptor)
            raise StateInUse(
                f"{folder}: another run holds it (pid {holder}); nothing was asked"
            ) from None
        except OSError as error:  # a file system without locks
            os.close(self._descriptor)
            raise StateError(
                f"{folder}: cannot be used as state folder ({error.strerror})"
            ) from error
        with suppress(OSError):  # no room for it: who holds the folder is unknown, but it is held
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Let the next run in."""
        os.close(self._descriptor)
