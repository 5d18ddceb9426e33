"""Bytes on the wire of an unchanged poll: kept alive, reconnecting, one-shot."""

from __future__ import annotations

import shutil
import statistics
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from benchmarks.nginx import Nginx, nginx
from benchmarks.program import Program, environment, prepare, wait_until
from benchmarks.report import CannotRun, Check, Section, Table, number
from benchmarks.venvs import CACHE
from benchmarks.workers import Task, Worker, captured_headers, with_etag

TITLE = "Bytes on the wire"
GAP = 0.5  # seconds between two polls; longer than any delayed acknowledgement
IDLE = 150  # ms after which the impatient server hangs up
PAGES, INTERVAL = 100, 30
POLLS_A_DAY = PAGES * 86_400 // INTERVAL

_METHOD = (
    "A real nginx: TLS 1.3, a chain of three RSA-2048 certificates, gzip, ETag; {where}. Counted "
    "by the network interface at the IP level, both directions, acknowledgements and closing "
    "included; median of {windows} windows of {polls} polls, {gap:g} s apart. «bare» is "
    "`AsyncHTTPTransport` with the header lines of the program's own request."
)


@dataclass(slots=True)
class Counts:
    """Bytes and packets of one poll, by window."""

    bytes: list[float] = field(default_factory=list)
    packets: list[float] = field(default_factory=list)
    resumed: str = "–"

    @property
    def median(self) -> float:
        """Bytes a poll."""
        return statistics.median(self.bytes)


@dataclass(frozen=True, slots=True)
class Plan:
    """How much is measured."""

    server: Nginx
    headers: list[tuple[str, str]]
    windows: int
    polls: int


def run(quick: bool) -> Section:
    windows, polls = (2, 6) if quick else (3, 10)
    with nginx(apart=True, idle=IDLE) as server:
        plan = Plan(server, captured_headers(), windows, polls)
        apart = server.wire.both_ways
        where = "in a network namespace behind a veth pair" if apart else "on loopback"
        section = Section(TITLE, _METHOD.format(where=where, windows=windows, polls=polls, gap=GAP))
        if not apart:
            section.missing.append("no network namespace (needs root): other loopback traffic, and"
                                   " segments larger than on a network, are in the counts")  # fmt: skip
        found = _measure(plan, section)
    section.tables += [_table(found), _day(found)]
    section.checks += _checks(found)
    section.data["bytes"] = {name: counts.median for name, counts in found.items()}
    section.data["day"] = {name: c.median * POLLS_A_DAY / 1e6 for name, c in found.items()}
    return section


def _measure(plan: Plan, section: Section) -> dict[str, Counts]:
    kept, closing = plan.server.urls()[0], plan.server.closing_url
    found = {
        "kept, HTTP/2: efficient_status": _ours(plan, kept),
        "kept, HTTP/2: bare transport": _bare(plan, kept),
        "kept, HTTP/1.1: efficient_status": _ours(plan, kept, http2=False),
        "kept, HTTP/1.1: bare transport": _bare(plan, kept, http2=False),
        "server closed, HTTP/2: efficient_status": _ours(plan, closing),
        "server closed, HTTP/2: bare transport": _bare(plan, closing),
        "server closed, HTTP/1.1: efficient_status": _ours(plan, closing, http2=False),
        "server closed, HTTP/1.1: bare transport": _bare(plan, closing, http2=False),
        "one-shot: efficient_status --once": _ours_once(plan, kept),
    }
    try:
        found["one-shot: curl with etags"] = _curl(plan, kept, etags=True)
        found["one-shot: curl, unconditional"] = _curl(plan, kept, etags=False)
    except CannotRun as reason:
        section.missing.append(f"curl: {reason}")
    return found


def _ours(plan: Plan, url: str, *, http2: bool = True) -> Counts:
    """The program as a command, watching one page."""
    program = prepare("bytes", [url], trusted=plan.server.chain.trusted, http2=http2)
    program.once()
    before = len(plan.server.log())
    with program.watching(GAP):
        wait_until(lambda: len(plan.server.log()) >= before + 3)
        return _windows(plan, lambda: time.sleep(GAP * plan.polls))


def _bare(plan: Plan, url: str, *, http2: bool = True) -> Counts:
    trusted = plan.server.chain.trusted
    folder = str(CACHE / "work" / "bytes-bare")
    task = Task([url], with_etag(plan.headers, url, trusted), folder, http2)
    with Worker("bare", task, trusted) as worker:
        worker.round(2, GAP)
        return _windows(plan, lambda: worker.round(plan.polls, GAP))


def _ours_once(plan: Plan, url: str) -> Counts:
    program: Program = prepare("bytes", [url], trusted=plan.server.chain.trusted)
    program.once()
    return _windows(plan, lambda: [program.once() for _ in range(plan.polls // 2)])


def _curl(plan: Plan, url: str, *, etags: bool) -> Counts:
    """curl, a process a poll, as a cron job would run it."""
    if shutil.which("curl") is None:
        raise CannotRun("it is not installed")
    folder = CACHE / "work" / "bytes-curl"
    folder.mkdir(parents=True, exist_ok=True)
    etag = str(folder / "etag")
    remembering = ["--etag-compare", etag, "--etag-save", etag] if etags else []
    command = ["curl", "-sf", "--compressed", *remembering, "-o", str(folder / "feed"), url]
    variables = environment(folder, plan.server.chain.trusted)

    def poll() -> int:
        return subprocess.run(command, env=variables, check=True).returncode

    (folder / "etag").unlink(missing_ok=True)
    poll()
    return _windows(plan, lambda: [poll() for _ in range(plan.polls // 2)])


def _windows(plan: Plan, act: Callable[[], object]) -> Counts:
    """Let polls happen, window after window, and divide what travelled by the requests seen."""
    counts = Counts()
    requests: list[list[str]] = []
    for _ in range(plan.windows):
        _calm(plan)
        seen, start = len(plan.server.log()), plan.server.wire.count()
        act()
        _calm(plan)
        end, log = plan.server.wire.count(), plan.server.log()[seen:]
        counts.bytes.append((end[0] - start[0]) / len(log))
        counts.packets.append((end[1] - start[1]) / len(log))
        requests += log
    connections = {line[1]: line[3] for line in requests}
    if len(connections) > plan.windows:
        resumed = sum(flag == "r" for flag in connections.values())
        counts.resumed = f"{resumed} of {len(connections)}"
    return counts


def _calm(plan: Plan) -> None:
    """Wait until nothing travels, so that no exchange is cut in two by the counting."""
    quiet, last = time.monotonic(), plan.server.wire.count()
    end = quiet + 5
    while time.monotonic() < min(quiet + 0.6 * GAP, end):
        time.sleep(0.02)
        if (now := plan.server.wire.count()) != last:
            quiet, last = time.monotonic(), now


def _table(found: dict[str, Counts]) -> Table:
    rows = [
        (name, number(c.median), number(statistics.median(c.packets)), c.resumed)
        for name, c in found.items()
    ]
    return Table(("one unchanged poll", "bytes", "packets", "TLS sessions resumed"), rows)


def _day(found: dict[str, Counts]) -> Table:
    rows = [(name, number(c.median * POLLS_A_DAY / 1e6)) for name, c in found.items()]
    return Table((f"{PAGES} pages every {INTERVAL} s: {POLLS_A_DAY:,} polls a day", "MB"), rows)


def _checks(found: dict[str, Counts]) -> list[Check]:
    def times(ours: str, theirs: str) -> float:
        return found[ours].median / found[theirs].median

    kept = "kept, HTTP/2: efficient_status"
    names: Sequence[str] = ("HTTP/2", "HTTP/1.1")
    checks = [
        Check("bytes kept alive, HTTP/2, times bare",
              times(kept, "kept, HTTP/2: bare transport"), 1.05)
    ]  # fmt: skip
    if "one-shot: curl with etags" in found:
        ratio = times(kept, "one-shot: curl with etags")
        checks.append(Check("bytes kept alive, HTTP/2, times curl with etags", ratio, 1 / 8))
    checks += [
        Check(
            f"bytes when the server closed, {name}, times a connection without resumption",
            times(f"server closed, {name}: efficient_status",
                  f"server closed, {name}: bare transport"),
            0.65,
        )
        for name in names
    ]  # fmt: skip
    return checks
