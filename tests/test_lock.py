"""One run a state folder."""

from __future__ import annotations

import fcntl
import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from efficient_status.errors import StateError, StateInUse
from efficient_status.lock import Lock

HOLDER = """
import sys, pathlib
from efficient_status.lock import Lock
lock = Lock(pathlib.Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""


def test_second_holder_is_refused(tmp_path: Path) -> None:
    """A second run is refused while the first holds the folder, and is told its pid."""
    first = Lock(tmp_path)
    with pytest.raises(StateInUse, match=re.escape(f"{tmp_path}: another run holds it")) as caught:
        Lock(tmp_path)
    first.release()

    assert f"(pid {os.getpid()})" in str(caught.value)


def test_freed_by_release(tmp_path: Path) -> None:
    """After a release the next run gets the folder; the pid of the last holder is not mixed in."""
    (tmp_path / "lock").write_text("4194304000\n")
    for _ in range(2):
        Lock(tmp_path).release()

    pid, began = (tmp_path / "lock").read_text().split()
    assert int(pid) == os.getpid()
    assert abs(time.time() - float(began)) < 60


def test_freed_by_kill(tmp_path: Path) -> None:
    """A holder in another process is named, and `kill -9` of it leaves nothing behind."""
    with subprocess.Popen(
        [sys.executable, "-S", "-c", HOLDER, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parent.parent,
    ) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(StateInUse, match=rf"\(pid {holder.pid}\)"):
            Lock(tmp_path)
        holder.kill()
        holder.wait()

    Lock(tmp_path).release()


def test_holder_that_did_not_say_its_pid(tmp_path: Path) -> None:
    """A holder that has not written its pid yet is «unknown»."""
    with (tmp_path / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        with pytest.raises(StateInUse, match=r"\(pid unknown\)"):
            Lock(tmp_path)


def test_no_room_for_the_pid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a full disk the folder is held all the same."""

    def pwrite(_descriptor: int, _data: bytes, _offset: int) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "pwrite", pwrite)
    lock = Lock(tmp_path)
    with pytest.raises(StateInUse, match=r"\(pid unknown\)"):
        Lock(tmp_path)
    lock.release()


def test_makes_a_private_folder(tmp_path: Path) -> None:
    """The folder is made where it is missing, for its user alone."""
    folder = tmp_path / "a" / "b"
    Lock(folder).release()

    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / "lock").stat().st_mode & 0o777 == 0o600


def test_folder_that_cannot_be(tmp_path: Path) -> None:
    """A folder that cannot be made is one clear error."""
    (tmp_path / "file").touch()
    folder = tmp_path / "file" / "state"
    with pytest.raises(StateError, match="cannot be used as state folder") as caught:
        Lock(folder)

    assert str(folder) in str(caught.value)
    assert not isinstance(caught.value, StateInUse)


def test_file_system_without_locks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the file system knows no locks, that is said."""

    def flock(_descriptor: int, _operation: int) -> None:
        raise OSError(37, "No locks available")

    monkeypatch.setattr(fcntl, "flock", flock)
    with pytest.raises(StateError, match=r"cannot be used as state folder \(No locks available\)"):
        Lock(tmp_path)
