"""`check`: is the configuration right, and what is in force?"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from efficient_status import dump, options
from efficient_status.commands import COMMANDS
from efficient_status.commands.speech import say

logger = logging.getLogger("efficient_status")

_EPILOG = """\
exit status: 0 right · 2 wrong; every mistake is named with its file and key

examples:
  efficient-status check                                 the default file
  efficient-status check --config mine.toml --dump       what it comes to, as TOML
  efficient-status check openai --interval 30 --dump     with options, as when watching
"""


def parser() -> options.Parser:
    """The options of watching that say what is in force, and `--dump`."""
    parser = options.Parser(
        prog="efficient-status check",
        description="Check the configuration (and options, as when watching); no page is asked.",
        epilog=_EPILOG,
    )
    options.add_settings(parser)
    parser.add_argument(
        "--dump",
        action="store_true",
        help="print what is in force, as TOML that comes to the same; passwords are masked",
    )
    return parser


def run(words: Sequence[str]) -> int:
    """Check, and say how many pages would be watched."""
    asked = parser().parse_intermixed_args(words)
    settings = options.settings(asked, reserved=COMMANDS)
    if settings.notify:
        from efficient_status.notify import ready

        ready(settings.notify)
    if asked.dump:
        say(dump.toml(settings))
    count = len(settings.providers)
    logger.info("the configuration is right: %d page%s", count, "" if count == 1 else "s")
    return 0
