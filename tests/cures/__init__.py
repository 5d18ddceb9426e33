"""Faults and attacks, each with its cure and the test that notices when the cure is taken out.

Each `<area>.toml` here holds rows of one area:

    [[fault]]
    fault = "what nature or an attacker does"
    outcome = "what happens then"
    test = "tests/test_x.py::test_y"        # without parameters
    file = "efficient_status/x.py"          # where the cure is
    cut = "text that stands once in it"     # taken out of the file, ...
    put = "text"                            # ... and replaced by this, must make the test fail

`python -m tests.cures` takes each cure out of a copy of the tree and runs its test;
`python -m tests.cures --write` writes the rows into SECURITY.md.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
DOCUMENT = "SECURITY.md"
BEGIN = "<!-- faults: written by `python -m tests.cures --write` -->"
END = "<!-- faults: end -->"

# Area (a file's name) → its heading, in the order of the document.
AREAS = {
    "network": "Where it connects",
    "weather": "Network weather",
    "answers": "What a server answers",
    "caching": "What would blind or bloat the HTTP cache",
    "redirects": "Redirects and credentials",
    "manners": "Servers that ask to be left alone",
    "documents": "Documents",
    "text": "What reaches the terminal and other programs",
    "news": "What is news",
    "outputs": "Outputs that fail",
    "notify": "Notifications",
    "disk": "Disks, files and clocks",
    "state": "What was told",
    "look": "Looking at what is known",
    "pages": "One page and the others",
    "soak": "Long runs",
    "fuzz": "Found by fuzzing",
    "config": "Configuration and plugins",
    "install": "Where it is installed",
    "explain": "Looking closely",
    "gauges": "Metrics, logs and systemd",
    "chain": "Supply chain and release",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One row."""

    area: str
    fault: str
    outcome: str
    test: str
    file: str
    cut: str
    put: str

    @property
    def name(self) -> str:
        """What it is called where there is one line for it."""
        return f"{self.area}: {self.fault}"

    def without_cure(self, source: str) -> str:
        """The source with the cure taken out.

        Raises:
            ValueError: it does not stand there exactly once.
        """
        if (found := source.count(self.cut)) != 1:
            raise ValueError(f"{self.name}: the cut stands {found} times in {self.file}, not once")
        return source.replace(self.cut, self.put)


KEYS = frozenset(field.name for field in fields(Fault)) - {"area"}


def load() -> list[Fault]:
    """Every row, by area in the document's order, then in the file's.

    Raises:
        ValueError: a row lacks a key or has one too many, or an area has no heading.
    """
    found = {path.stem: path for path in HERE.glob("*.toml")}
    if strangers := sorted(found.keys() - AREAS.keys()):
        raise ValueError(f"{strangers}: give each a heading in tests/cures/__init__.py")
    rows = []
    for area in AREAS:
        if area in found:
            table = tomllib.loads(found[area].read_text("utf-8"))
            for row in table["fault"]:
                if row.keys() != KEYS:
                    raise ValueError(f"{area}: {row.get('fault')}: expected the keys {set(KEYS)}")
                rows.append(Fault(area, **row))
    return rows


def table(rows: list[Fault]) -> str:
    """The rows as Markdown, a table an area."""
    parts = []
    for area, heading in AREAS.items():
        mine = [row for row in rows if row.area == area]
        if mine:
            lines = [f"| {_cell(r.fault)} | {_cell(r.outcome)} | {_link(r.test)} |" for r in mine]
            head = "| fault or attack | what happens | test |\n| --- | --- | --- |"
            parts.append("\n".join([f"### {heading}\n", head, *lines]))
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _link(test: str) -> str:
    file, _, name = test.partition("::")
    return f"[`{name}`]({file})"


def with_table(document: str, rows: list[Fault]) -> str:
    """The document with the rows between its two marks."""
    head, _, rest = document.partition(BEGIN)
    _, _, tail = rest.partition(END)
    count = f"{len(rows)} faults, each with the test that fails when its cure is taken out."
    return f"{head}{BEGIN}\n\n{count}\n\n{table(rows)}\n\n{END}{tail}"
