"""One run a state folder: a second one asks nothing and ends."""

from __future__ import annotations

import fcntl
import os
import time
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
            holder = (held_by(os.read(self._descriptor, 64)) or ("unknown",))[0]
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
            os.pwrite(self._descriptor, f"{os.getpid()} {time.time():.3f}\n".encode("ascii"), 0)

    def known(self, moment: float) -> None:
        """All pages that this run has read, and that have not failed since, are known as of then.

        It is the file's time of modification, so no byte is written.
        """
        with suppress(OSError):
            os.utime(self._descriptor, (moment, moment))

    def release(self) -> None:
        """Let the next run in."""
        os.close(self._descriptor)


def held_by(content: bytes) -> list[str]:
    """What the file says of who holds it, or did last: the pid, when it began (seconds)."""
    return content.decode("ascii", "replace").split()
