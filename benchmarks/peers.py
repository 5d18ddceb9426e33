"""Programs that watch feeds or keep HTTP caches: how each is installed, set up and run once."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import machine, venvs
from benchmarks.meters import SCRIPTS, Run
from benchmarks.meters import run as run_command
from benchmarks.program import environment
from benchmarks.report import CannotRun


@dataclass(frozen=True, slots=True)
class Field:
    """The pages that all are to ask for, and the name of the folder they may use."""

    urls: Sequence[str]
    name: str

    def folder(self, peer: str) -> Path:
        """An empty folder for one peer."""
        folder = venvs.CACHE / "work" / self.name / peer
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder


@dataclass(frozen=True, slots=True)
class Peer:
    """A peer that is set up."""

    label: str
    command: Sequence[str]
    environment: dict[str, str]
    folder: Path

    def run(self) -> Run:
        """Ask every page once."""
        return run_command(self.command, self.environment, self.folder)


def ready(field: Field) -> tuple[list[Peer], list[str]]:
    """All peers that can run here, and why the others cannot."""
    peers, missing = [], []
    for name, set_up in _PEERS.items():
        try:
            peers.append(set_up(field))
        except (CannotRun, OSError, subprocess.SubprocessError) as reason:
            missing.append(f"{name}: {reason}")
    return peers, missing


def _curl(field: Field) -> Peer:
    _need("curl")
    folder = field.folder("curl")
    lines = [
        shlex.join(["curl", "-sf", "--compressed", "--etag-compare", f"etag{n}", "--etag-save",
                    f"etag{n}", "-o", f"feed{n}", url])
        for n, url in enumerate(field.urls)
    ]  # fmt: skip
    script = folder / "poll.sh"
    script.write_text("\n".join(lines) + "\n")
    command = ["sh", str(script)] if len(lines) > 1 else shlex.split(lines[0])
    label = " ".join(machine.first_line("curl", "--version").split()[:2])
    return Peer(f"{label} with etags", command, environment(folder), folder)


def _newsboat(field: Field) -> Peer:
    _need("newsboat")
    folder = field.folder("newsboat")
    (folder / "urls").write_text("\n".join(field.urls) + "\n")
    (folder / "config").write_text("reload-threads 8\n")
    files = ["-u", str(folder / "urls"), "-c", str(folder / "cache"), "-C", str(folder / "config")]
    command = ["newsboat", *files, "-x", "reload"]
    label = " ".join(machine.first_line("newsboat", "-v").split()[:2])
    peer = Peer(label, command, environment(folder), folder)
    peer.run()  # it asks without validators twice
    return peer


def _rss2email(field: Field) -> Peer:
    where = venvs.peer("rss2email", ("rss2email",))
    folder = field.folder("rss2email")
    files = ["-c", str(folder / "r2e.cfg"), "-d", str(folder / "r2e.json")]
    binary = [str(where / "r2e"), *files]
    _set_up([*binary, "new", "somebody@example.test"], folder)
    names = [f"page{n}" for n in range(len(field.urls))]
    with (folder / "r2e.cfg").open("a") as config:
        config.writelines(
            f"\n[feed.{name}]\nurl = {url}\n" for name, url in zip(names, field.urls, strict=True)
        )
    (folder / "r2e.json").write_text(json.dumps({"version": 2, "feeds": []}))
    _set_up([*binary, "run", "--no-send"], folder)
    label = f"rss2email {venvs.version(where, 'rss2email')}"
    return Peer(label, [*binary, "run"], environment(folder), folder)


def _feed2exec(field: Field) -> Peer:
    where = venvs.peer("feed2exec", ("feed2exec",))
    folder = field.folder("feed2exec")
    sections = [
        f"[page{n}]\nurl = {url}\noutput = feed2exec.plugins.null\n"
        for n, url in enumerate(field.urls)
    ]
    (folder / "config.ini").write_text("\n".join(sections))
    files = ["--config", str(folder / "config.ini"), "--database", str(folder / "feeds.db")]
    command = [str(where / "feed2exec"), *files, "fetch"]
    label = f"feed2exec {venvs.version(where, 'feed2exec')}"
    return Peer(label, command, environment(folder), folder)


def _reader(field: Field) -> Peer:
    where = venvs.peer("reader", ("reader",), oldest=(3, 12))
    return _script(field, where, "reader_update", f"reader {venvs.version(where, 'reader')}")


def _feedparser(field: Field) -> Peer:
    where = venvs.peer("feedparser", ("feedparser", "requests"))
    label = f"feedparser {venvs.version(where, 'feedparser')} + requests"
    return _script(field, where, "feedparser_requests", label)


def _hishel(field: Field) -> Peer:
    where = venvs.peer("hishel", ("hishel[async,httpx]", "httpx[http2]"))
    label = f"hishel {venvs.version(where, 'hishel')} + httpx, SQLite, 8 at a time"
    return _script(field, where, "hishel_once", label)


def _exporter(field: Field) -> Peer:
    name = "statuspage-prometheus-exporter"
    where = venvs.peer("exporter", (name,))
    folder = field.folder("exporter")
    pages = [url.rpartition("/")[0] + "/api/v2/summary.json" for url in field.urls]
    services = {f"page{n}": {"url": url, "name": f"Page {n}"} for n, url in enumerate(pages)}
    (folder / "services.json").write_text(json.dumps(services))
    variables = {**environment(folder), "RUN_MODE": "once"}
    label = f"{name} {venvs.version(where, name)} (summary.json)"
    return Peer(label, [str(where / name)], variables, folder)


def _script(field: Field, where: Path, script: str, label: str) -> Peer:
    folder = field.folder(script)
    (folder / "urls").write_text("\n".join(field.urls))
    command = [str(where / "python"), str(SCRIPTS / f"{script}.py")]
    return Peer(label, command, environment(folder), folder)


def _need(tool: str) -> None:
    if shutil.which(tool) is None:
        raise CannotRun("it is not installed on this machine")


def _set_up(command: Sequence[str], folder: Path) -> None:
    subprocess.run(
        command, env=environment(folder), cwd=folder, check=True, capture_output=True, timeout=300
    )


_PEERS: dict[str, Callable[[Field], Peer]] = {
    "curl": _curl,
    "newsboat": _newsboat,
    "rss2email": _rss2email,
    "feed2exec": _feed2exec,
    "reader": _reader,
    "feedparser + requests": _feedparser,
    "statuspage-prometheus-exporter": _exporter,
    "hishel": _hishel,
}
