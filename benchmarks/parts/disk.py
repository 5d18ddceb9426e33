"""What unchanged polls write to disk."""

from __future__ import annotations

import time
from pathlib import Path

from benchmarks.meters import disk
from benchmarks.origin import Origin
from benchmarks.program import Program, prepare, wait_until
from benchmarks.report import Check, Section, Table, number

TITLE = "Disk"
PAGES = 10
FLUSH = 60  # seconds between two flushes of pacing
_NAMES = {
    0: "answers claim no freshness",
    1: "answers claim max-age=1, so that pacing is to be remembered",
}


def run(quick: bool) -> Section:
    polls = 200 if quick else 1000
    section = Section(
        TITLE,
        f"The program as a command, {PAGES} pages known to it, {polls} unchanged polls; the "
        "kernel's counters of the process, and the sizes of the files in its state folder, before "
        "and after. The second row runs for longer than a minute, so that one flush is in it.",
    )
    rows = []
    section.data["disk"] = {}
    for max_age, name in _NAMES.items():
        if quick and max_age:
            continue
        seconds = FLUSH + 10.0 if max_age else 0.0
        seen, wrote, called, grew = _measure(max_age, polls if not max_age else 1, seconds)
        rows.append((name, number(seen), number(wrote), number(called), number(grew)))
        section.data["disk"][f"efficient_status, {name}"] = max(wrote, grew) / seen
        if not max_age:
            section.checks.append(
                Check(f"bytes written to disk in {seen} unchanged polls", max(wrote, grew), 0, "B")
            )
    head = ("state folder on disk", "polls", "bytes written", "write() calls", "files grew by, B")
    section.tables.append(Table(head, rows))
    return section


def _measure(max_age: int, polls: int, seconds: float) -> tuple[int, int, int, int]:
    """(polls, bytes written, calls of write(), bytes that files grew by)."""
    with Origin(max_age=max_age) as origin:
        program = prepare("disk", origin.urls(PAGES))
        program.once()
        with program.watching(1.0 if max_age else 0.05) as pid:
            start = origin.stats()["unchanged"]
            wait_until(lambda: origin.stats()["unchanged"] >= start + 2 * PAGES)
            first, before = origin.stats()["unchanged"], disk(pid)
            sizes = _sizes(program)
            time.sleep(seconds)
            wait_until(lambda: origin.stats()["unchanged"] >= first + polls, 300)
            after = disk(pid)
            seen = origin.stats()["unchanged"] - first
            grew = _sizes(program) - sizes
    wrote = max(after[key] - before[key] for key in ("write_bytes", "wchar"))
    return seen, wrote, after["syscw"] - before["syscw"], grew


def _sizes(program: Program) -> int:
    """Bytes in the state folder."""
    return sum(path.stat().st_size for path in Path(program.state).rglob("*") if path.is_file())
