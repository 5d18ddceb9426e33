"""`python -m benchmarks [PART …] [--quick] [--write]`."""

from __future__ import annotations

import argparse
import importlib
import signal
import sys
import time
import traceback

from benchmarks.parts import PARTS
from benchmarks.report import CannotRun, Section
from benchmarks.results import render, write


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # servers are put away on the way out
    options = _options()
    sections: dict[str, Section] = {}
    for name in options.parts or PARTS:
        started = time.monotonic()
        sections[name] = _run(name, quick=options.quick)
        print(f"{name}: {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
    command = " ".join(
        [
            "python -m benchmarks",
            *options.parts,
            *["--quick"] * options.quick,
            *["--write"] * options.write,
        ]
    )
    if options.write:
        write(sections, command)
    print(render(sections, command))
    return 0 if all(check.reached for each in sections.values() for check in each.checks) else 1


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description="Measure what a poll costs, side by side with peers.",
        epilog=f"Parts: {', '.join(PARTS)}.  Exit status 1: some target was missed.",
    )
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], metavar="PART", help="default: all"
    )
    parser.add_argument("--quick", action="store_true", help="fewer rounds, fewer pages")
    parser.add_argument(
        "--write",
        action="store_true",
        help="write their sections into benchmarks/RESULTS.md, and the charts",
    )
    return parser.parse_args()


def _run(name: str, *, quick: bool) -> Section:
    """One part; what it cannot do here is a line in the results, never a failure."""
    part = importlib.import_module(f"benchmarks.parts.{name}")
    try:
        section: Section = part.run(quick)
    except CannotRun as reason:
        return Section(part.TITLE, "", missing=[f"the whole part: {reason}"])
    except Exception as error:  # noqa: BLE001 - the other parts are still worth having
        traceback.print_exc()
        return Section(part.TITLE, "", missing=[f"the whole part: {type(error).__name__}: {error}"])
    return section


if __name__ == "__main__":
    sys.exit(main())
