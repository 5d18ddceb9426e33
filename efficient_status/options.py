"""The command line's options, and what they and the file come to."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any, NoReturn

from efficient_status import __version__, catalogue, config
from efficient_status.config import Settings, Wanted
from efficient_status.errors import UsageError
from efficient_status.keys import shown

_EPILOG = """\
commands (each has a --help of its own):
  efficient-status list [QUERY]             vendors of the catalogue
  efficient-status check                    is the configuration right, and what is in force?
  efficient-status explain PROVIDER|URL     one poll in the open: what passes, and why
  efficient-status status [PROVIDER …]      what is open now, from what is known
  efficient-status stats [PROVIDER …]       what watching has cost, and spared
  efficient-status import-opml FILE         a feed reader's subscriptions as configuration
  efficient-status notify test|pending      are notifications delivered, and what waits?
  efficient-status demo                     an outage in half a minute, without a network
  efficient-status completion SHELL         a completion script for bash, zsh or fish

exit status: 0 fine · 1 with --once, some page could not be read · 2 wrong usage
or configuration, or a state folder that cannot be used · 3 another run holds
the state folder · 130 after Ctrl-C

examples:
  efficient-status                          watch OpenAI, every 60 seconds
  efficient-status openai github -v         watch two vendors, one line a poll on stderr
  efficient-status --group ai --group cdn   watch every vendor of two categories
  efficient-status --feed https://status.example.com/history.atom
  efficient-status --all --once --format json >> events.jsonl      (from cron)
"""


class Parser(argparse.ArgumentParser):
    """Says wrong usage like every other error, and shows examples as they are written."""

    def __init__(self, **words: Any) -> None:
        super().__init__(
            formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False, **words
        )

    @property
    def actions(self) -> Sequence[argparse.Action]:
        """Options and arguments, in the order of the help."""
        return self._actions

    def error(self, message: str) -> NoReturn:
        """Wrong usage, and what was probably meant.

        Raises:
            UsageError: always.
        """
        strange = message.partition("unrecognized arguments: ")[2].split()
        near = [name for word in strange if word.startswith("--") for name in self._near(word)]
        hint = f": did you mean {' or '.join(near)}?" if near else ""
        raise UsageError([message + hint, f"see {self.prog} --help"])

    def _near(self, word: str) -> list[str]:
        """The options that look like this one, or begin like it."""
        name = word.partition("=")[0]
        known = {each.lstrip("-"): each for each in self._option_string_actions}
        begun = [each for each in known.values() if each.startswith(name)]
        return begun or catalogue.nearest(name.lstrip("-"), known)


def watching() -> Parser:
    """The parser of the options that say what is watched, and how."""
    parser = Parser(
        prog="efficient-status",
        description="Watch vendors' status pages and tell, once, what changed.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "--once", action="store_true", help="ask every page once, then exit (for cron)"
    )
    add_settings(parser)
    loudness = parser.add_mutually_exclusive_group()
    loudness.add_argument("-v", "--verbose", action="store_true", help="one line a poll on stderr")
    loudness.add_argument("-q", "--quiet", action="store_true", help="no line at the start")
    parser.add_argument("--version", action="version", version=f"efficient-status {__version__}")
    return parser


def add_settings(parser: Parser) -> None:
    """Add the options that `settings` understands."""
    add_pages(parser)
    add_common(parser)


def add_common(parser: Parser) -> None:
    """Add those of them that do not say which pages."""
    add = parser.add_argument
    add("--interval", metavar="SECONDS", help="how often each page is asked (default 60)")
    add(
        "--host-spacing",
        metavar="SECONDS",
        help="least time between two requests to one host (default 1, on loopback 0)",
    )
    add_places(parser)
    add_looks(parser)
    add(
        "--backfill",
        metavar="N|all",
        help="closed incidents told when a page is met for the first time (default 1)",
    )
    add("--edits", action="store_true", help="also tell when only the wording changed")
    add("--log-format", metavar="text|json|logfmt", help="what stderr carries (default text)")
    add("--metrics", metavar="[HOST:]PORT", help="where Prometheus may ask while pages are watched")
    add(
        "--metrics-file",
        metavar="FILE",
        help="write metrics for node_exporter's textfile collector",
    )


def add_pages(parser: Parser, default: str = "openai") -> None:
    """Add the options that say which pages."""
    add = parser.add_argument
    add("providers", nargs="*", metavar="PROVIDER", help=f"a vendor's key; default: {default}")
    add("--feed", action="append", default=[], metavar="URL", help="this feed too")
    add(
        "--group",
        action="append",
        default=[],
        metavar="NAME",
        help="every vendor of a category, and the file's rows with this group",
    )
    add("--all", action="store_true", help="every vendor of the catalogue")


def add_places(parser: Parser) -> None:
    """Add the options that say where configuration and state are."""
    add = parser.add_argument
    add(
        "--config",
        metavar="FILE",
        help="settings in TOML (default ~/.config/efficient-status/config.toml)",
    )
    add("--state-dir", metavar="DIR", help="what was told, and the cache; :memory: keeps nothing")


def add_looks(parser: Parser) -> None:
    """Add the options that say how events are shown."""
    parser.add_argument("--format", metavar="text|json", help="what stdout carries (default text)")
    add_zone(parser)


def add_zone(parser: Parser) -> None:
    """Add the option that says in which zone times are shown."""
    parser.add_argument("--utc", action="store_true", help="times in UTC instead of local time")


def settings(
    options: argparse.Namespace,
    reserved: Collection[str] = (),
    otherwise: Sequence[str] = (catalogue.DEFAULT,),
) -> Settings:
    """What the options and the file come to.

    Args:
        options: those that were not added count as not given.
        reserved: the commands; no provider may be named like one.
        otherwise: the pages' keys where none is named.

    Raises:
        UsageError: every error of the command line and of the file at once.
    """
    overrides = {
        name: convert(value)
        for name, convert in _CONVERT.items()
        if (value := getattr(options, name, None)) not in (None, False)
    }
    problems = config.check_options(overrides)
    problems += [
        f"--feed: expected an http(s) URL, got {shown(url)}"
        for url in options.feed
        if not config.KEYS["feeds"].valid([url])
    ]
    table: dict[str, Any] = {}
    try:
        path = Path(options.config) if options.config else config.default_file()
        table = config.read_file(path, reserved) if path else {}
    except UsageError as error:
        problems += error.problems
    try:
        wanted = Wanted(
            providers=tuple(options.providers),
            feeds=tuple(options.feed),
            all=options.all,
            overrides=overrides,
            groups=tuple(options.group),
            commands=tuple(reserved),
            otherwise=tuple(otherwise),
        )
        found = config.settle(wanted, {} if problems else table)
    except UsageError as error:
        problems += error.problems
    if problems:
        raise UsageError(problems)
    return found


def number(text: str) -> float | str:
    """A number, or the text that is none."""
    try:
        return float(text)
    except ValueError:
        return text


def _whole_number(text: str) -> int | str:
    return int(text) if text.isascii() and text.isdigit() else text


_CONVERT: dict[str, Callable[[Any], Any]] = {
    "interval": number,
    "host_spacing": number,
    "format": str,
    "backfill": _whole_number,
    "edits": bool,
    "utc": bool,
    "state_dir": str,
    "log_format": str,
    "metrics": str,
    "metrics_file": str,
}
