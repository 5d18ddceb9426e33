"""Plays a night: servers and checks in this process, the program in one of its own.

night = play(Night(pages=50, polls=5000), folder)
night.wrong, night.lost, night.bugs, night.looks, night.steady
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import resource
import sqlite3
import subprocess
import sys
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

from tests.app import environment
from tests.origin import Origin
from tests.soak.pages import Event, Life
from tests.soak.watcher import BUG, Plan
from tests.soak.weather import ABROAD, ENDLESS, Server

ROOT = Path(__file__).parent.parent.parent
A_HOST = 4  # pages
_NEARLY_OVER = 0.7  # of the polls
DAY = 86_400.0
_INCIDENT = re.compile(r"\d{8}")
OFFLINE = "no network"
_TOO_LATE = "no whole answer within"


@dataclass(frozen=True)
class Night:
    """What is played.

    Attributes:
        beat: seconds of the wall between two polls of a page.
        scale: seconds of the program's clock in one of the wall's.
        secure: of so many pages one is served over TLS and HTTP/2; 0 = none.
        troubles: share of the polls → what then goes wrong around the program, for how many seconds.
    """

    pages: int
    polls: int
    beat: float
    scale: float = 30.0
    seed: int = 6
    secure: int = 12
    looks: int = 50
    troubles: Mapping[float, tuple[str, float]] = field(default_factory=dict)

    @property
    def hosts(self) -> int:
        return -(-self.pages // A_HOST)


@dataclass
class Seen:
    """What came of it.

    Attributes:
        looks: at the process, in the order of polls (see `watcher`).
        told, due: events that were told, and that must have been.
        wrong: pages' events that differ: (page, incident, told, due).
        lost: pages where a document was sent whole, or confirmed, and no deadline and no cut of the
            network explains that it did not arrive.
        muddled: pages where something else arrived than was sent, or in another order.
        unasked: polls that made no request, since what is stored was fresh.
        late: polls that came to no end in time though nothing was in their way.
        weather, reasons: how often each was met.
        bugs: what a poll must not raise, and what the program said of bugs.
        said: its stderr.
    """

    looks: list[dict[str, float]] = field(default_factory=list)
    told: int = 0
    due: int = 0
    wrong: list[tuple[str, int, list[Event], list[Event]]] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    muddled: list[str] = field(default_factory=list)
    bugs: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    weather: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    status: int = -1
    late: int = 0
    unasked: int = 0


class _Stage:
    """A night under way."""

    def __init__(self, night: Night, folder: Path, stack: ExitStack) -> None:
        self.night = night
        self.folder = folder
        self.state = folder / "state"
        self.state.mkdir(mode=0o700)
        self.plain = stack.enter_context(Origin(host="0.0.0.0"))
        names = [_host(number) for number in range(night.pages)]
        self.secure = (
            stack.enter_context(Origin(host="0.0.0.0", http2=True, tls_names=[*set(names)]))
            if night.secure
            else None
        )
        self.servers = [
            Server(
                Life(number, night.seed),
                night.beat * night.scale,
                night.seed,
                plain=not self._is_secure(number),
            )
            for number in range(night.pages)
        ]
        for server in self.servers:
            self._origin(server.life.number).page(f"/{server.life.number}").always(server.answer)
        self.reading = threading.Event()
        self.reading.set()
        self.events: list[bytes] = []
        self.arrived: defaultdict[int, list[str]] = defaultdict(list)
        self.failed: defaultdict[int, list[str]] = defaultdict(list)
        self.seen = Seen()
        self.process: subprocess.Popen[bytes]

    def _is_secure(self, number: int) -> bool:
        # By host: a host's pages are all of one kind.
        return bool(self.night.secure) and number // A_HOST % self.night.secure == 1

    def _origin(self, number: int) -> Origin:
        return self.secure if self.secure and self._is_secure(number) else self.plain

    def _url(self, number: int) -> str:
        origin = self._origin(number)
        return f"{origin.base.partition(':')[0]}://{_host(number)}:{origin.port}/{number}"

    def start(self, pipe: int) -> None:
        """Start the program."""
        night = self.night
        rows = (
            f'[[providers]]\nkey = "p{n}"\nfeed = "{self._url(n)}"\n' for n in range(night.pages)
        )
        config = self.folder / "soak.toml"
        # Redirects lead to more hosts than connections are kept.
        most = f'host_spacing = 0\nconnections = {night.hosts}\nallow_hosts = ["{ABROAD}.0.0/16"]\n'
        config.write_text(most + "".join(rows))
        jumps = [(0.35, 11 * DAY), (0.55, -4 * DAY), (0.65, 11 * DAY), (0.85, -DAY / 24)]
        plan = Plan(night.polls, night.scale, night.seed, night.looks, pipe, str(self.state), jumps)
        trust = {"SSL_CERT_FILE": self.secure.ca_file} if self.secure else {}
        arguments = [
            "--config", str(config), "--state-dir", str(self.state), "--format", "json",
            "--interval", f"{night.beat * night.scale:g}",
        ]  # fmt: skip
        with (self.folder / "stderr").open("wb") as said:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.soak.watcher", json.dumps(asdict(plan)), *arguments],
                cwd=ROOT,
                env=environment(self.folder, **trust),
                stdout=subprocess.PIPE,
                stderr=said,
                pass_fds=[pipe],
            )

    def read_events(self) -> None:
        """Whoever reads the program's stdout, through a narrow pipe."""
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, 4096)
        while True:
            self.reading.wait()
            if not (part := os.read(descriptor, 65_536)):
                return
            self.events.append(part)

    def heed(self, line: str) -> None:
        """One line of the watcher's."""
        kind, _, rest = line.partition(" ")
        if kind == ">":
            page, _, identity = rest.partition(" ")
            self.arrived[int(page)].append(identity)
        elif kind == "=":
            self.seen.unasked += 1
        elif kind == "!":
            page, _, reason = rest.partition(" ")
            self.failed[int(page[1:])].append(reason)
        else:
            self.seen.looks.append(json.loads(line))
            for origin in filter(None, (self.plain, self.secure)):
                origin.clear_log()
            for server in self.servers:
                server.brief = self.share > _NEARLY_OVER

    @property
    def share(self) -> float:
        return len(self.seen.looks) / self.night.looks

    def judge(self) -> Seen:
        """Compare what was told with what must have been."""
        seen = self.seen
        told: defaultdict[tuple[str, int], list[Event]] = defaultdict(list)
        for line in b"".join(self.events).splitlines():
            event = _event(line)
            told[json.loads(line)["provider"], event.incident].append(event)
        due = {
            (f"p{server.life.number}", id_): events
            for server in self.servers
            for id_, events in server.life.expected(self.arrived[server.life.number]).items()
        }
        seen.told, seen.due = (sum(map(len, each.values())) for each in (told, due))
        seen.wrong = [
            (*key, told.get(key, []), due.get(key, []))
            for key in sorted({*told, *due})
            if told.get(key, []) != due.get(key, [])
        ]
        for server in self.servers:
            self._weigh(server)
        seen.said = (self.folder / "stderr").read_text().splitlines()
        seen.bugs += [line for line in seen.said if "bug" in line or "Traceback" in line]
        seen.status = self.process.returncode
        return seen

    def _weigh(self, server: Server) -> None:
        seen, number = self.seen, server.life.number
        seen.weather += server.seen
        failed = self.failed[number]
        seen.bugs += [f"page {number}: {reason}" for reason in failed if BUG in reason]
        for reason in failed:
            seen.reasons[re.sub(r"[\d.,]+|http\S+", "#", reason)[:70]] += 1
        scripted = sum(server.seen[kind] for kind in ENDLESS)
        late = max(sum(reason.startswith(_TOO_LATE) for reason in failed) - scripted, 0)
        seen.late += late
        cuts = sum(name == OFFLINE for name, _ in self.night.troubles.values())
        arrived = [each for each in self.arrived[number] if server.life.version_of(each)]
        missing = len(server.sent) - len(arrived)
        if missing > late + cuts:
            seen.lost.append(f"page {number}: {missing} documents, {late} polls too late")
        if not _within(arrived, server.sent):
            seen.muddled.append(f"page {number}")


def _within(part: Iterable[str], whole: Iterable[str]) -> bool:
    """Whether all of it occurs in the other, in this order."""
    rest = iter(whole)
    return all(each in rest for each in part)


def play(night: Night, folder: Path) -> Seen:
    """Play a night in a folder of its own."""
    with ExitStack() as stack:
        stage = _Stage(night, folder, stack)
        ours, theirs = os.pipe()
        stage.start(theirs)
        os.close(theirs)
        reader = threading.Thread(target=stage.read_events)
        reader.start()
        timers: list[threading.Timer] = []
        due = sorted(night.troubles.items())
        try:
            with os.fdopen(ours) as lines:
                for line in lines:
                    stage.heed(line.strip())
                    while due and due[0][0] <= stage.share:
                        trouble, seconds = due.pop(0)[1]
                        end = TROUBLES[trouble](stage)
                        timers.append(threading.Timer(seconds, end))
                        timers[-1].start()
            stage.process.wait(30)
        finally:
            for timer in timers:
                timer.join()
            stage.process.kill()
            reader.join()
            stage.process.wait()
            assert stage.process.stdout is not None
            stage.process.stdout.close()
        return stage.judge()


# Troubles: each begins, and gives what ends it.


def _nobody_reads(stage: _Stage) -> Callable[[], None]:
    stage.reading.clear()
    return stage.reading.set


def _offline(stage: _Stage) -> Callable[[], None]:
    origins = [each for each in (stage.plain, stage.secure) if each]
    for origin in origins:
        origin.pause()

    def back() -> None:
        for origin in origins:
            origin.resume()

    return back


def _portal(stage: _Stage) -> Callable[[], None]:
    """Somebody else answers in the place of every server."""
    for server in stage.servers:
        server.captive = True

    def back() -> None:
        for server in stage.servers:
            server.captive = False

    return back


def _locked(stage: _Stage, name: str) -> Callable[[], None]:
    """Somebody else writes to it for a while."""
    database = sqlite3.connect(stage.state / name, check_same_thread=False)
    database.execute("BEGIN IMMEDIATE")
    return database.close


def _deleted(stage: _Stage) -> Callable[[], None]:
    for file in stage.state.glob("*.sqlite3*"):
        file.unlink()
    return lambda: None


def _full(stage: _Stage) -> Callable[[], None]:
    """No file of the program's grows any more."""
    pid = stage.process.pid
    _, hard = resource.prlimit(pid, resource.RLIMIT_FSIZE)
    resource.prlimit(pid, resource.RLIMIT_FSIZE, (1, hard))
    return lambda: _unlimited(pid, hard)


def _unlimited(pid: int, hard: int) -> None:
    with suppress(ProcessLookupError):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))


TROUBLES: dict[str, Callable[[_Stage], Callable[[], None]]] = {
    "nobody reads stdout": _nobody_reads,
    OFFLINE: _offline,
    "a captive portal": _portal,
    "the state is locked": partial(_locked, name="state.sqlite3"),
    "the cache is locked": partial(_locked, name="cache.sqlite3"),
    "both databases are deleted": _deleted,
    "the disk is full": _full,
}


def _host(number: int) -> str:
    host = number // A_HOST
    return f"127.{1 + host // 250}.{host % 250}.1"


def _event(line: bytes) -> Event:
    fields: dict[str, Any] = json.loads(line)
    found = _INCIDENT.findall(fields["incident"])
    return Event(fields["event"], int(found[-1]), fields["state"], fields["message"])


def risen(looks: list[dict[str, float]], what: str, since: float = 0.25) -> float:
    """By how much the median of this rose from one quarter of the night to its last.

    What polls under way take, and outages free, is of a moment; what leaks lifts it.

    Args:
        since: share of the night after which that quarter begins.
    """
    quarter, begin = len(looks) // 4, int(len(looks) * since)
    early, late = looks[begin : begin + quarter], looks[-quarter:]
    return median(each[what] for each in late) - median(each[what] for each in early)
