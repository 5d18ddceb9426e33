"""The charts: plain SVG, units in the labels, the same bytes for the same numbers."""

from __future__ import annotations

import statistics
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

_OURS, _OTHERS = "#1f6f8b", "#b9c3c9"
_LINES = ("#1f6f8b", "#c8553d", "#7a9e4e", "#8a6bb1", "#d9a441")
Bars = Mapping[str, float]


def draw(data: Mapping[str, Mapping[str, Any]], folder: Path) -> dict[str, str]:
    """Draw what was measured.

    Returns:
        File name → what it shows, each name beginning with the part it belongs to.
    """
    folder.mkdir(exist_ok=True)
    drawn = {}
    for file, (part, key, title, paint) in _CHARTS.items():
        if found := data.get(part, {}).get(key):
            _save(folder / file, title, found, paint)
            drawn[file] = title
    return drawn


def _save(path: Path, title: str, found: Any, paint: Callable[[Any, Any], None]) -> None:
    matplotlib: Any = import_module("matplotlib")
    matplotlib.use("svg")
    pyplot: Any = import_module("matplotlib.pyplot")
    matplotlib.rcParams.update(
        {
            "svg.hashsalt": "efficient-status",
            "svg.fonttype": "none",
            "font.family": "sans-serif",
            "font.size": 10,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    figure, axes = pyplot.subplots(figsize=(8, 4.2), layout="constrained")
    axes.set_title(title, loc="left", fontsize=11)
    paint(axes, found)
    figure.savefig(path, facecolor="white", metadata={"Date": None})
    pyplot.close(figure)


def _bars(axes: Any, found: Bars, unit: str) -> None:
    names = list(found)[::-1]
    values = [found[name] for name in names]
    colours = [_OURS if "efficient_status" in name else _OTHERS for name in names]
    axes.barh(names, values, color=colours)
    axes.set_xlabel(unit)
    axes.set_xlim(0, max(values) * 1.15 or 1)
    for place, value in enumerate(values):
        axes.text(value, place, f" {value:,.0f}", va="center", fontsize=9)


def _bytes(axes: Any, found: Bars) -> None:
    _bars(axes, found, "bytes at the IP level, both directions")


def _day(axes: Any, found: Bars) -> None:
    _bars(axes, found, "MB a day")


def _cpu(axes: Any, found: Mapping[str, Mapping[str, list[float]]]) -> None:
    labels = {
        "bare": "bare transport",
        "ours": "efficient_status",
        "hishel-sqlite": "hishel + SQLite",
        "hishel-client": "hishel + SQLite, AsyncCacheClient",
    }
    _bars(axes, _medians(labels, found), "µs of CPU a poll, median")


def _medians(
    labels: Mapping[str, str], found: Mapping[str, Mapping[str, list[float]]]
) -> dict[str, float]:
    """A bar for each kind that was measured, of each of what it was measured on."""
    return {
        f"{label}, {name}": statistics.median(measured[kind])
        for kind, label in labels.items()
        for name, measured in found.items()
        if kind in measured
    }


def _cold(axes: Any, found: Mapping[str, list[float]]) -> None:
    bars = {name: statistics.median(runs) for name, runs in found.items()}
    _bars(axes, bars, "ms of CPU a run, median")


def _parse(axes: Any, found: Mapping[str, Mapping[str, list[float]]]) -> None:
    labels = {
        "defusedxml": "defusedxml alone",
        "changed": "efficient_status, one new item",
        "first": "efficient_status, first contact",
        "feedparser": "feedparser",
    }
    _bars(axes, _medians(labels, found), "µs of CPU a document, median")


def _disk(axes: Any, found: Bars) -> None:
    _bars(axes, found, "bytes written a poll")


def _late(axes: Any, found: Any) -> None:
    _lines(axes, found, 1)
    axes.set_ylabel("ms after a poll was due")


def _lines(axes: Any, found: Mapping[str, list[tuple[int, float, float]]], column: int) -> None:
    for (name, points), colour in zip(found.items(), _LINES, strict=False):
        if len(points) > 1:
            values = [point[column] for point in points]
            axes.plot([p[0] for p in points], values, marker="o", label=name, color=colour)
    axes.set_xscale("log")
    axes.set_xlabel("pages, each an origin of its own")
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    axes.legend(frameon=False, fontsize=9)


def _memory(axes: Any, found: Any) -> None:
    _lines(axes, found, 2)
    axes.set_ylabel("resident memory, MiB")


def _cpu_by_pages(axes: Any, found: Any) -> None:
    _lines(axes, found, 1)
    axes.set_ylabel("µs of CPU a poll, median")


_CHARTS: Mapping[str, tuple[str, str, str, Callable[[Any, Any], None]]] = {
    "bytes-per-poll.svg": ("bytes", "bytes", "Bytes on the wire of one unchanged poll", _bytes),
    "bytes-per-day.svg": ("bytes", "day", "100 unchanged pages every 30 s", _day),
    "cpu-per-poll.svg": ("cpu", "cpu", "CPU of one unchanged poll, 100 pages kept alive", _cpu),
    "disk-per-poll.svg": ("disk", "disk", "Disk writes of unchanged polls", _disk),
    "cold-cpu.svg": ("cold", "cold", "One page, unchanged, a process a poll", _cold),
    "parse-cpu.svg": ("parse", "parse", "A changed feed of 25 items, bytes to events", _parse),
    "scale-lateness.svg": ("scale", "late", "Lateness against the number of pages", _late),
    "scale-memory.svg": ("scale", "scale", "Memory against the number of pages", _memory),
    "scale-cpu.svg": ("scale", "scale", "CPU of one unchanged poll against pages", _cpu_by_pages),
}
