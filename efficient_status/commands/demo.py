"""`demo`: an outage in half a minute, without a network."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC

from efficient_status import config, options
from efficient_status.errors import UsageError

_EPILOG = """\
A status page of the invented vendor Example Cloud is served on this machine,
and watched as real ones are.  stdout carries its events, stderr what each poll
cost; nothing is written to disk.

exit status: 0 shown · 130 after Ctrl-C

examples:
  efficient-status demo                         half a minute
  efficient-status demo --seconds 10 --utc
  efficient-status demo --format json 2>/dev/null | jq -r .title
"""


def parser() -> options.Parser:
    """How long, and how events look."""
    parser = options.Parser(
        prog="efficient-status demo",
        description="Show an outage of an invented vendor, and what watching it costs.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--seconds", default="30", metavar="N", help="how long it takes (default 30)"
    )
    options.add_looks(parser)
    return parser


def run(words: Sequence[str]) -> int:
    """Show it."""
    asked = parser().parse_args(words)
    shape = asked.format or "text"
    problems = config.check_options({"format": shape})
    seconds = options.number(asked.seconds)
    if not config.KEYS["interval"].valid(seconds):
        problems.append(f"--seconds: expected a number > 0, got {asked.seconds!r}")
    if sys.stdout is None:
        problems.append("stdout is closed: there is nowhere to tell events")
    if problems:
        raise UsageError(problems)
    from efficient_status.demo.show import play

    with suppress(asyncio.CancelledError):  # SIGTERM; Ctrl-C is a KeyboardInterrupt
        asyncio.run(play(float(seconds), shape, UTC if asked.utc else None))
    return 0
