"""Commands: a word → what it does with the words behind it; a module is loaded when it is asked for.

A command returns its exit status, and raises `UsageError` for wrong usage.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence

__all__ = ["COMMANDS", "Command"]

Command = Callable[[Sequence[str]], int]


def _later(module: str) -> Command:
    def run(words: Sequence[str]) -> int:
        command: Command = importlib.import_module(f"{__name__}.{module}").run
        return command(words)

    return run


COMMANDS: dict[str, Command] = {
    "check": _later("check"),
    "import-opml": _later("import_opml"),
    "list": _later("list"),
}
