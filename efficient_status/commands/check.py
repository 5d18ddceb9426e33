"""`check`: is the configuration right, and what is in force?  With `--network`: are its pages?"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from efficient_status import dump, options
from efficient_status.commands import COMMANDS
from efficient_status.commands.speech import say
from efficient_status.errors import UsageError
from efficient_status.figures import counted

logger = logging.getLogger("efficient_status")

_EPILOG = """\
With --network each page is asked twice, in full and with the validators that came
with it, with the pauses of watching; a table says what was seen, and what to do
about it.  Nothing is stored, and no file is changed.

exit status: 0 right · 1 with --network, some page could not be read · 2 wrong; every
mistake is named with its file and key

examples:
  efficient-status check                                 the default file
  efficient-status check --config mine.toml --dump       what it comes to, as TOML
  efficient-status check openai --interval 30 --dump     with options, as when watching
  efficient-status check --network                       are its pages well?
  efficient-status check --group ai --network --json     those of a category, as JSON
"""


def parser() -> options.Parser:
    """The options of watching that say what is in force, `--dump` and `--network`."""
    parser = options.Parser(
        prog="efficient-status check",
        description="Check the configuration (and options, as when watching), or its pages.",
        epilog=_EPILOG,
    )
    options.add_settings(parser)
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--dump",
        action="store_true",
        help="print what is in force, as TOML that comes to the same; passwords are masked",
    )
    what.add_argument("--network", action="store_true", help="ask every page; without it, none is")
    parser.add_argument(
        "--json", action="store_true", help="with --network: a JSON array, one line a page"
    )
    return parser


def run(words: Sequence[str]) -> int:
    """Check, and say how many pages would be watched."""
    asked = parser().parse_intermixed_args(words)
    if asked.json and not asked.network:
        raise UsageError(["--json: expected --network beside it"])
    settings = options.settings(asked, reserved=COMMANDS)
    if settings.notify:
        from efficient_status.notify import ready

        ready(settings.notify)
    if asked.network:
        from efficient_status.commands import network

        return network.show(settings, as_json=asked.json)
    if asked.dump:
        say(dump.toml(settings))
    logger.info("the configuration is right: %s", counted(len(settings.providers), "page"))
    return 0
