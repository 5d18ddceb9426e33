"""Virtual environments for peers and for the program as it is installed, made once and kept."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from functools import cache
from pathlib import Path

from benchmarks.report import CannotRun

ROOT = Path(__file__).parent.parent
CACHE = Path(__file__).parent / ".cache"
VENVS = CACHE / "venvs"


@cache
def program() -> Path:
    """`bin` of an environment with the program, installed anew as README says, and nothing else."""
    where = _make("efficient_status", sys.executable)
    _pip(where, "--force-reinstall", "--no-deps", str(ROOT))
    _pip(where, str(ROOT))
    return where


@cache
def peer(name: str, requirements: tuple[str, ...], oldest: tuple[int, int] = (3, 11)) -> Path:
    """`bin` of an environment with a peer.

    Raises:
        CannotRun: it cannot be installed here.
    """
    where = _make(name, _python(oldest))
    done = where / ".installed"
    if not done.exists() or done.read_text() != " ".join(requirements):
        _pip(where, *requirements)
        done.write_text(" ".join(requirements))
    return where


def version(where: Path, package: str) -> str:
    """The version of a package in an environment."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    done = subprocess.run(
        [where / "python", "-c", code], capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def _make(name: str, python: str) -> Path:
    folder = VENVS / name
    if not (folder / "bin" / "python").exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        _run([python, "-m", "venv", str(folder)], f"no environment for {name}")
    return folder / "bin"


def _pip(where: Path, *wanted: str) -> None:
    command = [str(where / "python"), "-m", "pip", "install", "--quiet", *wanted]
    _run(command, f"pip cannot install {' '.join(wanted)}")


def _run(command: Sequence[str], complaint: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise CannotRun(f"{complaint} ({said[0] if said else f'status {done.returncode}'})")


def _python(oldest: tuple[int, int]) -> str:
    """An interpreter that is at least this new: this one, or one that is found."""
    if sys.version_info >= oldest:
        return sys.executable
    names = [f"python3.{minor}" for minor in range(oldest[1], oldest[1] + 4)]
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(name) for name in names]
    found += [str(path) for name in names for path in pyenv.glob(f"*/bin/{name}")]
    for path in filter(None, found):
        if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return path
    raise CannotRun(f"it needs Python ≥ {oldest[0]}.{oldest[1]}, and none is found")
