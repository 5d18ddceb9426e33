"""What a part hands back, and how it is written down."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any


class CannotRun(Exception):
    """Something a part (or a row) needs is not on this machine; the message says what."""


@dataclass(frozen=True, slots=True)
class Check:
    """A figure to reach.

    Attributes:
        what: in the words of the target.
        limit: the value that must not be exceeded, in the same unit.
    """

    what: str
    value: float
    limit: float
    unit: str = ""

    @property
    def reached(self) -> bool:
        """Whether the value keeps to the limit."""
        return self.value <= self.limit


@dataclass(frozen=True, slots=True)
class Table:
    """Rows beneath a head; cells are texts already."""

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def markdown(self) -> str:
        """The table, numbers to the right."""
        rule = ["---"] + ["---:"] * (len(self.head) - 1)
        lines = [self.head, rule, *self.rows]
        return "\n".join("| " + " | ".join(line) + " |" for line in lines)


@dataclass(slots=True)
class Section:
    """All that one part found.

    Attributes:
        method: how it was measured, in a few sentences.
        data: numbers for the charts, by chart and label.
        missing: what could not be measured here, and why.
    """

    title: str
    method: str
    tables: list[Table] = field(default_factory=list)
    checks: list[Check] = field(default_factory=list)
    data: dict[str, Any] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    def findings(self) -> list[str]:
        """Tables, and what is missing."""
        missing = "\n".join(f"- not measured: {reason}" for reason in self.missing)
        return [*(table.markdown() for table in self.tables), *filter(None, [missing])]


def number(value: float) -> str:
    """Three significant digits at least, thousands apart."""
    if value != value:  # noqa: PLR0124 - nan
        return "–"
    size = abs(value)
    if 0 < size < 1:
        return f"{value:.3g}"
    digits = 0 if size >= 100 or value == int(value) else 1 if size >= 10 else 2
    return f"{value:,.{digits}f}"


def both(values: Iterable[float]) -> str:
    """«median (minimum)»."""
    known = list(values)
    return f"{number(statistics.median(known))} ({number(min(known))})"


def checks_table(checks: Iterable[Check]) -> Table:
    """The figures to reach, with what was reached."""
    rows = [
        (
            check.what,
            f"{number(check.value)} {check.unit}".strip(),
            f"≤ {number(check.limit)} {check.unit}".strip(),
            "✓" if check.reached else "✗",
        )
        for check in checks
    ]
    return Table(("figure", "measured", "target", ""), rows)
