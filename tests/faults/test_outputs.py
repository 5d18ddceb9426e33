"""Readers that stop, disks that are full, pipes that close: nothing lost, nobody else held up."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import json
import logging
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from efficient_status.fetch import Fetched
from efficient_status.models import Event
from efficient_status.outputs import Console, console
from efficient_status.outputs.jsonl import line
from efficient_status.stderr import Stderr
from tests.app import App, command, environment, objects, polled
from tests.feeds import Report, incidentio, minute
from tests.origin import Origin
from tests.outputs.events import event

Ends = tuple[int, int]
LONG = 300_000  # characters; a pipe takes 65,536


def title(shown: Event) -> str:
    """The shortest format."""
    return f"{shown.incident.title}\n"


@pytest.fixture
def ends() -> Iterator[list[int]]:
    """Descriptors that are closed in the end."""
    opened: list[int] = []
    yield opened
    for each in opened:
        with contextlib.suppress(OSError):
            os.close(each)


@pytest.fixture
def pipe(ends: list[int]) -> Ends:
    """A pipe: its reading and its writing end."""
    ends += os.pipe()
    return ends[0], ends[1]


def filled(pipe: Ends) -> int:
    """Fill a pipe to its last byte; how many there are."""
    os.set_blocking(pipe[1], False)
    size = 0
    for part in (b"-" * 4_096, b"-"):
        with contextlib.suppress(BlockingIOError):
            while True:
                size += os.write(pipe[1], part)
    os.set_blocking(pipe[1], True)
    return size


def drained(descriptor: int, size: int) -> bytes:
    """Read so many bytes, for ten seconds at most."""
    got = bytearray()
    while len(got) < size and select.select([descriptor], [], [], 10)[0]:
        part = os.read(descriptor, min(65_536, size - len(got)))
        if not part:
            break
        got += part
    return bytes(got)


def test_only_the_page_with_news_waits_for_its_reader(
    origin: Origin, pipe: Ends, caplog: pytest.LogCaptureFixture
) -> None:
    """A full pipe: one page waits and is not asked, the other is; one line, and one when it is over."""
    news, calm = origin.page("/news"), origin.page("/calm")
    news.serve(incidentio(Report("BBB", at=minute(1)), Report("AAA")), etag=True)
    calm.serve(incidentio(), etag=True)
    noise = filled(pipe)
    told = b""

    async def work() -> int:
        nonlocal told
        app = App(origin.url("/news"), origin.url("/calm"), interval=0.02)
        app.poller._output = Console(pipe[1], line, patience=0.01)

        async def script() -> None:
            nonlocal told
            await polled(calm, 8)
            waited.append(news.count)
            drained(pipe[0], noise)
            await polled(news, 2)
            told = os.read(pipe[0], 65_536)

        waited: list[int] = []
        await app.watch_while(script)
        await app.close()
        return waited[0]

    assert asyncio.run(work()) == 1
    assert [each["incident"][-3:] for each in objects(told.decode())] == ["AAA", "BBB"]
    assert caplog.messages == [
        "stdout has not been read for 0.01 s: what is new waits, all other pages are still asked",
        "stdout is written again",
    ]


def test_events_wait_in_the_order_in_which_they_came(pipe: Ends) -> None:
    """Who came first is told first, whole, however the reader dawdles."""
    noise = filled(pipe)
    titles = [f"{n:02d} {'x' * 9_000}" for n in range(20)]

    async def work() -> bytes:
        out = Console(pipe[1], title)
        tasks = [asyncio.create_task(out.tell(event(title=each))) for each in titles]
        await asyncio.sleep(0.01)
        assert not any(task.done() for task in tasks)
        return await asyncio.to_thread(drained, pipe[0], noise + 9_004 * 20)

    assert asyncio.run(work())[noise:].decode().splitlines() == titles


def kinds() -> dict[str, Callable[[list[int], Path], Ends]]:
    """What stdout may be: (where it is read, where it is written), both are blocking."""

    def pair(ends: list[int], _: Path) -> Ends:
        ends += [each.detach() for each in socket.socketpair()]
        return ends[0], ends[1]

    def terminal(ends: list[int], _: Path) -> Ends:
        ends += os.openpty()
        return ends[0], ends[1]

    def pipe(ends: list[int], _: Path) -> Ends:
        ends += os.pipe()
        return ends[0], ends[1]

    def file(ends: list[int], folder: Path) -> Ends:
        path = folder / "events"
        ends += [os.open(path, os.O_CREAT | os.O_RDONLY), os.open(path, os.O_WRONLY)]
        return ends[0], ends[1]

    return {"pipe": pipe, "socket": pair, "terminal": terminal, "file": file}


@pytest.mark.parametrize(
    ("kind", "again"),
    # A terminal says that it is writable where one byte fits, so there it must be our own.
    [*((kind, True) for kind in kinds()), ("pipe", False), ("socket", False)],
)
def test_no_write_holds_up_the_loop(
    kind: str, again: bool, ends: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A long event, no reader: the loop goes on, and the descriptor, which others use, is as it was."""
    if not again:  # as on systems where nothing can be opened a second time
        monkeypatch.setattr(console, "opened_again", lambda _: None)
    reads, writes = kinds()[kind](ends, tmp_path)
    stuck = threading.Timer(3, drained, (reads, LONG))  # a loop that is held up is let go, and seen
    stuck.start()

    async def work() -> bytes:
        out = Console(writes, title)
        telling = asyncio.create_task(out.tell(event(title="x" * (LONG - 1))))
        await asyncio.sleep(0.02)
        assert stuck.is_alive()
        stuck.cancel()
        assert telling.done() == (kind == "file")
        size = LONG + (kind == "terminal")  # \n is \r\n there
        got, _ = await asyncio.gather(asyncio.to_thread(drained, reads, size), telling)
        return got

    try:
        assert asyncio.run(work()).replace(b"\r", b"") == b"x" * (LONG - 1) + b"\n"
    finally:
        stuck.cancel()
    assert os.get_blocking(writes)


def test_nothing_is_written_where_nothing_is_read() -> None:
    """/dev/null takes it all."""
    with Path(os.devnull).open("wb") as nowhere:
        asyncio.run(Console(nowhere.fileno(), title).tell(event(title="x" * LONG)))


def test_a_descriptor_that_changes_its_mind_is_asked_again(
    pipe: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others write there too: what fitted a moment ago need not fit now, and that is no failure."""
    write = os.write
    moods = iter([BlockingIOError, BlockingIOError])

    def moody(descriptor: int, block: bytes) -> int:
        for mood in moods:
            raise mood
        return write(descriptor, block)

    monkeypatch.setattr(os, "write", moody)
    asyncio.run(Console(pipe[1], title).tell(event(title="late")))

    assert os.read(pipe[0], 100) == b"late\n"


def test_a_page_that_waits_holds_no_document(origin: Origin) -> None:
    """Hours of waiting cost the events that wait, not the documents that they came in."""
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    page = origin.url("/a")
    held: list[bytes] = []

    def look(_: Event) -> None:
        gc.collect()
        found = [each for each in gc.get_objects() if isinstance(each, Fetched)]
        held.extend(o.document for o in found if o.document and o.wire.target == page)

    async def work() -> None:
        app = App(origin.url("/a"))
        app.told.fail = look
        await app.poller.poll(app.pages[0])
        await app.close()
        assert app.told.events

    asyncio.run(work())
    assert held == []


def test_a_page_that_failed_holds_no_document(origin: Origin) -> None:
    """What was no feed is not kept until the next poll by the error that says so."""
    origin.page("/a").serve("<!doctype html><p>Log in</p>")

    async def work() -> list[Fetched]:
        app = App(origin.url("/a"))
        poll = await app.poller.poll(app.pages[0])
        gc.collect()
        held = [each for each in gc.get_objects() if isinstance(each, Fetched)]
        await app.close()
        assert poll.error
        return [each for each in held if each.wire.target == origin.url("/a")]

    assert asyncio.run(work()) == []


def cancelled(pipe: Ends, *, read: int) -> list[str]:
    """What is remembered of an event that is cancelled while it is told."""
    remembered: list[str] = []

    async def work() -> None:
        out = Console(pipe[1], title)

        async def page() -> None:
            await out.tell(event(title="x" * (LONG - 1)))
            remembered.append("x")
            await asyncio.sleep(0)
            remembered.append("it went on")

        task = asyncio.create_task(page())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        if read:
            await asyncio.to_thread(drained, pipe[0], read)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(work())
    return remembered


def test_told_to_end_an_event_that_was_begun_is_finished_and_remembered(pipe: Ends) -> None:
    """Its reader still reads: it is told whole, remembered, and only then does the page end."""
    assert cancelled(pipe, read=LONG) == ["x"]


def test_told_to_end_an_event_that_was_not_begun_is_not_remembered(pipe: Ends) -> None:
    """Not a byte of it fitted: nothing is written, the next run tells it."""
    noise = filled(pipe)
    assert cancelled(pipe, read=noise) == []
    assert not select.select([pipe[0]], [], [], 0)[0]


def test_told_to_end_a_reader_that_never_reads_is_not_waited_for(
    pipe: Ends, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An event that was begun is given up after a moment, and told by the next run."""
    monkeypatch.setattr(console, "GRACE", 0.02)
    assert cancelled(pipe, read=0) == []


class Disk:
    """Stands in for `os.write`: full when the so-manieth event comes, until there is room again.

    Args:
        at: which event (0 = the first) meets it.
        takes: how much of that event fits.
    """

    def __init__(self, at: int, takes: int) -> None:
        self.at = at
        self.takes = takes
        self.full = False
        self.room = False  # was made
        self._write = os.write
        self._begun = 0

    def write(self, descriptor: int, block: bytes) -> int:
        """Take it, a part of it, or nothing."""
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device")
        self._begun += 1
        if self.room or self._begun <= self.at:
            return self._write(descriptor, block)
        self.full = True
        if not self.takes:
            raise OSError(errno.ENOSPC, "No space left on device")
        return self._write(descriptor, block[: self.takes])

    def make_room(self) -> None:
        """Somebody deleted something."""
        self.full, self.room = False, True


@pytest.mark.parametrize("restart", [False, True], ids=["goes on", "restart"])
@pytest.mark.parametrize("takes", [0, 40], ids=["nothing", "a part"])
@pytest.mark.parametrize("at", range(4))
def test_a_full_disk_at_each_event(
    at: int, takes: int, restart: bool, origin: Origin, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    """Each event is told, in order, on a whole line; once, but that a new run may repeat one."""
    page = origin.page("/a")
    page.serve(incidentio(*(Report(f"AA{n}", at=minute(n)) for n in (3, 2, 1, 0))), etag=True)
    disk = Disk(at, takes)
    monkeypatch.setattr(os, "write", disk.write)

    async def work(file: int) -> None:
        app = App(origin.url("/a"), folder=tmp_path / "kept")
        app.poller._output = Console(file, line)
        for _ in range(3 if not disk.room else 1):
            outcome = (await app.scheduler._poll(app.pages[0])).outcome
            assert outcome == ("unchanged" if disk.room else "untold")
        assert app.pages[0].pacing.failures == 0
        if not (restart or disk.room):
            disk.make_room()
            await app.scheduler._poll(app.pages[0])
        await app.close()

    (tmp_path / "kept").mkdir()
    with (tmp_path / "told").open("ab", buffering=0) as file:
        asyncio.run(work(file.fileno()))
        if restart:
            disk.make_room()
            asyncio.run(work(file.fileno()))
    told = (tmp_path / "told").read_text().splitlines()
    whole = [each for each in told if each.endswith("}")]
    assert [json.loads(each)["incident"][-3:] for each in whole] == ["AA0", "AA1", "AA2", "AA3"]
    assert len(told) - len(whole) == (restart and takes > 0)
    assert page.count == 2  # what is stored is told without asking again
    said = ["stdout cannot be written (No space left on device): what is new is told later"]
    assert caplog.messages == said + ["stdout is written again"] * (not restart)


def test_what_another_page_finished_is_not_told_again(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The rest of a torn event is written before another page's event, and then it is told."""
    disk = Disk(0, 3)
    monkeypatch.setattr(os, "write", disk.write)

    async def work(out: Console) -> None:
        with pytest.raises(OSError, match="No space"):
            await out.tell(event(title="first"))
        disk.make_room()
        other = event(title="second")
        object.__setattr__(other, "provider", "other")
        for each in (other, event(title="first"), event(title="first", message="newer")):
            await out.tell(each)

    with (tmp_path / "told").open("wb", buffering=0) as file:
        asyncio.run(work(Console(file.fileno(), title)))
    assert (tmp_path / "told").read_text().splitlines() == ["first", "second", "first"]


def test_a_full_disk_that_fills_while_it_ends_does_not_keep_it(pipe: Ends) -> None:
    """Told to end in the middle of a write that then fails: the page ends all the same."""

    async def work() -> None:
        out = Console(pipe[1], title)

        async def page() -> None:
            with contextlib.suppress(OSError):
                await out.tell(event(title="x" * LONG))
            await asyncio.sleep(10)

        task = asyncio.create_task(page())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        os.close(pipe[0])  # EPIPE
        await asyncio.wait([task], timeout=2)
        assert task.cancelled()

    asyncio.run(work())


def test_a_terminal_that_is_gone_is_a_closed_pipe(ends: list[int]) -> None:
    """EIO for ever: nobody will ever read there again, so it is the end, not a fault to wait out."""
    ends += os.openpty()
    out = Console(ends[1], title)
    os.close(ends[0])
    with pytest.raises(BrokenPipeError):
        asyncio.run(out.tell(event()))


@pytest.fixture
def log() -> Iterator[logging.Logger]:
    """A logger of its own."""
    found = logging.getLogger("of a test")
    found.propagate = False
    yield found
    found.handlers.clear()


def test_lines_that_nobody_reads_are_dropped_and_counted(pipe: Ends, log: logging.Logger) -> None:
    """While pages are watched stderr is never waited for; how many lines are missing is said."""
    noise = filled(pipe)
    handler = Stderr(pipe[1])
    log.addHandler(handler)
    handler.hurry()
    for n in range(3):
        log.warning("%d", n)
    drained(pipe[0], noise)
    log.warning("read again")

    assert os.read(pipe[0], 4_096).decode().splitlines() == [
        "efficient-status: 3 lines were dropped, stderr was not read",
        "efficient-status: read again",
    ]


def test_a_line_that_was_cut_is_ended_before_the_next(pipe: Ends, log: logging.Logger) -> None:
    """A line longer than the room left: what comes after it stands on lines of its own."""
    handler = Stderr(pipe[1])
    log.addHandler(handler)
    handler.hurry()
    log.warning("x" * 100_000)
    cut = os.read(pipe[0], 100_000).decode()
    log.warning("next")

    assert cut.startswith("efficient-status: xxx")
    assert "\n" not in cut
    assert os.read(pipe[0], 4_096).decode().splitlines()[1:] == [
        "efficient-status: 1 lines were dropped, stderr was not read",
        "efficient-status: next",
    ]


def test_a_command_waits_for_whoever_reads_its_lines(pipe: Ends, log: logging.Logger) -> None:
    """Where nothing is watched no line is dropped: each page that failed is named."""
    log.addHandler(Stderr(pipe[1]))
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(drained(pipe[0], 100_019)))
    timer = threading.Timer(0.05, reader.start)
    timer.start()
    log.warning("x" * 100_000)
    timer.join()
    reader.join()

    assert got == [b"efficient-status: " + b"x" * 100_000 + b"\n"]


def test_a_stderr_that_is_gone_stops_nothing(pipe: Ends, log: logging.Logger) -> None:
    """Its reader went away: lines are dropped, nothing is raised."""
    log.addHandler(Stderr(pipe[1]))
    os.close(pipe[0])
    log.warning("nobody hears it")


@pytest.fixture
def full(ends: list[int]) -> tuple[Ends, Ends]:
    """Two pipes that are full, as stdout and stderr."""
    ends += [*os.pipe(), *os.pipe()]
    both = (ends[0], ends[1]), (ends[2], ends[3])
    for each in both:
        filled(each)
    return both


def test_with_stdout_and_stderr_full_pages_are_asked_and_it_can_be_ended(
    origin: Origin, tmp_path: Path, full: tuple[Ends, Ends]
) -> None:
    """The whole program: nobody reads anything, calm pages are polled on, SIGTERM ends it."""
    news, calm = origin.page("/news"), origin.page("/calm")
    news.serve(incidentio(Report("AAA")), etag=True)
    calm.serve(incidentio(), etag=True)
    out, err = full
    process = subprocess.Popen(
        command("-v", "--interval", "0.05",
                "--feed", origin.url("/news"), "--feed", origin.url("/calm")),
        env=environment(tmp_path), stdout=out[1], stderr=err[1],
    )  # fmt: skip
    deadline = time.monotonic() + 10
    while calm.count < 8 and time.monotonic() < deadline:
        time.sleep(0.01)
    asked = calm.count, news.count
    process.send_signal(signal.SIGTERM)
    try:
        assert process.wait(timeout=5) == 0
    finally:
        process.kill()
        process.wait()
    assert asked[0] >= 8
    assert asked[1] == 1


def test_a_closed_stderr_is_not_the_number_of_our_files(origin: Origin, tmp_path: Path) -> None:
    """`2>&-`: what writes there (a crash of the interpreter) must not write into the state."""
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    process = subprocess.Popen(
        ["sh", "-c", 'exec "$@" 2>&-', "sh", *command("--feed", origin.url("/a"))],
        env=environment(tmp_path), stdout=subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        assert process.stdout.readline()
        assert Path(f"/proc/{process.pid}/fd/2").readlink() == Path(os.devnull)
    finally:
        process.terminate()
        process.communicate(timeout=10)
    assert process.returncode == 0
