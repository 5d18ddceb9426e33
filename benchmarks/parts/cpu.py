"""CPU of an unchanged poll over kept connections, against the transport alone and stock hishel."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from benchmarks.meters import interleaved, ratio
from benchmarks.nginx import nginx
from benchmarks.origin import Origin
from benchmarks.report import CannotRun, Check, Section, Table, both, number
from benchmarks.venvs import CACHE
from benchmarks.workers import Task, Worker, captured_headers, with_etag

TITLE = "CPU of an unchanged poll"
PAGES = 100
_PLAIN = "HTTP/1.1, plain"
_LABELS = {
    "bare": "bare `AsyncHTTPTransport`, prepared requests",
    "ours": "efficient_status, `Poller.poll`",
    "hishel-sqlite": "hishel with its SQLite storage, a transport an origin",
    "hishel-client": "hishel with its SQLite storage, `AsyncCacheClient`, one pool",
    "bare-once": "bare, 32 at a time",
    "ours-once": "efficient_status, `Scheduler.once`, 32 at a time",
}
Found = dict[str, list[float]]


def run(quick: bool) -> Section:
    rounds = 5 if quick else 15
    section = Section(
        TITLE,
        f"{PAGES} pages, each an origin of its own, connections kept; process CPU of the client "
        f"alone, all threads, in µs a poll: median (minimum) of {rounds} interleaved rounds of "
        f"{PAGES} polls. «times bare» is the median of the ratios within a round. Over TLS the origins are "
        "ports of one host, so that 32 at a time also pays for taking turns there.",
    )
    headers = captured_headers()
    found: dict[str, Found] = {}
    with Origin() as origin:
        urls = origin.urls(PAGES)
        found[_PLAIN] = _measure(urls, with_etag(headers, urls[0]), rounds)
    try:
        with nginx(ports=PAGES) as server:
            urls, trusted = server.urls(PAGES), server.chain.trusted
            right = with_etag(headers, urls[0], trusted)
            found["HTTP/2, TLS 1.3"] = _measure(urls, right, rounds, trusted)
    except CannotRun as reason:
        section.missing.append(f"HTTP/2: {reason}")
    for protocol, measured in found.items():
        section.tables.append(_table(protocol, measured))
        section.checks += _checks(protocol, measured)
    section.data["cpu"] = found
    return section


def _measure(
    urls: Sequence[str],
    headers: list[tuple[str, str]],
    rounds: int,
    trusted: Path | None = None,
) -> Found:
    """µs a poll of every contender, by round."""
    with ExitStack() as stack:
        contenders: dict[str, Callable[[], float]] = {}
        for kind in _LABELS:
            folder = CACHE / "work" / f"cpu-{kind}"
            shutil.rmtree(folder, ignore_errors=True)
            task = Task(urls, headers, str(folder), http2=trusted is not None)
            worker = stack.enter_context(Worker(kind, task, trusted))
            contenders[kind] = partial(worker.round, PAGES)
        interleaved(contenders, 1)
        return interleaved(contenders, rounds)


def _table(protocol: str, found: Found) -> Table:
    rows = []
    for kind, label in _LABELS.items():
        floor = "bare-once" if kind.endswith("-once") else "bare"
        rows.append((label, both(found[kind]), number(ratio(found, kind, floor))))
    return Table((protocol, "µs a poll", "times bare"), rows)


def _checks(protocol: str, found: Found) -> list[Check]:
    checks = [
        Check(f"CPU, times bare transport, {protocol}", ratio(found, "ours", "bare"), 1.35),
        Check(
            f"CPU, times hishel with SQLite, {protocol}", ratio(found, "ours", "hishel-sqlite"), 0.5
        ),
    ]
    if protocol == _PLAIN:  # over TLS all pages are at one host, where they must take turns
        share = ratio(found, "ours-once", "bare-once")
        checks.append(Check(f"CPU, times bare transport, 32 at a time, {protocol}", share, 1.35))
    return checks
