"""Sections → RESULTS.md and the charts."""

from __future__ import annotations

import importlib
import re
import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks import machine
from benchmarks.parts import PARTS
from benchmarks.report import Section, checks_table

_HEAD = """\
# What a poll costs

Each section is of one run on one machine, other work may have run beside it: read ratios first,
then medians, then minima. Servers run in processes of their own. This file is written by the runs,
nothing in it by hand."""
HERE = Path(__file__).parent
RESULTS = HERE / "RESULTS.md"


def render(
    sections: Mapping[str, Section],
    command: str,
    charts: Mapping[str, str] | None = None,
    before: str = "",
) -> str:
    """The whole document; every number in it was measured.

    Args:
        before: the document as it was, from which the sections of other parts are kept.
    """
    blocks = {
        part.partition("\n")[0]: part for part in re.split(r"^## ", before, flags=re.MULTILINE)[1:]
    }
    for name, section in sections.items():
        shown = [f"![{alt}](charts/{file})" for file, alt in (charts or {}).items()
                 if file.startswith(f"{name}-")]  # fmt: skip
        blocks[section.title] = "\n\n".join([_section(section, command), *shown])
    order = [importlib.import_module(f"benchmarks.parts.{name}").TITLE for name in PARTS]
    kept = [f"## {blocks[title].strip()}" for title in order if title in blocks]
    return "\n\n".join([_HEAD, *kept]) + "\n"


def _section(section: Section, command: str) -> str:
    """One section, from its title on."""
    measured = f"Measured on {time.strftime('%-d %B %Y')} by `{command}` ({machine.processor()};\n"
    blocks = [section.title, f"{measured}{machine.versions()}).", section.method]
    if section.checks:
        blocks.append(checks_table(section.checks).markdown())
    return "\n\n".join([*blocks, *section.findings()])


def write(sections: Mapping[str, Section], command: str) -> None:
    """Write RESULTS.md and the charts beside this file; what was not measured stays."""
    from benchmarks.charts import draw

    data = {name: section.data for name, section in sections.items()}
    charts = draw(data, HERE / "charts")
    before = RESULTS.read_text(encoding="utf-8") if RESULTS.exists() else ""
    RESULTS.write_text(render(sections, command, charts, before), encoding="utf-8")
