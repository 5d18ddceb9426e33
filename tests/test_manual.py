"""The man page: complete, in step, and well-formed."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from efficient_status import options
from efficient_status.commands import COMMANDS, parser_of
from efficient_status.manual import _text, page

FILE = Path(__file__).parent.parent / "contrib" / "man" / "efficient-status.1"


def test_the_page_is_what_the_parsers_say() -> None:
    """`python -m efficient_status.manual` writes it anew."""
    assert FILE.read_text("utf-8") == page()


def test_the_page_holds_every_command_and_option() -> None:
    """Each command has a part of its own, with its options, its help and its examples."""
    plain = re.sub(r"\\f[BIR]", "", page()).replace("\\-", "-")
    plain = re.sub(r"\\\[u([0-9A-F]{4})\]", lambda match: chr(int(match[1], 16)), plain)
    parts = re.split(r"(?m)^\.S[SH] (?=OPTIONS|COMMANDS|FILES|[a-z])", plain)
    by_name = {part.partition("\n")[0]: part for part in parts}
    parsers = {"OPTIONS": options.watching(), **{word: parser_of(word) for word in COMMANDS}}

    assert [name for name in by_name if name.islower()] == list(COMMANDS)
    for name, parser in parsers.items():
        for action in parser.actions:
            assert all(each in by_name[name] for each in action.option_strings)
            assert " ".join(str(action.help).split()[:4]) in by_name[name]
        examples = str(parser.epilog).partition("examples:\n")[2].splitlines()
        assert [line for line in examples if line not in by_name[name]] == []


@pytest.mark.parametrize(
    "command",
    [
        ("groff", "-ww", "-man", "-Tutf8", "-z"),
        ("man", "--warnings", "-E", "UTF-8", "-l"),
        ("mandoc", "-T", "lint", "-W", "error"),
    ],
    ids=lambda command: str(command[0]),
)
def test_the_page_is_well_formed(command: tuple[str, ...]) -> None:
    """Whoever can check it here has nothing to say."""
    if shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    done = subprocess.run([*command, str(FILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_no_text_is_taken_for_a_macro() -> None:
    """Backslashes, dots and apostrophes at the start of a line, hyphens, other alphabets."""
    assert _text(".so \\n\n'x a-b «é»") == "\\&.so \\en\n\\&'x a\\-b \\[u00AB]\\[u00E9]\\[u00BB]"
