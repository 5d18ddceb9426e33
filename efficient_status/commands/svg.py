"""A chart of stacked bars as SVG, readable on light and dark ground."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from html import escape

Bar = tuple[str, int, int]  # label, spent, spared

_WIDTH, _HEIGHT = 800, 360
_LEFT, _RIGHT, _TOP, _BOTTOM = 80, 16, 72, 40
_GAP = 0.25  # of a bar's place
_LABELS = 8  # on the horizontal axis, at most
_STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #24292f }
.title { font-size: 16px; font-weight: 600 }
.axis { stroke: #8c959f; stroke-width: 1 }
.grid { stroke: #8c959f; stroke-opacity: .3 }
.ground { fill: #ffffff }
.spent { fill: #cf4a22 }
.spared { fill: #7fb3d9 }
@media (prefers-color-scheme: dark) {
text { fill: #e6edf3 }
.ground { fill: #0d1117 }
.spent { fill: #ff7b54 }
.spared { fill: #2f6690 }
}"""


def chart(title: str, bars: Sequence[Bar], named: Callable[[float], str]) -> str:
    """Spent below, spared above.

    Args:
        named: an amount in words.
    """
    most = max((spent + spared for _, spent, spared in bars), default=0)
    step = _step(most)
    top = max(math.ceil(most / step), 1) * step
    parts = [
        *_frame(title),
        *_axis(step, top, named),
        *_bars(bars, top, named),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _frame(title: str) -> Iterator[str]:
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
        f' width="{_WIDTH}" height="{_HEIGHT}" role="img" aria-label="{escape(title)}">'
    )
    yield f"<style>\n{_STYLE}\n</style>"
    yield f'<rect class="ground" width="{_WIDTH}" height="{_HEIGHT}"/>'
    yield f'<text class="title" x="{_LEFT}" y="26">{escape(title)}</text>'
    for place, name, says in (
        (_LEFT, "spent", "spent"),
        (_LEFT + 90, "spared", "spared: unconditional requests would have cost this more"),
    ):
        yield f'<rect class="{name}" x="{place}" y="40" width="12" height="12"/>'
        yield f'<text x="{place + 18}" y="51">{says}</text>'


def _axis(step: float, top: float, named: Callable[[float], str]) -> Iterator[str]:
    for number in range(round(top / step) + 1):
        y = _y(number * step, top)
        kind = "grid" if number else "axis"
        yield f'<line class="{kind}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y:g}" y2="{y:g}"/>'
        label = escape(named(number * step))
        yield f'<text x="{_LEFT - 8}" y="{y + 4:g}" text-anchor="end">{label}</text>'


def _bars(bars: Sequence[Bar], top: float, named: Callable[[float], str]) -> Iterator[str]:
    place = (_WIDTH - _LEFT - _RIGHT) / max(len(bars), 1)
    width = place * (1 - _GAP)
    every = math.ceil(len(bars) / _LABELS)
    for number, (label, spent, spared) in enumerate(bars):
        x = _LEFT + place * (number + _GAP / 2)
        says = escape(f"{label}: {named(spent)} spent, {named(spared)} spared")
        yield f"<g><title>{says}</title>"
        for name, low, high in (("spent", 0, spent), ("spared", spent, spent + spared)):
            y, bottom = _y(high, top), _y(low, top)
            yield (
                f'<rect class="{name}" x="{x:.2f}" y="{y:.2f}" width="{width:.2f}"'
                f' height="{bottom - y:.2f}"/>'
            )
        yield "</g>"
        if number % every == 0:
            y = _HEIGHT - _BOTTOM + 20
            yield f'<text x="{x + width / 2:.2f}" y="{y}" text-anchor="middle">{escape(label)}</text>'


def _y(value: float, top: float) -> float:
    return _HEIGHT - _BOTTOM - value / top * (_HEIGHT - _BOTTOM - _TOP)


def _step(most: float) -> float:
    """1, 2 or 5 times a power of ten, so that there are three to six lines."""
    power = 10.0 ** math.floor(math.log10(max(most, 1)))
    return next(power * each for each in (0.2, 0.5, 1, 2) if most / (power * each) <= 6)
