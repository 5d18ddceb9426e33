"""A changed feed, from bytes to events; against bare parsers and feedparser."""

from __future__ import annotations

import json
import subprocess
import time
import xml.parsers.expat
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import defusedxml.ElementTree

from benchmarks import venvs
from benchmarks.feeds import ITEMS, incidentio_feed, statuspage_feed
from benchmarks.meters import SCRIPTS, interleaved, ratio
from benchmarks.report import CannotRun, Check, Section, Table, both, number
from efficient_status.detect import Wishes, detect
from efficient_status.models import Memory
from efficient_status.providers import read

TITLE = "A changed feed, from bytes to events"
_NOW = 1_800_000_000.0  # seconds since the epoch; after all stamps of the documents
_FEEDS = {"incident.io RSS": incidentio_feed, "Statuspage Atom": statuspage_feed}
Measure = Callable[[], float]


def run(quick: bool) -> Section:
    rounds, times = (5, 20) if quick else (15, 100)
    section = Section(
        TITLE,
        f"A document of {ITEMS} items, one of them new since the last reading, decoded bytes to "
        f"events (`providers.read` and `detect`); CPU in µs, median (minimum) of {rounds} "
        f"interleaved rounds of {times} documents, for feedparser of a tenth of that.",
    )
    try:
        where = venvs.peer("feedparser", ("feedparser", "requests"))
        peer = f"feedparser {venvs.version(where, 'feedparser')}"
        with _feedparser(str(where / "python")) as parse:
            found = {name: _measure(make, rounds, times, parse) for name, make in _FEEDS.items()}
    except CannotRun as reason:
        section.missing.append(f"feedparser: {reason}")
        found, peer = {n: _measure(make, rounds, times, None) for n, make in _FEEDS.items()}, ""
    for name, measured in found.items():
        section.tables.append(_table(name, measured, peer))
        section.checks += _checks(name, measured)
    section.data["parse"] = found
    return section


def _measure(
    make: Callable[[int], bytes],
    rounds: int,
    times: int,
    parse: Callable[[bytes, int], float] | None,
) -> dict[str, list[float]]:
    before, after = make(0), make(1)
    memory = _memory(before)
    assert len(_events(after, memory)) == 1
    contenders: dict[str, Measure] = {
        "expat": lambda: _time(lambda: xml.parsers.expat.ParserCreate().Parse(after, True), times),
        "defusedxml": lambda: _time(lambda: defusedxml.ElementTree.fromstring(after), times),
        "changed": lambda: _time(lambda: _events(after, memory), times),
        "same": lambda: _time(lambda: _events(before, memory), times),
        "first": lambda: _time(lambda: _events(after, Memory()), times),
    }
    if parse is not None:
        contenders["feedparser"] = lambda: parse(after, max(times // 10, 2))
    interleaved(contenders, 1)
    return interleaved(contenders, rounds)


def _events(document: bytes, memory: Memory) -> list[object]:
    """The whole way of a changed document, but for printing and SQLite."""
    feed = read(document, memory.marks(), expected=memory.dialect or None)
    return [each for each in detect(memory, feed, Wishes(), _NOW) if each.happening]


def _memory(document: bytes) -> Memory:
    feed = read(document)
    changes = detect(Memory(), feed, Wishes(), _NOW)
    return Memory("known", feed.dialect, {each.incident.id: each.told for each in changes})


def _time(act: Callable[[], object], times: int) -> float:
    """CPU of one call, in µs."""
    start = time.process_time_ns()
    for _ in range(times):
        act()
    return (time.process_time_ns() - start) / times / 1e3


@contextmanager
def _feedparser(python: str) -> Iterator[Callable[[bytes, int], float]]:
    """Run feedparser in its own interpreter: (document, times) → µs."""
    script = str(SCRIPTS / "feedparser_parse.py")
    with subprocess.Popen(
        [python, script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        asks, answers = process.stdin, process.stdout

        def parse(document: bytes, times: int) -> float:
            asks.write(json.dumps([document.decode(), times]) + "\n")
            asks.flush()
            return float(answers.readline())

        try:
            yield parse
        finally:
            asks.close()


_LABELS = {
    "expat": "raw expat, no handlers",
    "defusedxml": "defusedxml `fromstring`",
    "changed": "efficient_status, one new item",
    "same": "efficient_status, all items known (the document's frame changed)",
    "first": "efficient_status, first contact: all items new",
}


def _table(name: str, found: dict[str, list[float]], peer: str) -> Table:
    labels = {**_LABELS, "feedparser": peer}
    rows = [
        (labels[key], both(values), number(ratio(found, key, "defusedxml")))
        for key, values in found.items()
    ]
    return Table((name, "µs a document", "times defusedxml"), rows)


def _checks(name: str, found: dict[str, list[float]]) -> list[Check]:
    checks = [
        Check(f"changed feed, {name}, times a bare defusedxml parse",
              ratio(found, "changed", "defusedxml"), 3)
    ]  # fmt: skip
    if "feedparser" in found:
        share = ratio(found, "changed", "feedparser")
        checks.append(Check(f"changed feed, {name}, times feedparser", share, 1 / 15))
    return checks
