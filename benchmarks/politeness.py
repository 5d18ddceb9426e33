"""The scorecard of politeness over other clients: `python -m benchmarks.politeness`.

    python -m benchmarks.politeness [--only NAME …] [--write]

Plays the scenarios of `tests/conformance` over this program and over peers, each installed here
(pip into an environment of its own, or apt-get) and set up as its documentation recommends, and
prints which rules each one holds. `--write` stores the result beside this file.

Where one has a place for a number (an interval, a pause), the scenarios' seconds are put there;
nothing else of a peer is changed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import blake2b
from pathlib import Path

from benchmarks import venvs
from benchmarks.report import CannotRun
from efficient_status import __version__
from tests.conformance.clients import Command, EfficientStatus
from tests.conformance.grading import Grade
from tests.conformance.scorecard import RULES, Scorecard
from tests.conformance.stage import Client, Job, Mode

RESULT = Path(__file__).with_name("POLITENESS.md")
AT_ONCE = 5  # scenarios that are played beside each other: they mostly wait
MARKS = {True: "✓", False: "✗", None: "–"}

FEEDPARSER = """
import http.client, json, pathlib, sys
import feedparser
file = pathlib.Path(sys.argv[1], "known.json")
known = json.loads(file.read_text()) if file.exists() else {}
for url in sys.argv[2:]:
    page = known.setdefault(url, {})
    if page.get("gone"):
        continue
    try:
        read = feedparser.parse(
            page.get("url", url), etag=page.get("etag"), modified=page.get("modified"),
            agent="feed-script/1.0 +https://feeds.example.test/",
        )
    except (OSError, http.client.HTTPException) as error:
        print(url, error)
        continue
    status = read.get("status")
    if status == 301:
        page["url"] = read.href
    if status == 410:
        page["gone"] = True
    if status is not None and status < 400 and status != 304:
        page |= {"etag": read.get("etag"), "modified": read.get("modified")}
    file.write_text(json.dumps(known))
"""

HISHEL = """
import asyncio, pathlib, sys
import httpx
from hishel import AsyncSqliteStorage
from hishel.httpx import AsyncCacheClient
async def main():
    storage = AsyncSqliteStorage(database_path=pathlib.Path(sys.argv[1], "hishel.db"))
    async with AsyncCacheClient(storage=storage, rfc=True, follow_redirects=True) as client:
        for url in sys.argv[2:]:
            try:
                answer = await client.get(url)
                print(url, answer.status_code)
            except httpx.HTTPError as error:
                print(url, error)
asyncio.run(main())
"""

READER = """
import pathlib, sys
from datetime import timedelta
from reader import _update, make_reader
# Its intervals are whole minutes: a second stands for each here, so that scenarios are short.
_update.next_update_after = lambda now, interval, jitter=0: (
    now.replace(microsecond=0) + timedelta(seconds=interval)
)
reader = make_reader(str(pathlib.Path(sys.argv[1], "reader.sqlite")))
reader.set_tag((), ".reader.update", {"interval": 1})
for url in sys.argv[2:]:
    reader.add_feed(url, exist_ok=True)
reader.update_feeds()
"""

CURL = """
cd "$1" && shift
for url in "$@"; do
    name=$(printf %s "$url" | cksum | tr ' ' -)
    curl -sSfL --compressed --etag-compare "$name.etag" --etag-save "$name.etag" \\
        -o "$name.xml" "$url"
done
"""


@dataclass
class Peer:
    """A command that is started anew for each poll."""

    name: str
    version: str
    line: Callable[[Job], Sequence[str | Path]]
    note: str = ""
    pause: float = 0.0
    watches: bool = False
    tells: bool = False
    spaces: bool = False

    def once(self, job: Job) -> Command:
        """See `Client`."""
        return Command([str(part) for part in self.line(job)], job.folder, _environment(job))

    def watch(self, job: Job) -> Command:
        """See `Client`."""
        raise NotImplementedError


def _environment(job: Job) -> Mapping[str, str]:
    """Nothing of the user's own, and no proxy."""
    kept = {n: v for n, v in os.environ.items() if not n.lower().endswith("_proxy")}
    home = str(job.folder)
    return {**kept, "HOME": home, "XDG_CONFIG_HOME": home, "XDG_DATA_HOME": home, "NO_PROXY": "*"}


def _script(python: Path, text: str) -> Callable[[Job], Sequence[str | Path]]:
    return lambda job: [python / "python", "-c", text, job.folder, *job.urls]


def _name(url: str) -> str:
    return f"feed-{blake2b(url.encode(), digest_size=6).hexdigest()}"


def feedparser() -> Peer:
    where = venvs.peer("feedparser", ("feedparser",))
    version = venvs.version(where, "feedparser")
    note = "a script that does what its documentation says of etag, modified, 301 and 410"
    return Peer("feedparser", version, _script(where, FEEDPARSER), note)


def hishel() -> Peer:
    where = venvs.peer("hishel", ("hishel[httpx]", "anysqlite"))
    note = "a script over AsyncCacheClient with AsyncSqliteStorage and rfc=True"
    return Peer("hishel", venvs.version(where, "hishel"), _script(where, HISHEL), note, 1.1)


def reader() -> Peer:
    where = venvs.peer("reader", ("reader",), (3, 12))
    note = "a script that calls update_feeds(); its unit of a minute made a second"
    return Peer("reader", venvs.version(where, "reader"), _script(where, READER), note, 1.2)


def rss2email() -> Peer:
    where = venvs.peer("rss2email", ("rss2email",))

    def line(job: Job) -> list[str | Path]:
        config, mail = job.folder / "rss2email.cfg", job.folder / "mail"
        rows = ["[DEFAULT]", "to = me@example.test", "from = me@example.test"]
        rows += ["email-protocol = maildir", f"maildir-path = {mail}", "maildir-mailbox = inbox"]
        for url in job.urls:
            rows += [f"[feed.{_name(url)}]", f"url = {url.replace('%', '%%')}"]
        if not config.exists():
            config.write_text("\n".join(rows) + "\n")
            for part in ("cur", "new", "tmp"):
                (mail / "inbox" / part).mkdir(parents=True)
        return [where / "r2e", "-c", config, "-d", job.folder / "rss2email.json", "run"]

    note = "`r2e run`, delivering to a maildir"
    return Peer("rss2email", venvs.version(where, "rss2email"), line, note)


def feed2exec() -> Peer:
    where = venvs.peer("feed2exec", ("feed2exec",))

    def line(job: Job) -> list[str | Path]:
        config = job.folder / "feed2exec.ini"
        rows = [
            f"[{_name(url)}]\nurl = {url}\noutput = feed2exec.plugins.echo\n" for url in job.urls
        ]
        config.write_text("\n".join(rows))
        files: list[str | Path] = ["--config", config, "--database", job.folder / "feed2exec.db"]
        return [where / "feed2exec", *files, "fetch"]

    note = "`feed2exec fetch`"
    return Peer("feed2exec", venvs.version(where, "feed2exec"), line, note)


def newsboat() -> Peer:
    command = _debian("newsboat")

    def line(job: Job) -> list[str | Path]:
        urls, config = job.folder / "urls", job.folder / "config"
        urls.write_text("".join(f"{url}\n" for url in job.urls))
        config.touch()
        files: list[str | Path] = ["-u", urls, "-C", config, "-c", job.folder / "cache.db"]
        return [command, "-q", *files, "-x", "reload"]

    return Peer("newsboat", _says(command).split()[1], line, "`newsboat -x reload`")


def curl() -> Peer:
    command = _debian("curl")
    note = "a loop over `curl -sSfL --compressed --etag-compare … --etag-save …`"
    shell = shutil.which("sh") or "sh"
    version = _says(command).split()[1]
    return Peer("curl", version, lambda job: [shell, "-c", CURL, "sh", job.folder, *job.urls], note)


PEERS: dict[str, Callable[[], Peer]] = {
    "reader": reader,
    "feed2exec": feed2exec,
    "rss2email": rss2email,
    "feedparser": feedparser,
    "newsboat": newsboat,
    "hishel": hishel,
    "curl": curl,
}


def _debian(package: str) -> str:
    """Path of a command, installed by apt-get where it is missing."""
    if shutil.which(package) is None:
        for line in (["update"], ["install", "--yes", package]):
            done = subprocess.run(["apt-get", "-qq", *line], capture_output=True, check=False)
            if done.returncode:
                raise CannotRun(f"apt-get cannot install {package}")
    found = shutil.which(package)
    if found is None:
        raise CannotRun(f"{package} is not found")
    return found


def _says(command: str) -> str:
    done = subprocess.run([command, "--version"], capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0]


@dataclass
class Column:
    """One client in one mode, graded."""

    title: str
    version: str
    note: str
    grades: dict[str, Grade]

    @property
    def sum(self) -> str:
        """Rules held, of those that apply."""
        applied = [grade for grade in self.grades.values() if grade.passed is not None]
        return f"{sum(grade.passed is True for grade in applied)}/{len(applied)}"


def play(client: Client, mode: Mode) -> dict[str, Grade]:
    """All grades of one client."""
    card = Scorecard(AT_ONCE)
    card.begin(client, mode)
    try:
        return {rule: card.grade(client, mode, rule) for rule in RULES}
    finally:
        card.close()


def columns(names: Sequence[str]) -> list[Column]:
    """This program in both modes, and the peers that can be had here."""
    ours = EfficientStatus()
    found = []
    modes: tuple[tuple[Mode, str], ...] = (("watch", "left running"), ("cron", "`--once`"))
    for mode, note in modes:
        if not names or ours.name in names:
            _tell(f"{ours.name}, {mode}")
            title = f"{ours.name} ({mode})"
            found.append(Column(title, __version__, note, play(ours, mode)))
    for name, make in PEERS.items():
        if names and name not in names:
            continue
        _tell(name)
        try:
            peer = make()
        except CannotRun as reason:
            _tell(f"{name} is left out: {reason}")
            continue
        found.append(Column(peer.name, peer.version, peer.note, play(peer, "cron")))
    return found


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def table(found: Sequence[Column]) -> str:
    """Rule × client, in Markdown."""
    rows = [["rule", "", *(column.title for column in found)], ["---"] * (len(found) + 2)]
    for rule, title in RULES.items():
        rows.append([rule, title, *(MARKS[column.grades[rule].passed] for column in found)])
    rows.append(["", "held, of those that apply", *(column.sum for column in found)])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def evidence(column: Column) -> str:
    """What was counted for one client."""
    lines = [f"### {column.title} {column.version}", "", f"{column.note}.", ""]
    for rule, grade in column.grades.items():
        said = grade.evidence.replace("|", "\\|").replace("*", "\\*").replace("<", "\\<")
        lines.append(f"- {MARKS[grade.passed]} {rule}: {said}")
    return "\n".join(lines)


def document(found: Sequence[Column], command: str) -> str:
    """The whole result."""
    python = ".".join(map(str, sys.version_info[:3]))
    today = datetime.now(UTC).date().isoformat()
    versions = dict.fromkeys(
        f"{column.title.partition(' ')[0]} {column.version}" for column in found
    )
    head = f"""# Politeness, measured

`{command}` on {today} with Python {python}: {", ".join(versions)}.

The scenarios of `tests/conformance` grade each client from the log of requests of a loopback
server alone. ✓ held, ✗ broken, – does not apply. Each client is set up as its documentation
recommends. Those that are no feed readers of their own (curl, feedparser, hishel) are what a short
script makes of them. Real pages ask for minutes where the scenarios ask for seconds."""
    parts = [head, table(found), "## What was counted", *map(evidence, found)]
    return "\n\n".join(parts) + "\n"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.politeness")
    names = [EfficientStatus.name, *PEERS]
    parser.add_argument("--only", nargs="+", default=[], choices=names, metavar="NAME")
    parser.add_argument("--write", action="store_true", help=f"store it as {RESULT.name}")
    options = parser.parse_args()
    found = columns(options.only)
    command = " ".join(["python -m benchmarks.politeness", *sys.argv[1:]])
    text = document(found, command)
    print(text)
    if options.write:
        RESULT.write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
