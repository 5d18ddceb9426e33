"""Sections → RESULTS.md and the charts."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from benchmarks import machine
from benchmarks.report import Section, checks_table

_CAUTION = """\
Everything runs on one machine, other work may run beside it: read ratios first, then medians, then
minima. Servers run in processes of their own. This file is written by the run, nothing in it by
hand."""
HERE = Path(__file__).parent


def render(
    sections: Mapping[str, Section], command: str, charts: Mapping[str, str] | None = None
) -> str:
    """The whole document; every number in it was measured by this run."""
    checks = [check for section in sections.values() for check in section.checks]
    measured = f"Measured on {time.strftime('%-d %B %Y')} by `{command}` ({machine.processor()})."
    blocks = ["# What a poll costs", f"{measured}\n{machine.versions()}.", _CAUTION]
    if checks:
        blocks += ["## Figures to reach", checks_table(checks).markdown()]
    for name, section in sections.items():
        blocks.append(section.markdown())
        blocks += [f"![{alt}](charts/{file})" for file, alt in (charts or {}).items()
                   if file.startswith(f"{name}-")]  # fmt: skip
    return "\n\n".join(blocks) + "\n"


def write(sections: Mapping[str, Section], command: str) -> None:
    """Write RESULTS.md and the charts beside this file."""
    from benchmarks.charts import draw

    data = {name: section.data for name, section in sections.items()}
    charts = draw(data, HERE / "charts")
    (HERE / "RESULTS.md").write_text(render(sections, command, charts), encoding="utf-8")
