"""The network's moods: what is said of them, what is asked in them, and how they end."""

from __future__ import annotations

import asyncio
import re
import socket
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from efficient_status.errors import Moved, PageError, Refused, Unreachable, Unreadable
from efficient_status.models import Pacing
from tests.app import App, until
from tests.faults.hours import Loop, Sky, most_at_once, watch
from tests.feeds import Report, incidentio
from tests.fetch.onion import trusting
from tests.origin import Answer, Origin

HOUR = 3_600.0
PAGES = [f"https://status{number}.example.test/feed" for number in range(60)]
AWAY = Unreachable("its name cannot be resolved")
MOODS: dict[str, list[PageError]] = {
    "offline": [AWAY],
    "HTML on every page": [Unreadable("expected a feed, got an HTML page")],
    "redirects that lead nowhere": [Moved("redirects in a loop")],
    "sign in first": [Refused("HTTP 511", status=511)],
    "no such page": [Refused("HTTP 404", status=404)],
    "one after the other": [AWAY, Unreadable("HTML"), Moved("loop"), Refused("403", status=403)],
}


def outage(begin: float, end: float, moods: list[PageError]) -> Sky:
    """No page can be read in between, for these reasons in turn."""

    def weather(url: str, now: float) -> PageError | None:
        return moods[int(now / 50) % len(moods)] if begin <= now < end else None

    return Sky(weather)


@pytest.mark.parametrize("mood", MOODS)
def test_hours_without_a_network_are_two_lines_and_end_without_a_herd(
    mood: str, caplog: pytest.LogCaptureFixture
) -> None:
    """Each page is asked ever more rarely; then all are read again within an interval, spread."""
    begin, end = 300.0, 300.0 + 3 * HOUR
    sky = outage(begin, end, MOODS[mood])

    watch(sky, PAGES, end + 2 * HOUR)

    assert [re.split(r"[,(]", line)[0] for line in caplog.messages] == [
        "no page can be read",
        "pages can be read again",
    ]
    during = [at for at, _ in sky.asked if begin <= at < end]
    assert len(during) <= len(PAGES) * (3 * HOUR / 300 + 3)
    back = min(at for at, _ in sky.read if at >= end)
    after = [(at, url) for at, url in sky.read if back <= at <= back + 60.1]
    assert {url for _, url in after} == set(PAGES)
    assert most_at_once((at for at, _ in after), 6) <= 2 * len(PAGES) / 10
    later = [url for at, url in sky.read if back + 60.1 < at < back + 60.1 + HOUR / 2]
    assert {later.count(url) for url in PAGES} <= {29, 30, 31}


def test_polls_that_are_under_way_when_the_network_returns_are_no_news(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """They fail a little later all the same; nobody is named, and nobody waits for it."""
    end = 4_020.0
    sky = outage(300, end, [AWAY])
    sky.took = 30.0

    watch(sky, PAGES, 2 * HOUR)

    assert len(caplog.messages) == 2
    back = min(at for at, _ in sky.read if at >= end)
    assert len([at for at, _ in sky.asked if back - sky.took < at < end]) > 5
    assert {url for at, url in sky.read if back <= at <= back + 90.1} == set(PAGES)


@pytest.mark.parametrize(
    "error",
    [Refused("HTTP 503", status=503, retry_after=7_200), Refused("HTTP 500", status=500)],
    ids=["asked for rest", "in trouble"],
)
def test_what_a_server_says_outlasts_the_outage(error: PageError) -> None:
    """The end of an outage wakes no page whose server asked for rest, or is itself in trouble."""
    one = PAGES[0]
    sky = Sky(lambda url, now: (error if url == one else AWAY) if now < HOUR else None)

    watch(sky, PAGES, 3 * HOUR)

    waits = [later - at for at, later in pairwise(sky.of(one))]
    if error.retry_after:
        assert waits[0] >= 7_200
    else:
        failing = [wait for at, wait in zip(sky.of(one), waits, strict=False) if at < HOUR]
        assert all(later >= 1.9 * wait for wait, later in pairwise(failing))
        assert failing[-1] > 1_800


def test_what_is_fresh_shows_no_network(caplog: pytest.LogCaptureFixture) -> None:
    """Pages that need no request are no answers: nine of ten away is still one line."""
    fresh = set(PAGES[::10])
    watch(Sky(lambda url, now: "fresh" if url in fresh else AWAY), PAGES, HOUR)

    (line,) = caplog.messages
    assert line.startswith("no page can be read, is there a network?")


def test_a_dead_page_before_and_after_an_outage(caplog: pytest.LogCaptureFixture) -> None:
    """It is named once, with its reason; the outage is two lines more."""
    dead = PAGES[7]
    sky = Sky(lambda url, now: AWAY if url == dead or HOUR <= now < 2 * HOUR else None)

    watch(sky, PAGES, 3 * HOUR)

    assert [re.split(r"[,(]| its| cannot", line)[0] for line in caplog.messages] == [
        f"{dead}:",
        "no page can be read",
        "pages can be read again",
    ]
    waits = [later - at for at, later in pairwise(sky.of(dead))]
    assert sum(wait < 300 for wait in waits[5:]) <= 1  # the one poll that the return was worth


def test_a_page_that_dies_in_an_outage_is_named_after_it(caplog: pytest.LogCaptureFixture) -> None:
    """As soon as others can be read and it cannot."""
    dead = PAGES[7]
    sky = Sky(lambda url, now: AWAY if now > HOUR and (now < 2 * HOUR or url == dead) else None)

    watch(sky, PAGES, 2 * HOUR + 360)

    assert len(caplog.messages) == 3
    assert caplog.messages[2].startswith(f"{dead}: cannot be read: {AWAY}; next attempt in ")


def test_reasons_that_change_are_one_line(caplog: pytest.LogCaptureFixture) -> None:
    """A page that fails now so, now so, is named once, and once when it is back."""
    moods = MOODS["one after the other"]
    bad = PAGES[3]
    sky = Sky(lambda url, now: moods[int(now / 50) % 4] if url == bad and now < HOUR else None)

    watch(sky, PAGES[:5], 3 * HOUR)

    assert len(caplog.messages) == 2
    assert caplog.messages[0].startswith(f"{bad}: cannot be read: ")
    assert caplog.messages[1] == f"{bad}: can be read again"


def test_started_before_the_network_is_up(caplog: pytest.LogCaptureFixture) -> None:
    """A boot: the first polls fail, nothing is said, and each page is read within two intervals."""
    sky = outage(0, 25, [AWAY])

    watch(sky, PAGES, 300)

    assert caplog.messages == []
    assert {url for at, url in sky.read if at <= 125} == set(PAGES)


def test_started_in_an_outage_that_an_earlier_run_knew(caplog: pytest.LogCaptureFixture) -> None:
    """Every page comes with failures; it is one line at once, and one when it is over."""
    sky = outage(0, HOUR, [AWAY])

    watch(sky, PAGES, 2 * HOUR, pacing=lambda url: Pacing(failures=9, wait=300.0))

    assert len(caplog.messages) == 2


def test_a_machine_that_slept_asks_no_faster(caplog: pytest.LogCaptureFixture) -> None:
    """Every poll is late then; each page is asked at its own place in the interval, once."""
    sky = Sky(lambda url, now: None)
    woke: list[float] = []

    def sleep(loop: Loop) -> None:
        def suspend() -> None:
            loop.suspend(8 * HOUR)
            woke.append(loop.time())

        loop.call_later(333, suspend)

    watch(sky, PAGES, 9 * HOUR, meanwhile=sleep)

    after = [(at, url) for at, url in sky.asked if woke[0] <= at <= woke[0] + 60.1]
    assert {url for _, url in after} == set(PAGES)
    assert most_at_once((at for at, _ in after), 6) <= 2 * len(PAGES) / 10


def test_places_that_pages_have_moved_to_survive_an_outage() -> None:
    """They are forgotten only where others can be read: the old place may know a newer one."""
    one, two = (f"{url}/new" for url in PAGES[:2])

    def left(sky: Sky) -> list[str]:
        pages = watch(sky, PAGES[:2], 2 * HOUR, pacing=lambda url: Pacing(moved_to=f"{url}/new"))
        return [page.pacing.moved_to for page in pages]

    assert left(outage(60, HOUR, [AWAY])) == [one, two]
    assert left(Sky(lambda url, now: AWAY if url == two else None)) == [one, ""]


def test_a_captive_portal_leaves_no_trace(caplog: pytest.LogCaptureFixture) -> None:
    """301 to a page of its own, with an ETag: nothing is remembered of it, and two lines are said."""
    with Origin() as origin, Origin() as portal:
        portal.page("/login").serve("<!doctype html><html><p>Room?</p></html>", etag='"portal"')
        pages = [origin.page(f"/{n}").serve(FEED, etag=f'"{n}"') for n in range(4)]

        async def work() -> None:
            app = App(*(origin.url(page.path) for page in pages), interval=0.05)

            async def script() -> None:
                await until(lambda: all(page.count > 1 for page in pages))
                for page in pages:
                    page.redirect(portal.url("/login"), 301)
                await until(lambda: caplog.messages)
                for n, page in enumerate(pages):
                    page.serve(FEED, etag=f'"{n}"')
                seen = len(origin.log)
                await until(lambda: all(page.requests[-1].status == 304 for page in pages))
                assert all(r.status in (301, 304) for r in origin.log[seen:])

            await app.watch_while(script)
            assert all(page.pacing.moved_to == "" for page in app.pages)
            assert len(app.told.events) == 4
            await app.close()

        asyncio.run(work())
        for n, page in enumerate(pages):
            later = page.requests[1:]
            assert {request.header("if-none-match") for request in later} == {f'"{n}"'.encode()}
        assert all(r.header("if-none-match") != b'"portal"' for r in portal.log)
    assert [re.split(r"[,(]", line)[0] for line in caplog.messages] == [
        "no page can be read",
        "pages can be read again",
    ]


FEED = incidentio(Report("AAA"))


def test_one_page_in_trouble_is_named_with_its_reason(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No such name, refused, reset, a certificate out of date: a line each, and one when back."""
    real = socket.getaddrinfo

    def resolve(host: Any, *rest: Any, **more: Any) -> Any:
        if host in ("gone.example.test", b"gone.example.test"):
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with Origin() as origin, Origin() as closed, Origin(tls=True, expired=True) as expired:
        origin.page("/good").serve(FEED, etag='"a"')
        for each in (closed, expired):
            each.page("/feed").serve(FEED, etag='"a"')
        origin.page("/reset").always(Answer(reset=True))
        bad = {
            "http://gone.example.test/feed": "name",
            closed.url("/feed"): "refused",
            origin.url("/reset"): "",
            expired.url("/feed"): "certificate",
        }
        closed.pause()

        async def work() -> None:
            app = App(origin.url("/good"), *bad, interval=0.05, tls=trusting(expired))
            for page in app.pages:  # the first poll of a failing page retries, which takes a while
                page.pacing = Pacing(failures=1, wait=0.15)

            async def script() -> None:
                await until(lambda: len(caplog.messages) == 4)
                closed.resume()
                origin.page("/reset").serve(FEED, etag='"a"')
                await until(lambda: len(caplog.messages) == 6)

            await app.watch_while(script)
            await app.close()

        asyncio.run(work())
    named, back = caplog.messages[:4], caplog.messages[4:]
    for url, reason in bad.items():
        (line,) = (line for line in named if line.startswith(f"{url}: cannot be read: "))
        assert reason in line
    urls = {closed.url("/feed"), origin.url("/reset")}
    assert set(back) == {f"{url}: can be read again" for url in urls}


def test_a_cron_run_counts_the_pages_that_it_asked(
    origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """What is held back shows no network: all that were asked failed, so it is one line."""
    held = origin.page("/held").serve(FEED, etag='"a"', headers={"Cache-Control": "max-age=300"})
    bad = [origin.page(f"/{n}").always(Answer(404)) for n in range(3)]
    urls = [origin.url(page.path) for page in bad]
    App(origin.url("/held"), folder=tmp_path).once()

    App(origin.url("/held"), *urls, folder=tmp_path).once()

    assert held.count == 1
    (line,) = caplog.messages
    assert line.startswith("none of the 3 pages can be read, is there a network? HTTP 404")
