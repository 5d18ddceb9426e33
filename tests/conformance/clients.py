"""Clients that are commands, and the one of this repository."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO
from uuid import uuid4

from tests.app import command, environment
from tests.conformance.stage import FORKING, Job
from tests.forked import Forked


class Command:
    """A command that runs; what it prints goes to files in its folder."""

    def __init__(self, line: Sequence[str], folder: Path, env: Mapping[str, str]) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        name = uuid4().hex
        self._out, self._err = folder / f"{name}.out", folder / f"{name}.err"
        with FORKING, self._out.open("w") as out, self._err.open("w") as err:
            self._process = self._open(line, env, out, err)

    @staticmethod
    def _open(
        line: Sequence[str], env: Mapping[str, str], out: TextIO, err: TextIO
    ) -> subprocess.Popen[bytes] | Forked:
        return subprocess.Popen(
            line, env=env, stdin=subprocess.DEVNULL, stdout=out, stderr=err, start_new_session=True
        )

    def ended(self) -> bool:
        """See `Running`."""
        return self._process.poll() is not None

    def stop(self, *, kill: bool) -> None:
        """See `Running`."""
        if kill:
            self._process.kill()
        else:
            self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def output(self) -> str:
        """See `Running`."""
        return self._out.read_text(errors="replace")

    def errors(self) -> str:
        """What it printed on stderr so far."""
        return self._err.read_text(errors="replace")


class Loaded(Command):
    """A command line of this program, which costs a tenth (see `Forked`)."""

    @staticmethod
    def _open(line: Sequence[str], env: Mapping[str, str], out: TextIO, err: TextIO) -> Forked:
        return Forked(line[len(command()) :], env, out, err)


@dataclass(frozen=True)
class EfficientStatus:
    """`python -m efficient_status`, as its users start it, or `Loaded`."""

    start: type[Command] = Command

    name = "efficient_status"
    watches = True
    tells = True
    pause = 0.0
    spaces = True

    def once(self, job: Job) -> Command:
        """See `Client`."""
        return self._run(job, "--once")

    def watch(self, job: Job) -> Command:
        """See `Client`."""
        return self._run(job)

    def _run(self, job: Job, *more: str) -> Command:
        arguments = [*more, "--state-dir", str(job.folder / "state"), "--format", "json"]
        arguments += ["--interval", str(job.interval)]
        if job.spacing is not None:
            arguments += ["--host-spacing", str(job.spacing)]
        settings = job.folder / "settings.toml"
        contact = f'contact = "{job.contact}"\n' if job.contact else ""
        settings.write_text(f'{contact}allow_hosts = ["127.0.0.0/8"]\n')
        arguments += ["--config", str(settings)]
        feeds = [part for url in job.urls for part in ("--feed", url)]
        return self.start(command(*arguments, *feeds), job.folder, environment(job.folder))
