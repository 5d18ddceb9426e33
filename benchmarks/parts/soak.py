"""A long night: 200,000 polls of 500 pages in every kind of weather; what grows, what is told."""

from __future__ import annotations

import shutil
import sys

from benchmarks.report import Check, Section, Table, number
from benchmarks.venvs import CACHE
from tests.soak.night import OFFLINE, Night, Seen, play, risen

TITLE = "Soak"
MIB = 2.0**20
_METHOD = (
    "{pages} pages on {hosts} loopback hosts, some over TLS and HTTP/2, {polls:,} polls under a "
    "clock that runs {scale:g} times as fast, an interval of {interval:g} s of it. Each page lives "
    "through incidents of one of seven dialects, written by a seeded script; one request in twenty "
    "begins a spell of one of {kinds} kinds of weather (failures, cuts, bombs, loops, portals, "
    "lagging edges …); besides, {troubles}, and the clock leaps days forward twice, and back twice. What must be "
    "told is worked out from the script and from the documents that arrived. Memory, files and the "
    "rest are those of the program's process alone, looked at {looks} times; «rise» is that of "
    "the median, from the second quarter of the run to the last; of memory, where SQLite's caches "
    "fill up first, from the third. Resident memory is a high-water mark: Python's arenas of 1 MiB and "
    "the pages of malloc's heap stay as long as anything in them is in use."
)
_BOUNDS = {  # what may rise, by how much, in which unit of so many
    "heap": ("memory in use, of malloc", 1.0, "MiB", MIB),
    "blocks": ("memory in use, small blocks of Python's", 5_000.0, "", 1.0),
    "rss": ("resident memory, with the holes in it", 4.0, "MiB", MIB),
    "objects": ("objects that Python's collector knows", 2_000.0, "", 1.0),
    "files": ("open files", 10.0, "", 1.0),
    "tasks": ("tasks", 5.0, "", 1.0),
    "threads": ("threads", 1.0, "", 1.0),
}
_JOURNAL = 4.5  # MiB: what SQLite lets a WAL grow to before it begins anew is 4 MiB


def run(quick: bool) -> Section:
    # A second of the wall is ten of the program's: the 30 s that a poll may take are three.
    night = Night(
        pages=100 if quick else 500,
        polls=10_000 if quick else 200_000,
        beat=0.25 if quick else 1.0,
        scale=10,
        looks=100,
        troubles={
            0.1: ("a captive portal", 5.0),
            0.2: ("nobody reads stdout", 1.0),
            0.3: (OFFLINE, 5.0 if quick else 30.0),
            0.4: ("the state is locked", 3.0),
            0.5: ("the cache is locked", 3.0),
            0.6: ("the disk is full", 5.0),
            0.7: ("both databases are deleted", 0.0),
        },
    )
    folder = CACHE / "work" / "soak"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    seen = play(night, folder)
    what = ", ".join(
        f"{name} for {seconds:g} s" if seconds else name
        for name, seconds in night.troubles.values()
    )
    method = _METHOD.format(
        pages=night.pages,
        hosts=night.hosts,
        polls=night.polls,
        scale=night.scale,
        interval=night.beat * night.scale,
        kinds=len(seen.weather) - 1,
        troubles=what,
        looks=night.looks,
    )
    for line in [*seen.wrong, *seen.lost, *seen.muddled, *seen.bugs]:
        print(line, file=sys.stderr)
    checks = [*_counted(seen), *_grown(seen)]
    return Section(TITLE, method, [_table(seen), _weather(seen)], checks)


def _counted(seen: Seen) -> list[Check]:
    return [
        Check(f"incidents whose events are not the {seen.due:,} expected ones", len(seen.wrong), 0),
        Check("pages where documents were lost or muddled", len(seen.lost + seen.muddled), 0),
        Check("exceptions that a poll must not raise", len(seen.bugs), 0),
        Check("exit status", abs(seen.status), 0),
    ]


def _grown(seen: Seen) -> list[Check]:
    polls = seen.looks[-1]["polls"]
    rises = [
        Check(
            f"{name}: rise in the last {polls * (1 - since):,.0f} polls",
            risen(seen.looks, key, since) / size,
            limit,
            unit,
        )
        for key, (name, limit, unit, size) in _BOUNDS.items()
        for since in [0.5 if "memory" in name else 0.25]
    ]
    journals = [
        Check(f"{key}: largest", max(look[key] for look in seen.looks) / MIB, _JOURNAL, "MiB")
        for key in ("state-wal", "cache-wal")
    ]
    return [*rises, *journals]


def _table(seen: Seen) -> Table:
    rows = []
    for key in ("rss", "heap", "blocks", "objects", "files", "tasks", "threads", "state",
                "state-wal", "cache", "cache-wal"):  # fmt: skip
        size = MIB if key not in ("blocks", "objects", "files", "tasks", "threads") else 1.0
        values = [look[key] / size for look in seen.looks]
        cells = (*(values[len(values) * fifth // 5 - 1] for fifth in range(1, 6)), max(values))
        rows.append((f"{key}, MiB" if size > 1 else key, *map(number, cells)))
    return Table(("of the process", *(f"{share} %" for share in range(20, 101, 20)), "most"), rows)


def _weather(seen: Seen) -> Table:
    first, last = seen.looks[0], seen.looks[-1]
    polls, spent, wall = (last[key] - first[key] for key in ("polls", "cpu", "seconds"))
    rows = [
        ("polls", number(last["polls"])),
        ("seconds of the wall", number(wall)),
        ("events told", number(seen.told)),
        ("requests in fair weather", number(seen.weather["fair"])),
        ("requests in foul weather", number(seen.weather.total() - seen.weather["fair"])),
        ("polls that failed", number(seen.reasons.total())),
        ("of them for want of time on this machine", number(seen.late)),
        ("CPU µs a poll, all in all", number(spent / polls * 1e6)),
    ]
    return Table(("counted", ""), rows)
