"""P9–P12, P15 and P23: when a client asks, and when it leaves a server alone."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from email.utils import formatdate
from math import floor

from tests.conformance.grading import SLACK, Grade, after_first, faults, gaps
from tests.conformance.stage import Stage
from tests.conformance.validators import FEED, now
from tests.origin import Answer, Origin, Page, Request

ASKED = 3  # seconds that servers ask for here; a Date is cut to whole seconds, so 2 are certain
CUT = 0.5  # seconds before a kill in which an answer may not have been noted yet
IN_FLIGHT = 0.15  # seconds in which a request may have been on its way already


def freshness(stage: Stage) -> list[Grade]:
    """Pages that are fresh for three seconds, each in its way, and one that is not: P9."""
    origin = stage.origin()
    control = {"Cache-Control": f"max-age={ASKED}"}
    fresh = {
        "max-age": origin.page("/max-age").serve(FEED, etag='"a"', headers=control),
        "Age": origin.page("/age").serve(
            FEED, etag='"a"', headers={"Cache-Control": f"max-age={60 + ASKED}", "Age": "60"}
        ),
        "no Date": origin.page("/no-date").serve(FEED, etag='"a"', headers=control, date=None),
        "Date ahead": origin.page("/ahead").serve(
            FEED, etag='"a"', headers=control, date=now(86_400)
        ),
        "odd Date": origin.page("/odd").serve(FEED, etag='"a"', headers=control, date="soon"),
        "Expires": origin.page("/expires").always(_expires),
    }
    old = origin.page("/old").serve(FEED, etag='"a"', last_modified=now(-30 * 86_400))
    pages = [*fresh.values(), old]
    stage.visit(*pages)
    stage.poll(*pages)
    stage.restart(kill=False)
    stage.go(4.8, every=1.3)
    stage.restart(kill=False)
    stage.go(0.8)
    seen = stage.until(
        lambda: all(page.count >= 3 for page in pages if page is not fresh["Age"]), 10
    )
    found = [f"{n} too early ({name})" for name, page in fresh.items() if (n := _early(page))]
    blind = {**fresh, "heuristic": old}
    del blind["Age"]  # whoever does not subtract it only comes later than need be
    found += [f"blind ({name})" for name, p in blind.items() if not seen and p.count < 3]
    if stage.cron and old.count < len(stage.runs) // 2:
        found.append(f"heuristic freshness: asked in {old.count} of {len(stage.runs)} runs")
    asked = sum(page.count for page in fresh.values())
    return [faults("P9", found, f"0 early, 0 blind in {asked} requests, after 200 and 304")]


def _expires(request: Request) -> Answer:
    fields = {"ETag": '"a"', "Expires": formatdate(floor(request.wall) + ASKED, usegmt=True)}
    return Answer(304 if request.conditional else 200, fields, FEED)


def _early(page: Page) -> int:
    asked = page.requests
    return sum(
        later.wall < floor(each.wall) + ASKED - SLACK for each, later in itertools.pairwise(asked)
    )


def retry_after(stage: Stage) -> list[Grade]:
    """Two hosts refuse, one with seconds and one with a date, and so does a kill: P10."""
    stage.spacing = 0.3 if stage.client.spaces else None  # as it is a second elsewhere
    stage.interval = 1.0
    seconds, dated = stage.origin(), stage.origin()
    pages = []
    for origin in (seconds, dated):
        mine = [origin.page(f"/{n}").serve(FEED, etag='"a"') for n in range(3)]
        stage.visit(*mine, origin=origin)
        pages += mine
    stage.poll(*pages)
    before = {origin.base: len(origin.log) for origin in (seconds, dated)}
    ends: list[tuple[Origin, Request, float]] = []

    def refuse(origin: Origin, status: int, *, as_date: bool) -> Callable[[Request], Answer]:
        def answer(request: Request) -> Answer:
            end = floor(request.wall) + ASKED + 1.0 if as_date else request.wall + ASKED
            ends.append((origin, request, end))
            value = formatdate(end, usegmt=True) if as_date else str(ASKED)
            return Answer(status, {"Retry-After": value})

        return answer

    for origin, status, as_date in ((seconds, 429, False), (dated, 503, True)):
        for n in range(3):
            origin.page(f"/{n}").always(refuse(origin, status, as_date=as_date))
    stage.until(lambda: all(len(o.log) > before[o.base] for o in (seconds, dated)))
    for origin in (seconds, dated):
        for n in range(3):
            origin.page(f"/{n}").serve(FEED, etag='"a"')
    stage.restart(kill=True)
    counts = {id(page): page.count for page in pages}
    stage.go(1.6, every=0.7)
    stage.until(lambda: all(page.count > counts[id(page)] for page in pages))
    early = neighbours = 0
    for origin in (seconds, dated):
        for request in origin.log:
            held = [
                refused
                for at, refused, end in ends
                if at is origin and refused.at + IN_FLIGHT < request.at
                if request.wall < end - SLACK
            ]
            early += any(refused.path == request.path for refused in held)
            neighbours += bool(held) and all(r.path != request.path for r in held)
    found = [f"{early} early at the page"] if early else []
    found += [f"{neighbours} early at its host's other pages"] if neighbours else []
    silent = sum(page.count == counts[id(page)] for page in pages)
    found += [f"{silent} pages never asked again"] if silent else []
    return [faults("P10", found, f"0 early after {len(ends)} refusals, seconds and date")]


def back_off(stage: Stage) -> list[Grade]:
    """Pages that fail for good, over restarts: P11."""
    stage.interval = 0.6
    origin = stage.origin()
    pages = {
        "503": origin.page("/503").down(),
        "500": origin.page("/500").always(Answer(500)),
        "429": origin.page("/429").always(Answer(429)),
    }
    stage.visit(*pages.values())
    stage.until(lambda: all(page.count >= 2 for page in pages.values()))
    stage.go(0.9, every=0.45)
    stage.restart(kill=True)
    stage.go(3.4, every=0.9)
    found, asked = [], []
    for name, page in pages.items():
        if stage.cron:  # what comes in one run is one poll
            polls = [mine[0] for run in stage.runs if (mine := run.of(page.requests))]
            good = _doubles(gaps(polls), stage.interval)
        else:  # the first poll may have held a retry; of one that a kill cut short nothing is known
            polls = [
                each
                for each in page.requests
                if not any(0 <= run.until - each.at < CUT for run in stage.runs)
            ]
            good = any(_doubles(gaps(polls[n:]), stage.interval) for n in (0, 1))
        asked.append(len(polls))
        waits = ", ".join(f"{gap:.1f}" for gap in gaps(polls)[:6])
        found += [] if good else [f"{name}: gaps {waits} s"]
    return [faults("P11", found, f"{'/'.join(map(str, asked))} polls, each gap at least doubles")]


def _doubles(waits: Sequence[float], interval: float) -> bool:
    """Whether the n-th wait is at least 2^n intervals: a late poll makes none look too short."""
    return all(wait >= interval * 2**n - SLACK - n * 0.02 for n, wait in enumerate(waits))


def retries(stage: Stage) -> list[Grade]:
    """One poll of pages that fail, each in its way: P12."""
    stage.interval = 2.0
    other, origin = stage.origin(), stage.origin()
    most = {401: 1, 403: 1, 404: 1, 410: 1, 429: 1, 500: 2, 502: 2, 503: 2}
    waits = other.page("/waits").always(Answer(503, {"Retry-After": "60"}))
    stage.visit(waits, origin=other)
    pages = {status: origin.page(f"/{status}").always(Answer(status)) for status in most}
    good = origin.page("/good").serve(FEED, etag='"a"')
    stage.visit(*pages.values(), good, origin=origin)
    if stage.cron:
        run = stage.start()
        stage.finish(run)
        ended = run.until - run.since < 19
    else:
        ended = stage.until(lambda: good.count and all(p.count for p in pages.values()), 10)
        time.sleep(1.0)  # for a retry of the last one
    found = []
    for status, page in pages.items():
        asked = page.requests
        window = float("inf") if stage.cron else 0.85 * stage.interval
        count = sum(request.at - asked[0].at < window for request in asked)
        found += [f"{count} requests for a {status}"] if count > most[status] else []
        found += [f"{status} not asked"] if not count else []
    found += [f"{waits.count} requests despite Retry-After"] if waits.count > 1 else []
    found += [] if ended and good.count else ["a wait blocked other pages"]
    total = sum(page.count for page in pages.values())
    return [faults("P12", found, f"{total} requests for {len(pages)} failing pages in one poll")]


def gone(stage: Stage) -> list[Grade]:
    """One page is gone and one is missing, over restarts: P15."""
    origin = stage.origin()
    lost, missing, good = (
        origin.page(path).serve(FEED, etag='"a"', last_modified=now())
        for path in ("/gone", "/missing", "/good")
    )
    stage.visit(lost, missing, good)
    stage.poll(lost, missing, good)
    lost.always(Answer(410))
    missing.always(Answer(404))
    stage.until(lambda: _with(missing, 404) >= 3 and _with(lost, 410), 8)
    stage.restart(kill=True)
    stage.poll(good, times=2)
    stage.restart(kill=False)
    stage.poll(good, times=1)
    after = len(after_first(lost.requests, 410))
    found = [] if _with(lost, 410) else ["never met the 410"]
    found += [f"{after} requests after 410"] if after else []
    more = _with(missing, 404) - 3
    found += [f"404: {more} more after the third"] if more > 0 else []
    return [faults("P15", found, f"0 after 410, 0 after the third 404, {good.count} elsewhere")]


def _with(page: Page, status: int) -> int:
    return sum(request.status == status for request in page.requests)


def cron(stage: Stage) -> list[Grade]:
    """Runs in quick succession: P23."""
    if not stage.cron:  # there are no runs between which anything could be forgotten
        return [Grade("P23", None, "only where cron starts it")]
    stage.interval = 60.0
    origins = [stage.origin() for _ in range(4)]
    calm, refusing, dated, other = origins
    pages = {
        "max-age": calm.page("/fresh").serve(
            FEED, etag='"a"', headers={"Cache-Control": "max-age=600"}
        ),
        "429": refusing.page("/429").always(Answer(429, {"Retry-After": "600"})),
        "503": dated.page("/503").always(Answer(503, {"Retry-After": now(600)})),
        "410": other.page("/410").always(Answer(410)),
    }
    down = other.page("/down").down()
    for page, origin in zip(pages.values(), origins, strict=True):
        stage.visit(page, origin=origin)
    stage.visit(down, origin=other)
    for _ in range(4):
        stage.finish(stage.start())
    found = [f"{name}: {p.count - 1} early" for name, p in pages.items() if p.count > 1]
    found += [f"{name}: never asked" for name, p in pages.items() if not p.count]
    polls = sum(bool(run.of(down.requests)) for run in stage.runs)
    found += [f"no back-off: asked in {polls} of 4 runs"] if polls > 2 else []
    return [faults("P23", found, "0 early in 4 runs (max-age, Retry-After, back-off, 410)")]
