"""Memory, CPU and punctuality against the number of pages, on one core."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from benchmarks.certs import make_chain
from benchmarks.meters import cpu_seconds, memory, pin
from benchmarks.nginx import nginx
from benchmarks.origin import Origin
from benchmarks.program import Program, environment, prepare, wait_until
from benchmarks.report import CannotRun, Check, Section, Table, both, number
from benchmarks.venvs import CACHE, ROOT

TITLE = "Scale"
LEAK_POLLS = 2000
RATE = 10_000 / 30  # polls a second: what 10,000 pages every 30 s come to
KEPT, CLOSED = "HTTP, kept as the program keeps them", "HTTP, closed by the server"
TLS1, TLS2 = "HTTPS, HTTP/1.1, kept", "HTTPS, HTTP/2, kept"
TLS1_CLOSED = "HTTPS, HTTP/1.1, closed by the server"

_METHOD = (
    "The program as a command on one core, every page an origin of its own that it knows already, "
    "all polls unchanged. The interval is chosen so that every size polls {rate:.0f} pages a "
    "second, which is 10,000 pages at 30 s: what is compared is size, not load. CPU is that of "
    "the process in µs a poll, median (minimum) of windows of {seconds:g} s after every page was "
    "polled once; memory is what is resident at the end. «Kept as the program keeps them»: beyond "
    "its bound on idle connections, each poll is a new connection. Lateness is that of the "
    "scheduler in a process of its own, over two intervals of {interval:g} s, from before its "
    "tasks were made; first polls, with their new connections, are in it."
)


@dataclass(frozen=True, slots=True)
class Scale:
    """What was found at one size.

    Attributes:
        cpu: µs a poll, by window.
        rss: KiB.
        fresh: connections that were made, for each poll.
    """

    pages: int
    cpu: list[float]
    rss: float
    fresh: float


def run(quick: bool) -> Section:
    sizes = (10, 100, 1000) if quick else (10, 100, 1000, 10_000)
    seconds = 3.0 if quick else 5.0
    section = Section(TITLE, _METHOD.format(rate=RATE, seconds=seconds, interval=_interval(quick)))
    found = {
        KEPT: [_plain(size, seconds, close=False) for size in sizes],
        CLOSED: [_plain(size, seconds, close=True) for size in sizes],
    }
    secure = (10, 100) if quick else (10, 100, 500)
    found[TLS1] = [_tls(size, seconds, close=False) for size in secure]
    found[TLS1_CLOSED] = [_tls(secure[0], seconds, close=True)]
    reconnecting = _reconnecting()
    try:
        found[TLS2] = [_h2(size, seconds) for size in secure]
    except CannotRun as reason:
        section.missing.append(f"{TLS2}: {reason}")
    late = {size: _lateness(size, quick) for size in sizes}
    section.tables += [_table(found), _growth(found), _late_table(late)]
    section.checks += _checks(found, late, reconnecting)
    section.data["scale"] = {
        name: [(each.pages, statistics.median(each.cpu), each.rss / 1024) for each in column]
        for name, column in found.items()
    }
    section.data["late"] = {
        f"{name} of answers": [
            (size, _rank(measured["answered"], share)) for size, measured in late.items()
        ]
        for name, share in (("median", 0.5), ("99th percentile", 0.99))
    }
    return section


def _plain(size: int, seconds: float, *, close: bool) -> Scale:
    with Origin(close=close) as origin:
        program = prepare("scale", origin.urls(size))
        return _watch(program, size, seconds, *_counters(origin))


def _tls(size: int, seconds: float, *, close: bool) -> Scale:
    chain = make_chain(CACHE / "work" / "scale-tls")
    with Origin(size, close=close, tls=(chain.shown, chain.key)) as origin:
        program = prepare("scale", origin.urls(size), trusted=chain.trusted)
        return _watch(program, size, seconds, *_counters(origin))


def _h2(size: int, seconds: float) -> Scale:
    with nginx(ports=size) as server:
        program = prepare("scale", server.urls(size), trusted=server.chain.trusted)
        return _watch(
            program,
            size,
            seconds,
            lambda: len(server.log()),
            lambda: len({line[1] for line in server.log()}),
        )


def _reconnecting() -> float:
    """KiB by which memory grows while TLS connections are made again and again."""
    chain = make_chain(CACHE / "work" / "scale-tls")
    with Origin(10, close=True, tls=(chain.shown, chain.key)) as origin:
        program = prepare("scale", origin.urls(10), trusted=chain.trusted)
        program.once()
        with program.watching(10 / RATE) as pid:
            wait_until(lambda: origin.stats()["unchanged"] >= LEAK_POLLS // 2)
            start, before = origin.stats()["unchanged"], memory(pid)
            wait_until(lambda: origin.stats()["unchanged"] >= start + LEAK_POLLS)
            return memory(pid) - before


def _counters(origin: Origin) -> tuple[Callable[[], int], Callable[[], int]]:
    return lambda: origin.stats()["unchanged"], lambda: origin.stats()["connections"]


def _watch(
    program: Program,
    size: int,
    seconds: float,
    polls: Callable[[], int],
    connections: Callable[[], int],
) -> Scale:
    """Let the program meet its pages, then watch it watch them."""
    met = program.once()
    if met.status:
        raise RuntimeError(f"--once over {size} pages: exit status {met.status}")
    interval = size / RATE
    with program.watching(interval) as pid:
        start = polls()
        wait_until(lambda: polls() >= start + 1.1 * size, 60 + 2 * interval)
        made, seen = connections(), polls()
        cpu = [_window(pid, seconds, polls) for _ in range(max(4, int(interval / seconds)))]
        # Each look at the counters is a connection of its own, too few to matter.
        fresh = (connections() - made) / (polls() - seen)
        return Scale(size, cpu, memory(pid), fresh)


def _window(pid: int, seconds: float, polls: Callable[[], int]) -> float:
    seen, used = polls(), cpu_seconds(pid)
    time.sleep(seconds)
    return (cpu_seconds(pid) - used) / (polls() - seen) * 1e6


def _interval(quick: bool) -> float:
    return 3.0 if quick else 30.0


def _lateness(size: int, quick: bool) -> dict[str, list[float]]:
    """ms, of every poll; the interval is 30 s, shorter with `--quick`."""
    interval = _interval(quick)
    with Origin() as origin:
        urls = origin.urls(size)
        program = prepare("scale-late", urls)
        program.once()
        command = [sys.executable, "-m", "benchmarks.lateness", str(program.state)]
        process = subprocess.Popen(
            [*command, str(interval), str(2 * interval)],
            cwd=ROOT,
            env=environment(program.folder),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        pin(process.pid, 1)
        said, _ = process.communicate("\n".join(urls))
        found: dict[str, list[float]] = json.loads(said)
        return found


def _table(found: dict[str, list[Scale]]) -> Table:
    rows = [
        (
            name,
            f"{each.pages:,}",
            both(each.cpu),
            number(each.rss / 1024),
            number(each.fresh),
        )
        for name, column in found.items()
        for each in column
    ]
    head = ("connections", "pages", "CPU µs a poll", "memory MiB", "new connections a poll")
    return Table(head, rows)


def _slope(column: Sequence[Scale]) -> float:
    """KiB that each further page costs, from the smallest size to the largest."""
    return (column[-1].rss - column[0].rss) / (column[-1].pages - column[0].pages)


def _growth(found: dict[str, list[Scale]]) -> Table:
    rows = [
        (name, f"{column[0].pages:,} … {column[-1].pages:,}", number(_slope(column)))
        for name, column in found.items()
        if len(column) > 1
    ]
    return Table(("each further page", "pages", "KiB"), rows)


def _rank(values: Sequence[float], share: float) -> float:
    """The value below which this share lies (nearest rank)."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def _late_table(late: dict[int, dict[str, list[float]]]) -> Table:
    rows = []
    for size, found in late.items():
        for moment, values in found.items():
            cuts = (_rank(values, 0.5), _rank(values, 0.99), max(values))
            cells = (f"{len(values):,}", *map(number, cuts))
            rows.append((f"{size:,} pages, {moment}", *cells))
    return Table(("lateness, ms after a poll was due", "polls", "p50", "p99", "most"), rows)


def _checks(
    found: dict[str, list[Scale]], late: dict[int, dict[str, list[float]]], reconnecting: float
) -> list[Check]:
    def cpu(name: str, pages: int) -> float:
        at = {each.pages: each for each in found[name]}
        return statistics.median(at[pages].cpu)

    largest = found[CLOSED][-1].pages
    worst = max(late)
    p99 = _rank(late[worst]["answered"], 0.99) / 1e3
    checks = [
        Check(f"CPU a poll at {largest:,} origins, times that at 100, new connections both",
              cpu(CLOSED, largest) / cpu(CLOSED, 100), 1.25),
        Check(f"CPU a poll at {largest:,} origins, times that at 100, kept as the program keeps",
              cpu(KEPT, largest) / cpu(KEPT, 100), 1.25),
        Check(f"lateness of answers, {worst:,} pages, p99", p99, 1, "s"),
        Check("memory at 10 pages, HTTP closed", found[CLOSED][0].rss / 1024, 40, "MiB"),
        Check(f"memory of each further page up to {largest:,}, HTTP closed",
              _slope(found[CLOSED]), 15, "KiB"),
        Check("memory of each further page with its kept TLS connection, HTTP/1.1",
              _slope(found[TLS1]), 85, "KiB"),
        Check(f"memory that {LEAK_POLLS} reconnections over TLS leave behind",
              reconnecting / 1024, 1, "MiB"),
    ]  # fmt: skip
    if TLS2 in found:
        checks.append(
            Check("memory of each further page with its kept TLS connection, HTTP/2",
                  _slope(found[TLS2]), 85, "KiB")
        )  # fmt: skip
    return checks
