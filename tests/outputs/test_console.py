"""Writing to whoever reads: whole events, or an error."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import threading
from collections.abc import Iterator

import pytest

from efficient_status.models import Event
from efficient_status.outputs import FORMATS, Console
from tests.outputs.events import event

Pipe = tuple[int, int]


def title(shown: Event) -> str:
    """The shortest format."""
    return f"{shown.incident.title}\n"


def tell(console: Console, *events: Event) -> None:
    """Tell events, one after the other."""

    async def work() -> None:
        for each in events:
            await console.tell(each)

    asyncio.run(work())


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """A pipe: its reading and its writing end."""
    ends = os.pipe()
    yield ends
    for end in ends:
        with contextlib.suppress(OSError):  # the test closed it
            os.close(end)


@pytest.fixture
def writes(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What was handed to the system, call by call."""
    calls: list[bytes] = []
    write = os.write

    def noted(descriptor: int, block: bytes) -> int:
        calls.append(bytes(block))
        return write(descriptor, block)

    monkeypatch.setattr(os, "write", noted)
    return calls


@pytest.mark.parametrize("name", FORMATS)
def test_one_write_per_event(pipe: Pipe, writes: list[bytes], name: str) -> None:
    """An event is written at once and in one piece."""
    shape = FORMATS[name](None)
    console = Console(pipe[1], shape)
    tell(console, event(), event(title="Another"))

    expected = [shape(event()).encode(), shape(event(title="Another")).encode()]
    assert writes == expected
    assert os.read(pipe[0], 65_536) == b"".join(expected)


def test_nobody_reads(pipe: Pipe) -> None:
    """A pipe that was closed is a BrokenPipeError."""
    os.close(pipe[0])
    with pytest.raises(BrokenPipeError):
        tell(Console(pipe[1], title), event())


@pytest.mark.parametrize("blocking", [True, False])
def test_a_full_pipe(pipe: Pipe, blocking: bool) -> None:
    """An event larger than what the pipe takes arrives whole, also where writing does not block."""
    os.set_blocking(pipe[1], blocking)
    size = 300_000  # a pipe takes 65,536
    got = bytearray()

    def read() -> None:
        while len(got) < size + 1:
            got.extend(os.read(pipe[0], 4_096))

    reader = threading.Thread(target=read)
    reader.start()
    tell(Console(pipe[1], title), event(title="x" * size))
    reader.join(5)

    assert bytes(got) == b"x" * size + b"\n"


def test_a_full_pipe_that_nobody_reads_any_more(pipe: Pipe) -> None:
    """A reader that goes away while the pipe is full is a BrokenPipeError, not a wait for ever."""
    os.set_blocking(pipe[1], False)
    timer = threading.Timer(0.01, os.close, [pipe[0]])
    timer.start()
    with pytest.raises(BrokenPipeError):
        tell(Console(pipe[1], title), event(title="x" * 300_000))
    timer.join()


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("utf-8", "Ü – 復\n".encode()),
        ("latin-1", b"\xdc \\u2013 \\u5fa9\n"),
        ("ascii", b"\\xdc \\u2013 \\u5fa9\n"),
    ],
)
def test_encodings(pipe: Pipe, encoding: str, expected: bytes) -> None:
    """A character that the encoding lacks is shown as an escape, and stops nothing."""
    tell(Console(pipe[1], title, encoding), event(title="Ü – 復"))

    assert os.read(pipe[0], 100) == expected


class Disk:
    """Stands in for `os.write`: takes so many bytes, then is full until there is room again."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.took = b""

    def write(self, _descriptor: int, block: bytes) -> int:
        if not self.room:
            raise OSError(errno.ENOSPC, "No space left on device")
        part = block[: self.room]
        self.room -= len(part)
        self.took += part
        return len(part)


def test_the_rest_comes_first(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event that was torn by a full disk is finished before the next, and is then told: once."""
    disk = Disk(room=4)
    monkeypatch.setattr(os, "write", disk.write)
    console = Console(pipe[1], title)
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            tell(console, event(title="torn event"))
    disk.room = 1_000
    tell(console, event(title="torn event"))
    tell(console, event(title="next"))

    assert disk.took == b"torn event\nnext\n"


def test_what_was_not_begun_is_not_kept(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an event that could not be begun nothing is kept: the next poll tells what is true then."""
    disk = Disk(room=0)
    monkeypatch.setattr(os, "write", disk.write)
    console = Console(pipe[1], title)
    for _ in range(3):
        with pytest.raises(OSError, match="No space left"):
            tell(console, event(title="late"))
    disk.room = 1_000
    tell(console, event(title="newer"))

    assert disk.took == b"newer\n"
