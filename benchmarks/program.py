"""The program as users run it: a command, a configuration, a state folder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import venvs
from benchmarks.meters import Run, pin, run


@dataclass(frozen=True, slots=True)
class Program:
    """A folder of its own with configuration and state; made by `prepare`.

    Attributes:
        trusted: CA file, or None for plain http.
    """

    folder: Path
    trusted: Path | None = None

    @property
    def state(self) -> Path:
        """The state folder."""
        return self.folder / "state"

    def command(self, *more: str) -> list[str]:
        """The command line."""
        config = str(self.folder / "config.toml")
        binary = str(venvs.program() / "efficient-status")
        return [binary, "--config", config, "--state-dir", str(self.state), "-q", *more]

    def environment(self) -> dict[str, str]:
        """Nothing of the user's own, and the CA that is to be trusted."""
        return environment(self.folder, self.trusted)

    def once(self) -> Run:
        """One `--once` run."""
        return run(self.command("--once"), self.environment())

    @contextmanager
    def watching(self, interval: float, core: int = 1) -> Iterator[int]:
        """The program while it watches; gives its process id."""
        command = self.command("--interval", f"{interval:.6f}")
        with (self.folder / "stderr").open("w") as said:
            process = subprocess.Popen(
                command, env=self.environment(), stdout=subprocess.DEVNULL, stderr=said
            )
        try:
            pin(process.pid, core)
            yield process.pid
            if process.poll() is not None:
                raise RuntimeError((self.folder / "stderr").read_text())
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def prepare(
    name: str, urls: Sequence[str], *, trusted: Path | None = None, http2: bool = True
) -> Program:
    """An empty state folder and a configuration that watches these pages."""
    folder = venvs.CACHE / "work" / name
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = [f"http2 = {json.dumps(http2)}", "host_spacing = 0", f"feeds = {json.dumps([*urls])}"]
    (folder / "config.toml").write_text("\n".join(lines) + "\n")
    return Program(folder, trusted)


def environment(folder: Path, trusted: Path | None = None) -> dict[str, str]:
    """An environment for a client: nothing of the user's own, no proxy, this CA."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "LD_LIBRARY_PATH")
            if name in os.environ}  # fmt: skip
    homes = {name: str(folder) for name in ("HOME", "XDG_STATE_HOME", "XDG_CONFIG_HOME",
             "XDG_CACHE_HOME", "XDG_DATA_HOME")}  # fmt: skip
    trust = {name: str(trusted) for name in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE",
             "CURL_CA_BUNDLE")}  # fmt: skip
    return {**kept, **homes, "NO_PROXY": "*", "TZ": "UTC", **(trust if trusted else {})}


def wait_until(true: Callable[[], bool], seconds: float = 60.0) -> None:
    """Look every 50 ms until something is true.

    Raises:
        TimeoutError: it did not become true in time.
    """
    end = time.monotonic() + seconds
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s")
        time.sleep(0.05)
