"""`completion`: scripts for bash, zsh and fish, and the answers they ask for.

A script only asks: `efficient-status completion -- WORD …`, whose last word is the one to be
completed.  The answer is a line a candidate: the word, a tab, what it is; or one of `FILES` and
`FOLDERS`, which the shell completes itself.  All is read off the parsers, so that a new command or
option is completed without another line here.
"""

from __future__ import annotations

from argparse import Action
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from efficient_status import catalogue, config, options
from efficient_status.commands import COMMANDS, parser_of
from efficient_status.commands.speech import say
from efficient_status.errors import UsageError
from efficient_status.keys import CATEGORIES

FILES, FOLDERS = ":files", ":folders"

_SCRIPTS = Path(__file__).parent.parent / "completions"
_EPILOG = """\
Completes commands, options, their values, vendors (those of your configuration
and of plugins included), categories and files.

examples:
  source <(efficient-status completion bash)     # in ~/.bashrc
  source <(efficient-status completion zsh)      # in ~/.zshrc, after compinit
  efficient-status completion fish | source              # in config.fish
"""

Candidate = tuple[str, str]  # the word, and what it is


def parser() -> options.Parser:
    """The shell."""
    parser = options.Parser(
        prog="efficient-status completion",
        description="Print a script that makes a shell complete efficient-status.",
        epilog=_EPILOG,
    )
    parser.add_argument(
        "shell", choices=["bash", "zsh", "fish"], metavar="SHELL", help="bash, zsh or fish"
    )
    return parser


def run(words: Sequence[str]) -> int:
    """Print a script, or what fits."""
    if words[:1] == ["--"]:
        say("".join(f"{word}\t{about}\n" for word, about in fitting(words[1:])))
    else:
        shell = parser().parse_args(words).shell
        say((_SCRIPTS / f"efficient-status.{shell}").read_text("utf-8"))
    return 0


def fitting(words: Sequence[str]) -> list[Candidate]:
    """What the last word may become, given those before it."""
    *before, word = words or [""]
    command = before[0] if before and before[0] in COMMANDS else ""
    known = parser_of(command) if command else options.watching()
    line = _Line(known, before[1:] if command else before)
    found = list(line.candidates(word))
    if not before and not word.startswith("-"):
        meant = [each for each in COMMANDS if each.startswith(word)]
        found += [(each, parser_of(each).description or "") for each in meant]
    return sorted(
        (each, about) for each, about in found if each.startswith(word) or each in (FILES, FOLDERS)
    )


class _Line:
    """A command line up to the word that is being completed."""

    def __init__(self, parser: options.Parser, before: Sequence[str]) -> None:
        self._options = {name: a for a in parser.actions for name in a.option_strings}
        self._arguments = [action for action in parser.actions if not action.option_strings]
        self._given: list[Action] = []
        self._waiting: Action | None = None  # an option whose value comes next
        self._plain = 0  # arguments that stand before
        self._config: str | None = None
        for word in before:
            self._take(word)

    def _take(self, word: str) -> None:
        name, equals, value = word.partition("=")
        action = self._options.get(name)
        if self._waiting and word != "=":  # bash makes a word of the equals sign
            self._note(self._waiting, word)
            self._waiting = None
        elif action and not self._waiting:
            self._given.append(action)
            self._waiting = action if action.nargs != 0 and not equals else None
            self._note(action, value)
        elif not self._waiting and not word.startswith("-"):
            self._plain += 1

    def _note(self, action: Action, value: str) -> None:
        if action.dest == "config" and value:
            self._config = value

    def candidates(self, word: str) -> Iterable[Candidate]:
        """What may stand here."""
        name, equals, _ = word.partition("=")
        if self._waiting:
            yield from self._values(self._waiting)
        elif equals and name in self._options:
            for value, about in self._values(self._options[name]):
                yield (value if value in (FILES, FOLDERS) else f"{name}={value}"), about
        elif word.startswith("-") or not self._arguments:
            for name, action in self._options.items():
                if action not in self._given or isinstance(action.default, list):
                    yield name, action.help or ""
        elif self._plain < len(self._arguments) or self._arguments[-1].nargs in ("*", "+"):
            yield from self._values(self._arguments[min(self._plain, len(self._arguments) - 1)])

    def _values(self, action: Action) -> Iterable[Candidate]:
        """By what an option is called in its help: small letters stand for themselves."""
        kinds = "GROUP" if action.dest == "group" else str(action.metavar)
        for kind in action.choices or kinds.split("|"):
            if kind in _SOURCES:
                yield from _SOURCES[kind](self._table())
            elif kind.islower():
                yield kind, ""

    def _table(self) -> config.Row:
        """The user's file, or nothing where it has mistakes."""
        path = Path(self._config).expanduser() if self._config else config.default_file()
        try:
            return config.read_file(path, COMMANDS) if path else {}
        except UsageError:
            return {}


def _rows(table: config.Row) -> list[config.Row]:
    return [row for row in table.get("providers", []) if isinstance(row, dict)]


def _providers(table: config.Row) -> Iterable[Candidate]:
    for key, row in catalogue.rows().items():
        for word in (key, *row.get("aliases", ())):
            yield word, row["name"]
    yield from ((row["key"], row.get("name", "")) for row in _rows(table) if "feed" in row)


def _groups(table: config.Row) -> Iterable[Candidate]:
    own = {row["group"]: "" for row in _rows(table) if "group" in row}
    yield from {**own, **CATEGORIES}.items()


_SOURCES: dict[str, Callable[[config.Row], Iterable[Candidate]]] = {
    "PROVIDER": _providers,
    "WORD": _providers,
    "GROUP": _groups,
    "FILE": lambda _table: [(FILES, "")],
    "DIR": lambda _table: [(FOLDERS, "")],
}
