"""What the program prints, played on loopback: the vendors are invented, the program is real.

Numbers that no two runs share (times, ports, bytes on the wire) are left out of the comparison; see
`alike`.
"""

from __future__ import annotations

import os
import pty
import re
import shlex
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.app import command, environment, start
from tests.feeds import Report, incidentio, minute
from tests.forked import Forked
from tests.origin import Origin, Page

_DATES = r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} |\d\d [A-Z][a-z]{2}\b|\d{4}-\d\d\b|\d\d:\d\d"


def alike(transcript: str) -> str:
    """A transcript without what differs from run to run, in numbers and so in columns."""
    text = re.sub(_DATES, "0", transcript)
    text = re.sub(r"\d+([.,]\d+)*( bytes| B| kB| ms| s\b| min| h| d\b)?", "0", text)
    return re.sub(r"[ 0]+", " ", re.sub("[█▏▎▍▌▋▊▉░]+", "", text))


def _console(line: str, printed: str) -> str:
    return f"```console\n$ {line}\n{printed.rstrip()}\n```"


def _printed(folder: Path, line: str, limit: float = 60) -> str:
    """What a command line prints, stdout and stderr as they come."""
    words = shlex.split(line, comments=True)[1:]
    with tempfile.TemporaryFile("w+") as out:
        run = Forked(words, environment(folder), out, out)
        try:
            run.wait(limit)
        finally:
            run.kill()
        out.seek(0)
        return out.read().replace(str(folder), "~")


def _screen(folder: Path, line: str) -> str:
    """What a command line shows on a terminal without colours."""
    words = shlex.split(line, comments=True)[1:]
    ours, theirs = pty.openpty()
    with open(ours, "rb", buffering=0) as terminal:  # noqa: PTH123 - a descriptor
        subprocess.run(
            command(*words),
            env=environment(folder, COLUMNS="100", NO_COLOR="1"),
            stdout=theirs,
            stderr=theirs,
            check=False,
        )
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # EIO is how Linux says that nobody writes any more
            while part := terminal.read(65_536):
                shown += part
    return shown.decode().replace("\r\n", "\n").replace(str(folder), "~")


@contextmanager
def openai(folder: Path) -> Iterator[tuple[Page, Report]]:
    """A page of ours in OpenAI's place, and its incident; as the default configuration has it."""
    one = Report(
        "01EXAMPLE1",
        title="Slow answers in ChatGPT",
        message="We are looking into slow answers.",
        components=("Conversations (Degraded performance)", "Login (Degraded performance)"),
        at=minute(12),
    )
    with Origin() as origin:
        file = folder / "config" / "efficient-status" / "config.toml"
        file.parent.mkdir(parents=True)
        row = f'key = "openai", feed = "{origin.url("/feed.rss")}"'
        file.write_text(f"providers = [{{ {row} }}]", "utf-8")
        page = origin.page("/feed.rss")
        page.serve(_served(one), etag=True)
        yield page, one


def _served(report: Report) -> str:
    return incidentio(report).replace("status.example.test", "status.openai.com")


def watch() -> str:
    """Three versions of a page; only the interval is shorter than what is shown."""
    versions = [
        ("Investigating", "We are looking into slow answers.", minute(12)),
        ("Monitoring", "A fix is live.", minute(31)),
        ("Resolved", "It works again.", minute(58)),
    ]
    with tempfile.TemporaryDirectory() as name, openai(Path(name)) as (page, one):
        process = start(Path(name), "--interval", "0.05", "--utc")
        for one.state, one.message, one.at in versions:
            page.serve(_served(one), etag=True)
            served = page.count
            deadline = time.monotonic() + 10
            while page.count < served + 3 and time.monotonic() < deadline:
                time.sleep(0.01)
        process.terminate()
        out, err = process.communicate(timeout=10)
    told = err.replace("every 0.05 s", "every 30 s") + out
    return _console("python -m efficient_status --interval 30 --utc", told)


def once() -> str:
    """Two runs of cron: the second has nothing to say."""
    line = "efficient-status openai --once --verbose --utc"
    with tempfile.TemporaryDirectory() as name, openai(Path(name)):
        return "\n\n".join(_console(line, _printed(Path(name), line)) for _ in range(2))


def demo(seconds: float = 30) -> str:
    """The outage of the demonstration, whole."""
    with tempfile.TemporaryDirectory() as name:
        printed = _printed(Path(name), f"efficient-status demo --seconds {seconds:g} --utc")
    return _console("efficient-status demo --utc", printed)


def mistakes() -> str:
    """What is said of a configuration with three mistakes."""
    text = 'intervall = 30\nproviders = ["opnai", { key = "github", filters = { min_impact = "huge" } }]\n'
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "mine.toml").write_text(text, "utf-8")
        line = f"efficient-status check --config {name}/mine.toml"
        printed = _console(line.replace(name, "~"), _printed(Path(name), line))
    return f"```text\n{text}```\n\n{printed}"


def _after(runs: int, change: bool, line: str, shown: Callable[[Path, str], str]) -> str:
    """A command line after some runs, and after its page has changed."""
    with tempfile.TemporaryDirectory() as name, openai(Path(name)) as (page, one):
        for _ in range(runs):
            _printed(Path(name), "efficient-status openai --once")
        if change:
            one.state, one.message, one.at = "Monitoring", "A fix is live.", minute(31)
            page.serve(_served(one), etag=True)
        return _console(line, shown(Path(name), line))


def status() -> str:
    """What is open."""
    return _after(1, False, "efficient-status status --utc", _screen)


def explain() -> str:
    """A page that has changed since it was told."""
    return _after(1, True, "efficient-status explain openai --utc", _printed)


def stats() -> str:
    """Six runs of cron."""
    return _after(6, False, "efficient-status stats", _printed)


def network() -> str:
    """A page that is well."""
    return _after(0, False, "efficient-status check openai --network", _printed)


def logs() -> str:
    """The same poll for two programs."""
    lines = [
        f"efficient-status openai --once --verbose --log-format {x}" for x in ("json", "logfmt")
    ]
    return "\n\n".join(_after(1, False, line, _printed) for line in lines)


def targets() -> str:
    """A target that takes it, and one that is wrong."""
    text = """\
[[notify]]
name = "log"
exec = ["cat"]

[[notify]]
name = "pager"
exec = ["/opt/pager/page"]
"""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "mine.toml").write_text(text, "utf-8")
        line = f"efficient-status notify test --config {name}/mine.toml"
        return _console(line.replace(name, "~"), _printed(Path(name), line))


def listed() -> str:
    """A search in the catalogue."""
    line = "efficient-status list mail"
    with tempfile.TemporaryDirectory() as name:
        printed = _printed(Path(name), line)
    return _console(f"{line} | cut -f 1,2,3", re.sub(r"(?m)^(.*?\t.*?\t.*?)\t.*$", r"\1", printed))


TRANSCRIPTS: dict[str, Callable[[], str]] = {
    "watch": watch,
    "once": once,
    "demo": demo,
    "mistakes": mistakes,
    "listed": listed,
    "status": status,
    "explain": explain,
    "stats": stats,
    "network": network,
    "logs": logs,
    "targets": targets,
}
