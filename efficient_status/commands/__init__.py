"""Commands: a word → what it does with the words behind it; a module is loaded when it is asked for.

A command returns its exit status, and raises `UsageError` for wrong usage.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from efficient_status.options import Parser

__all__ = ["COMMANDS", "Command", "parser_of"]

Command = Callable[[Sequence[str]], int]


def _later(module: str) -> Command:
    def run(words: Sequence[str]) -> int:
        command: Command = importlib.import_module(f"{__name__}.{module}").run
        return command(words)

    return run


def parser_of(word: str) -> Parser:
    """The parser of a command."""
    module = importlib.import_module(f"{__name__}.{word.replace('-', '_')}")
    parser: Parser = module.parser()
    return parser


COMMANDS: dict[str, Command] = {
    "check": _later("check"),
    "completion": _later("completion"),
    "demo": _later("demo"),
    "explain": _later("explain"),
    "import-opml": _later("import_opml"),
    "list": _later("list"),
    "notify": _later("notify"),
    "stats": _later("stats"),
    "status": _later("status"),
}
