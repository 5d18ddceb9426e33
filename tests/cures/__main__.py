"""Take each cure out of a copy of the tree: the test that is said to notice must fail.

    python -m tests.cures [AREA ...] [--match TEXT] [--jobs N]
    python -m tests.cures --write

First the tests are run as they are.  A run that hangs, finds no test, cannot even import or stumbles
over the cut itself is no notice; what else the test says is shown, so that the reason can be judged.
Exit status: 0 all noticed · 1 some were not · 2 a test fails as it is.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from queue import SimpleQueue

from tests.cures import AREAS, DOCUMENT, ROOT, Fault, load, with_table

SECONDS = 120.0  # that a test may take
_SECOND = 1_000_000_000  # since the epoch, of the first write
# And every file beside.
_NEEDED = ("efficient_status", "tests", "fixtures", "docs", "benchmarks", "contrib")
_IGNORED = shutil.ignore_patterns("__pycache__", ".cache", ".hypothesis")
# pytest's exit status → what came of the cut.
_OUTCOMES = {0: "SURVIVED", 1: "noticed", 2: "BROKEN", 4: "NO TEST", 5: "NO TEST"}
_INDENT = " " * 18
_FAILURE = re.compile(r"(?m)^FAILED .+?(?: - (.*))?$")  # a line of pytest's summary
# What a test says where the cut has left no program to be tested.
_STUMBLES = ("NameError", "UnboundLocalError", "ImportError", "ModuleNotFoundError", "SyntaxError")


@dataclass
class Tree:
    """A copy of the tree in which one cure at a time is taken out."""

    root: Path
    writes: int = field(default=0)

    def run(self, *tests: str, fast: bool = True) -> tuple[str, str]:
        """Run tests; what came of it, and pytest's words."""
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider",
                   "--hypothesis-seed=0", *(["-x"] if fast else []), *tests]  # fmt: skip
        environment = {
            **os.environ,
            "PYTHONPATH": str(self.root),
            "PYTHONWARNINGS": "error",
            "COLUMNS": "400",  # reasons are cut to it
        }
        with subprocess.Popen(
            command,
            cwd=self.root,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        ) as process:
            try:
                said, _ = process.communicate(timeout=SECONDS * (1 if fast else 5))
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                return "HUNG", ""
        return _OUTCOMES.get(process.returncode, "CRASHED"), said

    def without(self, row: Fault) -> tuple[str, str]:
        """Take one cure out, run its test, put the cure back; what came of it, and why."""
        path = self.root / row.file
        whole = path.read_text("utf-8")
        self._write(path, row.without_cure(whole))
        try:
            return _judged(*self.run(row.test))
        finally:
            self._write(path, whole)

    def _write(self, path: Path, text: str) -> None:
        """Compiled code is known by its source's size and second: no two writes share one."""
        self.writes += 1
        path.write_text(text, "utf-8")
        os.utime(path, (_SECOND + self.writes, _SECOND + self.writes))


def _judged(outcome: str, said: str) -> tuple[str, str]:
    """Whether a failure is one of the test's own, and its reason in one line."""
    found = _FAILURE.search(said)
    why = (found[1] or "") if found else said.rstrip().rpartition("\n")[2]
    if outcome == "SURVIVED" and " passed" not in said:
        outcome = "SKIPPED"  # something that the test needs is not here
    if outcome == "noticed" and (not found or why.startswith(_STUMBLES)):
        outcome = "BROKEN"
    return outcome, why


def copied(folder: Path) -> Tree:
    """A copy of what the tests need."""
    folder.mkdir()
    for each in ROOT.iterdir():
        if each.name in _NEEDED:
            shutil.copytree(each, folder / each.name, ignore=_IGNORED)
        elif each.is_file() and each.name != ".git":
            shutil.copy2(each, folder)
    return Tree(folder)


def take_out(rows: list[Fault], trees: Iterable[Tree], jobs: int) -> Counter[str]:
    """Each row in whichever tree is free, a line each."""
    free: SimpleQueue[Tree] = SimpleQueue()
    for tree in trees:
        free.put(tree)
    outcomes: Counter[str] = Counter()

    def one(row: Fault) -> None:
        tree = free.get()
        begun = time.monotonic()
        try:
            outcome, why = tree.without(row)
        finally:
            free.put(tree)
        outcomes[outcome] += 1
        seconds = time.monotonic() - begun
        print(f"{outcome:8} {seconds:5.1f} s  {row.name}\n{_INDENT}{why}", flush=True)
        if outcome != "noticed":
            print(f"{_INDENT}{row.test} against {row.file}", flush=True)

    with ThreadPoolExecutor(jobs) as pool:
        list(pool.map(one, rows))
    return outcomes


def main() -> int:
    """See the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m tests.cures", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument(
        "areas", nargs="*", metavar="AREA", choices=[[], *AREAS], help="all if none"
    )
    parser.add_argument("--match", default="", metavar="TEXT", help="rows that contain this")
    parser.add_argument("--jobs", type=int, default=2, metavar="N", help="rows at the same time")
    parser.add_argument("--write", action="store_true", help=f"write the table into {DOCUMENT}")
    wanted = parser.parse_args()
    rows = load()
    if wanted.write:
        path = ROOT / DOCUMENT
        path.write_text(with_table(path.read_text("utf-8"), rows), "utf-8")
        return 0
    rows = [
        row
        for row in rows
        if (not wanted.areas or row.area in wanted.areas) and wanted.match in str(row)
    ]
    with tempfile.TemporaryDirectory() as folder:
        trees = [copied(Path(folder) / f"tree-{number}") for number in range(wanted.jobs)]
        tests = sorted({row.test for row in rows})
        outcome, said = trees[0].run(*tests, fast=False)
        if outcome != "SURVIVED":
            print(f"{said}\nnot all of the {len(tests)} tests pass as they are ({outcome})")
            return 2
        print(f"{len(tests)} tests pass as they are", flush=True)
        outcomes = take_out(rows, trees, wanted.jobs)
    print(f"{outcomes.total()} cures taken out, {outcomes['noticed']} noticed")
    return int(outcomes["noticed"] < outcomes.total())


if __name__ == "__main__":
    raise SystemExit(main())
