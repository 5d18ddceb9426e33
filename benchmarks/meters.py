"""Reading what processes used, from the kernel's own books (Linux)."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

SCRIPTS = Path(__file__).parent / "scripts"
MEASURED = SCRIPTS / "measured.py"


def cpu_seconds(pid: int) -> float:
    """CPU time of a process with all its threads, in seconds, to the nanosecond."""
    # The kernel's per-process clock: MAKE_PROCESS_CPUCLOCK(pid, CPUCLOCK_SCHED).
    return time.clock_gettime((~pid << 3) | 2)


def memory(pid: int) -> float:
    """Resident memory, in KiB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1])
    raise ProcessLookupError(pid)


def disk(pid: int) -> dict[str, int]:
    """Bytes handed to write() and bytes that reached the disk's cache, and calls of write()."""
    lines = Path(f"/proc/{pid}/io").read_text().splitlines()
    return {name: int(value) for name, _, value in (line.partition(":") for line in lines)}


def pin(pid: int, core: int) -> None:
    """Hold a process on one core, where there is more than one."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(pid, {cores[core % len(cores)]})


@dataclass(frozen=True, slots=True)
class Run:
    """One command's life.

    Attributes:
        cpu: user and system time, in ms.
        wall: in ms.
        rss: the most that was resident, in MiB; not below the launcher's own 9 MiB.
    """

    cpu: float
    wall: float
    rss: float
    status: int


def run(
    command: Sequence[str], environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Run:
    """Run a command to its end, from a launcher so small that its memory does not count."""
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(MEASURED), *command],
        env=environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=600,
        check=True,
    )
    return Run(**json.loads(done.stdout.splitlines()[-1]))


def median_run(runs: Sequence[Run]) -> Run:
    """The median of each figure; the worst status."""
    return Run(
        cpu=statistics.median(run.cpu for run in runs),
        wall=statistics.median(run.wall for run in runs),
        rss=statistics.median(run.rss for run in runs),
        status=max(run.status for run in runs),
    )


def interleaved(
    contenders: Mapping[str, Callable[[], float]], rounds: int
) -> dict[str, list[float]]:
    """Measure contenders in turn, round after round, so that what disturbs one disturbs all."""
    found: dict[str, list[float]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            found[name].append(measure())
    return found


def ratio(found: Mapping[str, Sequence[float]], ours: str, theirs: str) -> float:
    """The median over the rounds of ours / theirs, each within its round."""
    pairs = zip(found[ours], found[theirs], strict=True)
    return statistics.median(our / their for our, their in pairs)
