"""Tables on stdout: what a pipe gets, what a terminal, and that cells can harm neither."""

from __future__ import annotations

import io
import os
import pty
import re
import sys

import pytest

from efficient_status.screen import Column, Screen, Styled

COLUMNS = [Column("PAGE", whole=True), Column("N", right=True, whole=True), Column("TITLE")]
LINK = "https://status.example.test/incidents/1"


def shown(screen: Screen, *rows: list[object]) -> list[str]:
    """A table's lines, without escape sequences."""
    text = screen.table(COLUMNS, rows)  # type: ignore[arg-type]
    bare = re.sub(r"\x1b\[[0-9;]*m|\x1b\]8;[^\x1b]*\x1b\\", "", text)
    return [line.rstrip() for line in bare.splitlines()]


def test_a_pipe_gets_every_cell_whole() -> None:
    """A line a row, columns aligned, numbers at the right, nothing cut, no escape."""
    long = "word " * 60
    text = Screen().table(COLUMNS, [["a", "7", long], ["bcd", "1234", [Styled("x", "bad"), LINK]]])

    assert text.splitlines() == [
        "PAGE     N  TITLE",
        f"a        7  {long.strip()}",
        f"bcd   1234  x  {LINK}",
    ]


@pytest.mark.parametrize("rich", [False, True])
def test_a_terminal_gets_what_fits(rich: bool) -> None:
    """Long cells are wrapped, those that are to stay whole are not, wide characters count twice."""
    lines = shown(Screen(30, rich), ["日本語", "12", ["one two three four", "five"]])

    assert lines == [
        "PAGE     N  TITLE",
        "日本語  12  one two three four",
        "            five",
    ]
    assert shown(Screen(25, rich), ["page", "12", "one two three four"])[1:] == [
        "page  12  one two three",
        "          four",
    ]


@pytest.mark.parametrize("rich", [False, True])
def test_no_line_is_wider_than_a_narrow_terminal(rich: bool) -> None:
    """Even where nothing fits, and with words that have no blanks."""
    for line in shown(Screen(20, rich), ["a-page", "123", LINK]):
        assert len(line) <= 20


@pytest.mark.parametrize("rich", [False, True])
def test_cells_are_text(rich: bool) -> None:
    """No cursor moves, no colour, no markup of rich, no second line."""
    screen = Screen(60, rich)

    assert shown(screen, ["a", "1", "\x1b[2J\u202e[red]x[/red]\n:smile:"])[1:] == [
        "a     1  [2J[red]x[/red] :smile:"
    ]


def test_colours_and_links() -> None:
    """With rich a style is a colour, and an address may be clicked; without, neither."""
    row = [[Styled("a", "bad"), "1", Styled("page", "", LINK)]]
    coloured = Screen(60, rich=True).table(COLUMNS, row)

    assert "\x1b[1;31ma" in coloured
    assert f";{LINK}\x1b\\" in coloured
    assert "\x1b" not in Screen(60).table(COLUMNS, row)
    assert Screen(60).line("a ", Styled("b", "bad")) == "a b\n"
    assert Screen(60, rich=True).line("a ", Styled("b", "bad")) == "a \x1b[1;31mb\x1b[0m\n"


def test_bars() -> None:
    """A share of ten; in ASCII where stdout has no more."""
    assert Screen().bar(0.34) == "███░░░░░░░"
    assert Screen(fine=False).bar(7.0, 4) == "####"


@pytest.mark.parametrize(
    ("variables", "rich"),
    [({}, True), ({"NO_COLOR": "1"}, False), ({"NO_COLOR": ""}, True), ({"TERM": "dumb"}, False)],
    ids=["colour", "NO_COLOR", "NO_COLOR-empty", "dumb"],
)
def test_what_stdout_can_show(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], rich: bool
) -> None:
    """Colour on a terminal that has not said no; the user's COLUMNS count; a pipe has no width."""
    master, slave = pty.openpty()
    for name, value in {"TERM": "xterm", "COLUMNS": "93", **variables}.items():
        monkeypatch.setenv(name, value)
    if not variables:
        monkeypatch.delenv("NO_COLOR", raising=False)
    with os.fdopen(slave, "w", encoding="latin-1") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        assert Screen.of_stdout() == Screen(93, rich, fine=False)
    os.close(master)
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), "utf-8"))
    assert Screen.of_stdout() == Screen()
