"""A hundred unchanged pages, once: what each peer uses for them."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Callable

from benchmarks.meters import Run, median_run
from benchmarks.origin import Origin
from benchmarks.peers import Field, ready
from benchmarks.program import prepare
from benchmarks.report import Section, Table, number

TITLE = "Peers over a hundred pages"
PAGES = 100
_OURS = "efficient_status --once"


def run(quick: bool) -> Section:
    rounds = 2 if quick else 5
    section = Section(
        TITLE,
        f"{PAGES} unchanged pages, each an origin of its own on plain HTTP/1.1, one run of the "
        f"command; median of {rounds} interleaved runs after two to warm up. CPU is that of the "
        "whole process, start-up included; bytes are those of HTTP messages, as the server "
        "counted them. The program once more while it watches is in the parts above.",
    )
    with Origin() as origin:
        urls = origin.urls(PAGES)
        program = prepare("peers", urls)
        contenders: dict[str, Callable[[], Run]] = {_OURS: program.once}
        peers, section.missing = ready(Field(urls, "peers"))
        contenders |= {peer.label: peer.run for peer in peers}
        rows = _measure(origin, contenders, rounds)
    head = ("peer", "CPU ms a page", "wall s", "peak MiB", "bytes a page", "304 of requests",
            "connections", "exit status")  # fmt: skip
    section.tables.append(Table(head, [row for row, _ in rows.values()]))
    section.data["peers"] = {name: cpu for name, (_, cpu) in rows.items()}
    return section


def _measure(
    origin: Origin, contenders: dict[str, Callable[[], Run]], rounds: int
) -> dict[str, tuple[list[str], float]]:
    for _ in range(2):
        for measure in contenders.values():
            measure()
    runs: dict[str, list[Run]] = {name: [] for name in contenders}
    counts: dict[str, list[Counter[str]]] = {name: [] for name in contenders}
    for _ in range(rounds):
        for name, measure in contenders.items():
            before = origin.stats()
            runs[name].append(measure())
            after = origin.stats()
            after.subtract(before)
            after["connections"] -= 1  # the look at the counters
            counts[name].append(after)
    return {name: _row(name, median_run(runs[name]), counts[name]) for name in contenders}


def _row(name: str, run: Run, counts: list[Counter[str]]) -> tuple[list[str], float]:
    def middle(key: str) -> float:
        return statistics.median(count[key] for count in counts)

    per_page = (middle("received") + middle("sent")) / PAGES
    cells = [
        name,
        number(run.cpu / PAGES),
        number(run.wall / 1e3),
        number(run.rss),
        number(per_page),
        f"{middle('unchanged'):.0f} of {middle('requests'):.0f}",
        number(middle("connections")),
        str(run.status),
    ]
    return cells, run.cpu / PAGES
