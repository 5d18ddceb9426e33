"""P20–P22: manners towards a host, its connections, and two runs at once."""

from __future__ import annotations

import time
from itertools import pairwise

from tests.conformance.grading import Grade, faults, gaps
from tests.conformance.stage import Run, Stage
from tests.conformance.validators import FEED
from tests.origin import Origin, Page

APART = 0.5  # of the second that is asked for: one that is noted late makes the next look early
SLOW = 2.4


def spread(stage: Stage) -> list[Grade]:
    """Several pages of one host: P20."""
    stage.spacing = 1.0 if stage.client.spaces else None
    origin = stage.origin()
    return [_in_a_run(stage, origin) if stage.cron else _over_an_interval(stage, origin)]


def _in_a_run(stage: Stage, origin: Origin) -> Grade:
    """A second apart, and no third request before an answer to the first."""
    slow = [origin.page(f"/slow/{n}").serve(FEED, delay=SLOW) for n in range(3)]
    pages = [*slow, *(origin.page(f"/{n}").serve(FEED) for n in range(2))]
    stage.visit(*pages)
    stage.finish(stage.start())
    found = _crowds(stage.runs, origin)
    times = sorted(request.at for page in slow for request in page.requests)
    third = [later - first for first, later in zip(times, times[2:], strict=False)]
    found += ["more than 2 in flight"] if min(third, default=SLOW) < SLOW - 0.3 else []
    found += ["a page was not asked"] if any(not page.count for page in pages) else []
    waits = ", ".join(f"{gap:.1f}" for gap in gaps(origin.log))
    return faults("P20", found, f"gaps {waits} s, at most 2 in flight")


def _over_an_interval(stage: Stage, origin: Origin) -> Grade:
    """Spread over the interval, never too soon, and at the same places after a restart."""
    stage.interval = 3.9
    pages = [origin.page(f"/{n}").serve(FEED, etag='"a"') for n in range(3)]
    stage.visit(*pages)
    stage.until(lambda: max(page.count for page in pages) >= 2, 12)
    first = _phases(stage.runs[-1], pages)
    stage.restart(kill=True)
    stage.until(lambda: len(_phases(stage.runs[-1], pages)) == len(pages), 12)
    second = _phases(stage.runs[-1], pages)
    found = _crowds(stage.runs, origin)
    again = min((gap for page in pages for gap in gaps(stage.runs[0].of(page.requests))), default=9)
    # Two neighbours may both be moved by jitter; a late one makes the next look early.
    found += [f"asked again after {again:.1f} s"] if again < 0.75 * stage.interval else []
    if list(first) != list(second):
        found.append(f"order {'/'.join(first)} became {'/'.join(second)} by a restart")
    spans = " and ".join(", ".join(f"{at:.1f}" for at in each.values()) for each in (first, second))
    if max(first.values(), default=0) < 0.4 * stage.interval:
        found.append(f"not spread: phases {spans} s")
    return faults("P20", found, f"phases {spans} s before and after a restart")


def _phases(run: Run, pages: list[Page]) -> dict[str, float]:
    """Path → seconds from the first request of a process to its own first."""
    firsts = {p.path: mine[0].at for p in pages if (mine := run.of(p.requests))}
    began = min(firsts.values(), default=0.0)
    return {p: at - began for p, at in sorted(firsts.items(), key=lambda item: item[1])}


def _crowds(runs: list[Run], origin: Origin) -> list[str]:
    close = sum(gap < APART for run in runs for gap in gaps(run.of(origin.log)))
    return [f"{close} same-host requests less than 1 s apart"] if close else []


def connections(stage: Stage) -> list[Grade]:
    """One connection a host, also where its server closes it while it is idle: P21."""
    origin = stage.origin()
    return [_of_one_run(stage, origin) if stage.cron else _of_a_watch(stage, origin)]


def _of_one_run(stage: Stage, origin: Origin) -> Grade:
    stage.spacing = 0.8 if stage.client.spaces else None  # so that none overlaps another
    pages = [origin.page(f"/{n}").serve(FEED, etag='"a"') for n in range(3)]
    stage.visit(*pages)
    stage.finish(stage.start())
    kept, before = origin.connections, len(origin.log)
    origin.keepalive = 0.05
    stage.poll()
    found = [f"{kept} connections for {before} pages"] if kept != 1 else []
    double = len(origin.log) - before - len(pages)
    found += [f"{double} second requests after an idle close"] if double > 0 else []
    lost = sum(page.count < 2 for page in pages)
    found += [f"{lost} pages lost to an idle close"] if lost else []
    return faults("P21", found, f"1 connection for {before} requests, 0 lost to an idle close")


def _of_a_watch(stage: Stage, origin: Origin) -> Grade:
    stage.interval = 0.4
    page = origin.page("/feed").serve(FEED, etag='"a"')
    stage.visit(page)
    stage.poll(page, times=4)
    kept = origin.connections
    origin.close_idle("fin")
    stage.poll(page, times=2)
    origin.close_idle("rst")
    stage.poll(page, times=2)
    found = [f"{kept} connections for 4 polls"] if kept != 1 else []
    more = origin.connections - kept
    found += [f"{more} new connections after 2 closes"] if more > 2 else []
    found += [f"only {page.count} polls of 8"] if page.count < 8 else []
    asked = page.requests
    beats = (asked[-1].at - asked[0].at) / stage.interval
    # Counted over all of them, since a late poll makes the next one look like a second.
    double = len(asked) - 1 - round(1.05 * beats)
    found += [f"{double} second requests"] if double > 0 else []
    found += [f"{n} unanswered" for n in [sum(r.status is None for r in asked)] if n]
    return faults("P21", found, f"{kept} connection for 4 polls, {more} more after 2 idle closes")


def overlaps(stage: Stage) -> list[Grade]:
    """Two runs on one folder: P22."""
    origin = stage.origin()
    stage.interval = 30.0
    page = origin.page("/feed").serve(FEED, etag='"a"', delay=3.0 if stage.cron else 0.0)
    stage.visit(page)
    first = stage.start()
    asked = _until(lambda: page.count, first)
    seconds = [stage.start(), stage.start(once=True)] if not stage.cron else [stage.start()]
    end = time.monotonic() + 8
    while not all(run.process.ended() for run in seconds) and time.monotonic() < end:
        time.sleep(0.02)
    if stage.cron:
        stage.finish(first)
        stage.finish(seconds[0])
    found = [] if asked else ["never asked"]
    found += [f"{page.count} requests while two runs overlapped"] if page.count > 1 else []
    begins = [f"{later.since - run.since:.1f}" for run, later in pairwise(stage.runs)]
    return [faults("P22", found, f"1 request, though another began {', '.join(begins)} s later")]


def _until(condition: object, run: Run, seconds: float = 10.0) -> bool:
    end = time.monotonic() + seconds
    assert callable(condition)
    while not condition() and not run.process.ended() and time.monotonic() < end:
        time.sleep(0.02)
    return bool(condition())
