"""P1–P8 and P17–P19: what stands in a request, and what the client keeps of an answer."""

from __future__ import annotations

import itertools
import re
import time
from email.utils import formatdate

from tests.conformance.grading import SLACK, Grade, after_first, faults, plain, text
from tests.conformance.stage import Stage
from tests.feeds import Report, incidentio
from tests.origin import Answer, Origin, Page, Request
from tests.origin.message import Script

FEED = incidentio(Report("AAA"))
ETAGS = {
    "/strong": '"plain"',
    "/weak": 'W/"weak"',
    "/comma": '"a,b, c"',
    "/quote": 'W/"it\'s"',
    "/gzip": '"x-gzip"',
    "/bare": "unquoted",
}
FORMATS = {
    "/imf": "%a, %d %b %Y %H:%M:%S GMT",
    "/rfc850": "%A, %d-%b-%y %H:%M:%S GMT",
    "/asctime": "%a %b %e %H:%M:%S %Y",
    "/zone": "%a, %d %b %Y %H:%M:%S +0000",
    "/lower": "%a, %d %b %Y %H:%M:%S gmt",
    "/words": "yesterday",
}
NAMED = re.compile(r"^[^\s/()]+/\S+.*https?://\S+")  # product/version, and where to ask about it
CONTACT = "ops@example.test"
CONDITIONS = ("if-none-match", "if-modified-since")
EMPTY = (b"", b'""')


def first_contact(stage: Stage) -> list[Grade]:
    """A page that never changes, over a kill and restarts: P1, P17, P18, P19."""
    origin = stage.origin()
    stage.contact = CONTACT
    page = origin.page("/feed").serve(FEED, etag='"a"', last_modified=now())
    stage.visit(page)
    stage.poll(page)
    stage.cut(lambda: page.count >= 2)
    stage.poll(page, times=3)
    later = after_first(page.requests)
    first = plain(page.requests) - plain(later)
    odd = sorted({f"{r.method} {r.path}" for r in origin.log if r.path != "/feed"})
    odd += sorted({f"{r.method} /feed" for r in page.requests if r.method != "GET"})
    odd += [f"{len(n)} requests in one run" for run in stage.runs if _many(n := run.of(origin.log))]
    odd += [] if page.count else ["nothing asked"]
    many = stage.cron or len(odd) == len(origin.log)
    return [
        Grade(
            "P1",
            first <= 1 and not plain(later) and len(later) >= 2,
            f"{plain(later)} of {len(later)} further requests unconditional",
        ),
        faults("P17", odd if many else [o for o in odd if "in one run" not in o], "only GET /feed"),
        _encodings(origin),
        _agent(origin, wants_contact=stage.client.tells),
    ]


def _many(requests: list[Request]) -> bool:
    return len(requests) > 1


def _encodings(origin: Origin) -> Grade:
    offers = {text(request.header("accept-encoding")) for request in origin.log}
    good = bool(offers) and all("gzip" in offer for offer in offers)
    return Grade("P18", good, "offers " + " / ".join(offers))


def _agent(origin: Origin, *, wants_contact: bool) -> Grade:
    agents = {text(request.header("user-agent")) for request in origin.log}
    good = bool(agents) and all(NAMED.match(agent) for agent in agents)
    if wants_contact:  # its configuration has a place for one
        good = good and all(CONTACT in agent for agent in agents)
    return Grade("P19", good, " / ".join(agents)[:90])


def echoes(stage: Stage) -> list[Grade]:
    """Pages with all sorts of validators: P2, P3, P4."""
    origin = stage.origin()
    for path, etag in ETAGS.items():
        origin.page(path).serve(FEED, etag=etag, gzip=path == "/gzip")
    dates = {path: time.strftime(form, time.gmtime()) for path, form in FORMATS.items()}
    dates["/lower"] = dates["/lower"].lower()
    dates["/both"] = now()
    for path in FORMATS:
        origin.page(path).serve(FEED, last_modified=dates[path])
    both = origin.page("/both").serve(FEED, etag='"both"', last_modified=dates["/both"])
    none = origin.page("/none").serve(FEED)
    pages = [both, none, *(origin.page(path) for path in (*ETAGS, *FORMATS))]
    stage.visit(*pages)
    stage.poll(*pages, times=4)
    return [
        faults("P2", *_echoed(origin, "if-none-match", {**ETAGS, "/both": '"both"'})),
        faults("P3", *_echoed(origin, "if-modified-since", dates)),
        faults("P4", *_combined(origin, none)),
    ]


def _echoed(origin: Origin, field: str, given: dict[str, str]) -> tuple[list[str], str]:
    found, sent = [], 0
    for path, value in given.items():
        values = [_validator(request, field) for request in after_first(origin.requests(path))]
        seen = {text(each) for each in values if each is not None}
        sent += sum(each is not None for each in values)
        if not seen:
            found.append(f"{value} never sent")
        found += [f"{value} sent as {each}" for each in sorted(seen) if each != value]
    for request in origin.log:
        if request.path not in given and (extra := _validator(request, field)) is not None:
            found.append(f"{field} invented for {request.path}: {text(extra)}")
    return found, f"{sent} sent, all byte for byte"


def _validator(request: Request, field: str) -> bytes | None:
    """A validator that was sent; an empty one is P4's business."""
    return None if (value := request.header(field)) in EMPTY else value


def _combined(origin: Origin, none: Page) -> tuple[list[str], str]:
    found, seen = [], 0
    kinds = dict.fromkeys(ETAGS, (True, False)) | dict.fromkeys(FORMATS, (False, True))
    kinds |= {"/both": (True, True), none.path: (False, False)}
    for path, wanted in kinds.items():
        later = after_first(origin.requests(path))
        sets = {
            (r.header("if-none-match") is not None, r.header("if-modified-since") is not None)
            for r in later
            if r.conditional
        }
        if wanted == (False, False):
            sets |= {wanted} if later else set()
        seen += len(later)
        names = {(True, False): "ETag", (False, True): "date", (True, True): "both"}
        sent = "/".join(sorted(names.get(each, "nothing") for each in sets)) or "nothing"
        if sets != {wanted}:
            found.append(f"{path[1:]}: given {names.get(wanted, 'nothing')}, sent {sent}")
    empty = [r for r in origin.log for n in CONDITIONS if r.header(n) in EMPTY]
    return found + ["an empty validator sent"] * bool(empty), f"{seen} requests with what was given"


def touches(stage: Stage) -> list[Grade]:
    """A page touched, one whose ETag alone moves, one whose Last-Modified alone moves: P5, P6."""
    origin = stage.origin()
    new = incidentio(Report("AAA", message="Found it."))
    then, later = now(-1), now()
    scripts = {
        "/touch": ((FEED, '"1"', then), (FEED, '"2"', later)),
        "/etag": ((FEED, '"1"', then), (new, '"2"', then)),
        "/date": ((FEED, '"1"', then), (new, '"1"', later)),
    }
    for path, (version, _) in scripts.items():
        origin.page(path).always(_exact(*version))
    pages = [origin.page(path) for path in scripts]
    stage.visit(*pages)
    stage.poll(*pages, times=2)
    stage.restart(kill=False)
    before = {page.path: page.count for page in pages}
    for path, (_, version) in scripts.items():
        origin.page(path).always(_exact(*version))
    stage.poll(*pages, times=4)
    full = {
        page.path: sum(request.status == 200 for request in page.requests[before[page.path] :])
        for page in pages
    }
    asked = min(page.count - before[page.path] for page in pages)
    return [
        Grade(
            "P5",
            asked >= 3 and full["/touch"] <= 1,
            f"{full['/touch']} full answers in {asked} polls after a touch",
        ),
        Grade(
            "P6",
            asked >= 3 and full["/etag"] <= 1 and full["/date"] <= 1,
            f"{full['/etag']} full answers to a new ETag, {full['/date']} to a new Last-Modified",
        ),
    ]


def _exact(body: str, etag: str, date: str) -> Script:
    """A server that says 304 only to its newest validators, each that is sent looked at."""

    def answer(request: Request) -> Answer:
        given = {request.header(name) for name in CONDITIONS} - {None}
        fields = {"ETag": etag, "Last-Modified": date}
        newest = bool(given) and given <= {etag.encode(), date.encode()}
        return Answer(304 if newest else 200, fields, body)

    return answer


def news_of_a_304(stage: Stage) -> list[Grade]:
    """304s that carry newer validators, or freshness: P7."""
    origin = stage.origin()
    then, later = now(-1), now()
    tag = origin.page("/tag").serve(FEED, etag='"1"')
    date = origin.page("/date").serve(FEED, etag='W/"1"', last_modified=then)
    fresh = origin.page("/fresh").serve(FEED, etag='"1"')
    stage.visit(tag, date, fresh)
    stage.poll(tag, date, fresh, times=2)  # what is wrong with the first two is P1's business
    tag.always(_unmodified({"ETag": '"2"'}))
    date.always(_unmodified({"ETag": 'W/"1"', "Last-Modified": later}))
    fresh.always(_unmodified({"ETag": '"1"', "Cache-Control": "max-age=4"}))
    before = {page.path: page.count for page in (tag, date, fresh)}
    # The first 304, and the one or two polls after it that must know what it said.
    stage.poll(tag, date, times=2)
    stage.poll(tag, date, times=2)
    found = []
    for page in (tag, date, fresh):
        bare = plain(page.requests[before[page.path] :])
        found += [f"{bare} unconditional after a 304"] if bare else []
    newest = [text(r.header("if-none-match")) for r in tag.requests[before["/tag"] + 1 :]]
    found += [f"ETag of the 304 not taken over: {set(newest)}"] if '"2"' not in newest else []
    since = [text(r.header("if-modified-since")) for r in date.requests[before["/date"] + 1 :]]
    found += ["Last-Modified of the 304 not taken over"] if later not in since else []
    asked = fresh.requests[before["/fresh"] :]
    early = sum(later.at < each.at + 3 - SLACK for each, later in itertools.pairwise(asked))
    found += [f"{early} requests within the max-age of a 304"] if early else []
    return [faults("P7", found, "newer ETag, date and max-age taken over, 0 second requests")]


def _unmodified(fields: dict[str, str]) -> Script:
    return lambda request: Answer(304 if request.conditional else 200, fields, FEED)


def failures(stage: Stage) -> list[Grade]:
    """Each way to fail, with a validator that must not stick: P8."""
    origin = stage.origin()
    then = now(-1)
    poison = {"ETag": '"poison"', "Last-Modified": now()}
    zipped = {**poison, "Content-Encoding": "gzip"}
    ways = {
        "/500": Answer(500, poison, FEED),
        "/503": Answer(503, poison, FEED),
        "/404": Answer(404, poison, FEED),
        "/429": Answer(429, poison),
        "/reset": Answer(reset=True),
        "/cut": Answer(200, poison, FEED, cut=300),
        "/chunked": Answer(200, poison, FEED, cut=300, framing="chunked"),
        "/gzip": Answer(200, zipped, b"\x1f\x8brubbish"),
        "/html": Answer(200, poison, "<!doctype html><html><p>Please log in</p></html>"),
        "/xml": Answer(200, poison, FEED[:-40]),
        "/empty": Answer(200, poison, b""),
    }
    pages = [origin.page(path).serve(FEED, etag='"good"', last_modified=then) for path in ways]
    # Last in any order, for clients that ask one page after the other.
    slow = origin.page("/yanked").serve(FEED, etag='"good"', last_modified=then)
    stage.visit(*pages, slow)
    stage.poll(*pages, slow, times=2)
    first = {page.path: page.count for page in (*pages, slow)}
    for page in pages:
        page.always(ways[page.path])
    slow.then(Answer(200, poison, FEED, drip=(200, 20.0)))
    stage.cut(lambda: slow.count > first["/yanked"] and all(p.count > first[p.path] for p in pages))
    asked = {page.path: page.count for page in (*pages, slow)}
    for page in pages:
        page.serve(FEED, etag='"good"', last_modified=then)
    again = stage.until(lambda: all(p.count > asked[p.path] for p in (*pages, slow)), 12)
    if stage.cron:
        stage.poll()
    found = [] if again else ["a page was not asked again"]
    found += [f"{path[1:]} never met" for path in asked if asked[path] == first[path]]
    sent = {page.path: _conditions(page, first[page.path]) for page in (*pages, slow)}
    good = {b'"good"', then.encode()} & {value for each in sent.values() for value in each}
    for path, values in sent.items():
        found += (
            [f"lost after {path[1:]}"] if not good or (None in values and len(good) == 2) else []
        )
        found += [f"poisoned by {path[1:]}"] if values - good - {None} else []
    return [faults("P8", found, f"0 lost, 0 poisoned in {len(ways) + 1} ways to fail")]


def _conditions(page: Page, since: int) -> set[bytes | None]:
    """The validators of its requests from that one on; None where a request lacked one."""
    return {r.header(name) for r in page.requests[since:] for name in CONDITIONS}


def now(offset: float = 0.0) -> str:
    """An HTTP-date so many seconds from now.

    What is young never looks fresh to a client that guesses at freshness: that is P9's business.
    """
    return formatdate(time.time() + offset, usegmt=True)
