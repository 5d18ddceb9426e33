"""The man page, written from the parsers: `python -m efficient_status.manual` writes it anew.

A test holds it in step with the program.  It carries no date, so that it changes only when the
program does.
"""

from __future__ import annotations

import argparse
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from efficient_status import __version__, options
from efficient_status.commands import COMMANDS, parser_of

PAGE = Path(__file__).parent.parent / "contrib" / "man" / "efficient-status.1"

_FILES = {
    "~/.config/efficient-status/config.toml": "the configuration, where it exists; "
    "$XDG_CONFIG_HOME moves it. check says what is wrong with it.",
    "~/.local/state/efficient-status/": "what was told, when pages may be asked again, and the "
    "last good feed of each page; $XDG_STATE_HOME or --state-dir moves it.",
}


def page() -> str:
    """The whole page, in man(7) macros."""
    parser = options.watching()
    lines = [
        '.\\" Written by python -m efficient_status.manual; changes belong into the parsers.',
        f'.TH EFFICIENT-STATUS 1 "" "efficient-status {__version__}" "User Commands"',
        ".SH NAME",
        f"efficient\\-status \\- {_text(_lowered(parser.description))}",
        ".SH SYNOPSIS",
        *_synopsis(parser),
        *(line for word in COMMANDS for line in (".br", *_synopsis(parser_of(word)))),
        ".SH DESCRIPTION",
        _paragraph(parser.description),
        "With no command word it watches until it is ended.",
        "Events go to stdout, all else to stderr.",
        ".SH OPTIONS",
        *_actions(parser),
        *_notes(parser, ".SH"),
        ".SH COMMANDS",
    ]
    for word in COMMANDS:
        command = parser_of(word)
        lines += [f".SS {_text(word)}", _paragraph(command.description)]
        lines += [*_actions(command), *_notes(command, ".PP")]
    lines.append(".SH FILES")
    for name, what in _FILES.items():
        lines += [".TP", f".I {_text(name)}", _paragraph(what)]
    return "\n".join(lines) + "\n"


def _lowered(text: str | None) -> str:
    return (text or "")[:1].lower() + (text or "").rstrip(".")[1:]


def _text(text: str | None) -> str:
    r"""As plain text: nothing in it is a macro, and a hyphen is what can be typed."""
    plain = (text or "").replace("\\", "\\e").replace("-", "\\-")
    plain = re.sub(r"(?m)^(?=[.'])", r"\\&", plain)
    return "".join(char if char.isascii() else f"\\[u{ord(char):04X}]" for char in plain)


def _paragraph(text: str | None) -> str:
    lines = textwrap.wrap(text or "", 72, break_long_words=False, break_on_hyphens=False)
    return _text("\n".join(lines))


def _synopsis(parser: options.Parser) -> Iterator[str]:
    yield f".B {_text(parser.prog)}"
    yield "[\\fIOPTION\\fR ...]"
    for action in parser.actions:
        if not action.option_strings:
            more = action.nargs in ("*", "+")
            yield (
                f"[\\fI{_text(str(action.metavar))}\\fR ...]"
                if more
                else f"\\fI{action.metavar}\\fR"
            )


def _actions(parser: options.Parser) -> Iterator[str]:
    for action in parser.actions:
        yield ".TP"
        yield _heading(action)
        yield _paragraph(action.help)


def _heading(action: argparse.Action) -> str:
    value = "" if action.nargs == 0 else f"\\fI{_text(str(action.metavar))}\\fR"
    if not action.option_strings:
        return value
    names = ", ".join(f"\\fB{_text(name)}\\fR" for name in action.option_strings)
    return f"{names} {value}".rstrip()


def _notes(parser: options.Parser, heading: str) -> Iterator[str]:
    """What stands below the options in the help, kept as it is; «examples:» heads its lines."""
    for part in (parser.epilog or "").strip("\n").split("\n\n"):
        if part.startswith("commands"):
            continue  # they have a section of their own
        first, _, rest = part.partition("\n")
        name, colon, more = first.partition(":")
        if colon and len(name) < 60 and rest and not more:
            yield from _headed(name, heading)
            yield from (".nf", *(_text(line) for line in rest.split("\n")), ".fi")
        elif colon and name == "exit status":
            yield from _headed(name, heading)
            yield _paragraph(part.removeprefix("exit status: "))
        else:
            yield from (".PP", _paragraph(part))


def _headed(name: str, heading: str) -> Iterator[str]:
    if heading == ".SH":
        yield f".SH {_text(name.partition(' (')[0].upper())}"
    else:
        yield from (".PP", f"\\fB{_text(name)}\\fR", ".br")


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
