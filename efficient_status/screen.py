"""Tables on stdout: coloured and wrapped with rich on a terminal that has it, else plain text.

A pipe or a file gets every cell whole, in aligned columns; a terminal gets what fits its width.
Whatever a cell says, it can move no cursor and colour nothing.  rich (the extra `tables`) is loaded
for a terminal only; without it, with `NO_COLOR` or `TERM=dumb`, there is no escape sequence.
"""

from __future__ import annotations

import importlib.util
import io
import os
import shutil
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from efficient_status.harmless import clean

_GAP = 2  # blanks between two columns
_LEAST = 8  # characters that a column keeps, however narrow the terminal is
_STYLES = {
    "": "",
    "good": "green",
    "warn": "yellow",
    "bad": "bold red",
    "note": "cyan",
    "quiet": "dim",
    "strong": "bold",
}


class Styled(NamedTuple):
    """A text and what it means: "good", "warn", "bad", "note", "quiet" or "strong".

    Attributes:
        link: an http(s) address that it stands for, which a terminal may make clickable.
    """

    text: str
    style: str = ""
    link: str = ""


Line = str | Styled
Cell = Line | Sequence[Line]  # several lines stand below each other; in a pipe, beside each other
Row = Sequence[Cell] | Styled  # a single text stands alone, across all columns
_Cells = list[list[Styled]]


@dataclass(frozen=True, slots=True)
class Column:
    """A heading, and how the cells below it stand.

    Attributes:
        right: numbers, which stand at the right.
        whole: never wrapped, as far as the terminal is wide enough.
    """

    title: str
    right: bool = False
    whole: bool = False


@dataclass(frozen=True, slots=True)
class Screen:
    """What stdout can show.

    Attributes:
        width: columns of a terminal; None = no terminal.
        rich: whether there is colour.
        fine: whether there are more characters than those of ASCII.
    """

    width: int | None = None
    rich: bool = False
    fine: bool = True

    @classmethod
    def of_stdout(cls) -> Screen:
        """That of this run."""
        codec = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
        fine = codec.replace("-", "").startswith("utf")
        if not sys.stdout.isatty():
            return cls(fine=fine)
        plain = os.environ.get("NO_COLOR") or os.environ.get("TERM") in (None, "", "dumb")
        rich = not plain and importlib.util.find_spec("rich") is not None
        return cls(shutil.get_terminal_size().columns, rich, fine)

    def table(self, columns: Sequence[Column], rows: Iterable[Row]) -> str:
        """A heading and a line a row, or several where a terminal is too narrow."""
        safe = [_safe(row) if isinstance(row, Styled) else list(map(_lines, row)) for row in rows]
        heading = [[Styled(column.title, "strong")] for column in columns]
        if self.width is None:
            safe = [row if isinstance(row, Styled) else _flat(row) for row in safe]
        table = [heading, *safe]
        widths = self._widths(columns, [row for row in table if not isinstance(row, Styled)])
        show = self._coloured if self.rich else self._plain
        return "".join(
            self.line(row) if isinstance(row, Styled) else show(columns, widths, row)
            for row in table
        )

    def line(self, *parts: Line) -> str:
        """One line of text; its parts may differ in style."""
        styled = [_safe(part) for part in parts]
        if not self.rich:
            text = "".join(part.text for part in styled)
            return "".join(f"{line}\n" for line in _wrapped(text, self.width or len(text)))
        from rich.text import Text

        return self._shown(Text.assemble(*((s.text, _rich(s)) for s in styled)))

    def bar(self, share: float, width: int = 10) -> str:
        """A share of a whole, as a bar."""
        full = round(min(max(share, 0.0), 1.0) * width)
        if 0 < share < 1:  # neither nothing nor all of it
            full = min(max(full, 1), width - 1)
        on, off = ("█", "░") if self.fine else ("#", ".")
        return on * full + off * (width - full)

    def _plain(self, columns: Sequence[Column], widths: Sequence[int], row: _Cells) -> str:
        wrapped = [
            [piece for line in cell for piece in _wrapped(line.text, width)]
            for cell, width in zip(row, widths, strict=True)
        ]
        lines = []
        for number in range(max(map(len, wrapped))):
            cells = [
                _padded(cell[number] if number < len(cell) else "", width, column.right)
                for cell, width, column in zip(wrapped, widths, columns, strict=True)
            ]
            lines.append((" " * _GAP).join(cells).rstrip() + "\n")
        return "".join(lines)

    def _widths(self, columns: Sequence[Column], table: list[_Cells]) -> list[int]:
        """As wide as the cells; on a terminal the widest columns give way until all fits."""
        widths = [
            max(_width(line.text) for row in table for line in row[n]) for n in range(len(columns))
        ]
        if self.width is None:
            return widths
        room = max(self.width - _GAP * (len(columns) - 1), 1)
        while sum(widths) > room:
            soft = [n for n, c in enumerate(columns) if not c.whole and widths[n] > _LEAST]
            widest = max(soft or range(len(widths)), key=lambda n: widths[n])
            if widths[widest] <= 1:
                break
            widths[widest] -= 1
        return widths

    def _coloured(self, columns: Sequence[Column], widths: Sequence[int], row: _Cells) -> str:
        from rich.table import Table
        from rich.text import Text

        grid = Table.grid(padding=(0, _GAP, 0, 0), pad_edge=False)
        for column, width in zip(columns, widths, strict=True):
            side: Literal["left", "right"] = "right" if column.right else "left"
            grid.add_column(justify=side, width=width, overflow="fold")
        grid.add_row(*(Text("\n").join(Text(s.text, _rich(s)) for s in cell) for cell in row))
        return self._shown(grid)

    def _shown(self, what: object) -> str:
        from rich.console import Console

        out = io.StringIO()
        console = Console(
            file=out, width=self.width, force_terminal=True, legacy_windows=False, emoji=False
        )
        console.print(what)
        return out.getvalue()


def _flat(row: _Cells) -> _Cells:
    """Each cell's lines beside each other."""
    return [[Styled("  ".join(line.text for line in cell))] for cell in row]


def _lines(cell: Cell) -> list[Styled]:
    """A cell's lines, safe to print."""
    lines = [cell] if isinstance(cell, str | Styled) else cell
    return [_safe(line) for line in lines] or [Styled("")]


def _safe(line: Line) -> Styled:
    styled = line if isinstance(line, Styled) else Styled(line)
    return styled._replace(text=clean(styled.text).replace("\n", " "))


def _rich(styled: Styled) -> str:
    """As rich has it; an address with what would end it there is no link."""
    if styled.link and styled.link.isprintable() and " " not in styled.link:
        return f"{_STYLES[styled.style]} link {styled.link}".strip()
    return _STYLES[styled.style]


def _width(text: str) -> int:
    """Columns that a terminal takes for it."""
    if text.isascii():
        return len(text)
    return sum(_columns(character) for character in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character) or unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _wrapped(text: str, width: int) -> list[str]:
    """Lines of at most this width: broken at blanks, and within what is longer."""
    if _width(text) <= width:
        return [text]
    lines = [""]
    for word in text.split(" "):
        joined = f"{lines[-1]} {word}" if lines[-1] else word
        if _width(joined) <= width:
            lines[-1] = joined
            continue
        if lines[-1]:
            lines.append("")
        for character in word:
            if lines[-1] and _width(lines[-1]) + _columns(character) > width:
                lines.append("")
            lines[-1] += character
    return lines


def _padded(text: str, width: int, right: bool) -> str:
    blanks = " " * (width - _width(text))
    return blanks + text if right else text + blanks
