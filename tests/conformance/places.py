"""P13, P14 and P16: where a page lives, what is there, and what travels along."""

from __future__ import annotations

import json

from tests.conformance.grading import Grade, faults
from tests.conformance.stage import Stage
from tests.conformance.validators import FEED
from tests.origin import Answer, Page

PERMANENT = (301, 308)
STATUSES = (301, 308, 302, 303, 307)
HTML = "<!doctype html><html><p>We have moved. Log in!</p></html>"


def moves(stage: Stage) -> list[Grade]:
    """Pages that were moved, for good or not, over restarts: P13."""
    origin = stage.origin()
    old = {status: origin.page(f"/old/{status}") for status in STATUSES}
    new = {status: origin.page(f"/new/{status}") for status in STATUSES}
    for status in STATUSES:
        old[status].redirect(f"/new/{status}", status)
        new[status].serve(FEED, etag='"a"')
    portal = origin.page("/portal").serve(HTML)
    astray = origin.page("/astray").redirect("/portal", 301)
    stage.visit(*old.values(), astray)
    stage.poll(*new.values())
    stage.restart(kill=True)
    stage.poll(*new.values(), times=2)
    stage.restart(kill=False)
    stage.poll(*new.values(), times=2)
    stage.until(lambda: portal.count >= 2, 8)
    found = []
    for status in STATUSES:
        asked, answered = old[status].count, new[status].count
        if answered < 3:
            found.append(f"{status} not followed: {answered} of {asked}")
        elif status in PERMANENT and asked > 3:
            found.append(f"{status} not remembered: old place asked {asked} times")
        elif status not in PERMANENT and asked < answered:
            found.append(f"{status} remembered: old place asked {asked} times of {answered}")
    if astray.count < portal.count:
        found.append("a 301 to something that is no feed was remembered")
    counts = "/".join(str(old[status].count) for status in STATUSES)
    return [faults("P13", found, f"old places of {'/'.join(map(str, STATUSES))} asked {counts}")]


def strays(stage: Stage) -> list[Grade]:
    """A feed's place holds something else for a while: P14."""
    origin, elsewhere = stage.origin(), stage.origin()
    pages = [
        origin.page(path).serve(FEED, etag=f'"good{path}"')
        for path in ("/moved", "/html", "/json", "/text")
    ]
    stage.visit(*pages)
    stage.poll(*pages, times=2)
    first = {page.path: page.count for page in pages}
    portal = elsewhere.page("/portal").serve(HTML, etag='"portal"')
    moved, html, other, text = pages
    moved.redirect(elsewhere.url("/portal"), 301)
    html.always(Answer(200, {"ETag": '"html"'}, HTML))
    other.always(Answer(200, {"ETag": '"json"'}, '{"error": "moved"}'))
    text.always(Answer(200, {"ETag": '"text"'}, "This page has moved.\n"))
    asked = stage.until(lambda: all(page.count >= first[page.path] + 2 for page in pages))
    stage.restart(kill=True)
    for page in pages:
        page.serve(FEED, etag=f'"good{page.path}"')
    gone, now = portal.count, {page.path: page.count for page in pages}
    back = stage.until(lambda: all(page.count >= now[page.path] + 1 for page in pages), 9)
    found = [] if asked and back else ["a page was not asked again"]
    for page in pages:
        later = page.requests[first[page.path] :]
        wanted = f'"good{page.path}"'.encode()
        wrong = sum(request.header("if-none-match") != wanted for request in later)
        found += [f"validators of {page.path} lost in {wrong} requests"] if wrong else []
    found += [f"{portal.count - gone} requests to the wrong place"] if portal.count > gone else []
    if not stage.client.tells:
        return [faults("P14", found, "validators kept (events not looked at)")]
    found += _false_events(stage, pages)
    return [faults("P14", found, f"0 false events, validators of {len(pages)} pages kept")]


def _false_events(stage: Stage, pages: list[Page]) -> list[str]:
    events = [json.loads(line) for line in stage.told()]
    known = sum(event.get("incident", "").endswith("AAA") for event in events)
    false = len(events) - known
    found = [f"{false} false events"] if false else []
    return found + ([f"{known} events of {len(pages)} incidents"] if known > len(pages) else [])


def privacy(stage: Stage) -> list[Grade]:
    """Cookies, redirects, a query and credentials: P16."""
    origin, other = stage.origin(), stage.origin()
    cookie = {"Set-Cookie": "id=1; Path=/"}
    plain = origin.page("/feed").serve(FEED, headers=cookie)
    query = origin.page("/feed?b=2&a=1").serve(FEED, headers=cookie)
    hop = origin.page("/hop").always(Answer(302, {"Location": "/feed", **cookie}))
    secret = origin.page("/secret").always(Answer(302, {"Location": other.url("/far"), **cookie}))
    far = other.page("/far").serve(FEED, headers=cookie)
    stage.visit(plain, query, hop)
    stage.urls.append(origin.url("/secret").replace("//", "//user:pass%20word@"))
    stage.poll(plain, query, hop, far, times=3)
    found = []
    for request in (*origin.log, *other.log):
        for name in ("cookie", "referer"):
            value = request.header(name)
            found += [f"{name.title()} sent to {request.path}"] if value is not None else []
        if "?" in request.path and request.path != query.path:
            found.append(f"query added: {request.path}")
    for request in other.log:
        leaked = request.header("authorization") is not None
        leaked |= any(b"user" in v and b"pass" in v for _, v in request.headers)
        found += ["credentials crossed to another origin"] * leaked
    found += [] if query.count else ["query dropped or reordered"]
    found += [] if far.count and secret.count else ["redirect not followed"]
    found = list(dict.fromkeys(found))
    total = len(origin.log) + len(other.log)
    return [faults("P16", found, f"nothing of it in {total} requests")]
