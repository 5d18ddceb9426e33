"""What must hold over restarts and between the pages of a host, on real HTTP."""

from __future__ import annotations

import asyncio
import itertools
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from efficient_status import poller
from efficient_status.fetch import Gate
from efficient_status.models import Feed, Provider
from efficient_status.poller import Poll
from efficient_status.providers import read
from tests.app import App, cli, objects, until
from tests.feeds import Report, incidentio, minute
from tests.fetch.onion import rows
from tests.origin import Answer, Origin

FEED = incidentio(Report("AAA"))


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def once(origin: Origin, folder: Path, clock: Clock, *paths: str) -> dict[str, str]:
    """One cron run."""
    return App(
        *(origin.url(path) for path in paths), folder=folder, clock=clock, interval=60
    ).once()


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_holds_a_page_between_runs(origin: Origin, tmp_path: Path, status: int) -> None:
    """P10, P23: nothing is sent before it ends, whichever process learned of it."""
    clock = Clock()
    page = origin.page("/a").serve(FEED, etag='"a"').then(Answer(status, {"Retry-After": "600"}))
    counts = []
    for step in (0, 60, 300, 230, 20):
        clock.now += step
        once(origin, tmp_path, clock, "/a")
        counts.append(page.count)

    assert counts == [1, 1, 1, 1, 2]


def test_retry_after_of_one_page_holds_its_neighbours(origin: Origin, tmp_path: Path) -> None:
    """P10: the other pages of that host are left alone too."""
    clock = Clock()
    origin.page("/a").always(Answer(429, {"Retry-After": "600"}))
    origin.page("/b").serve(FEED, etag='"b"')
    once(origin, tmp_path, clock, "/a", "/b")
    before = len(origin.log)
    clock.now += 300
    once(origin, tmp_path, clock, "/a", "/b")

    assert origin.page("/a").count == 1
    assert len(origin.log) == before


def test_retry_after_of_a_page_that_moved_holds_its_new_neighbours(origin: Origin) -> None:
    """Its host is the one that it moved to, also in the run in which it moved."""
    with Origin(host="0.0.0.0") as other:
        there = f"http://127.1.1.1:{other.port}"
        for path in ("/a", "/b"):
            origin.page(path).redirect(f"{there}{path}", 301)
            other.page(path).serve(FEED)

        async def work() -> list[float]:
            app = App(*(origin.url(path) for path in ("/a", "/b", "/c")), clock=lambda: 1e9)
            for page in app.pages[:2]:
                await app.scheduler._poll(page)
            other.page("/a").always(Answer(503, {"Retry-After": "600"}))
            await app.scheduler._poll(app.pages[0])
            await app.close()
            return [page.pacing.not_before for page in app.pages]

        assert asyncio.run(work()) == [1e9 + 600, 1e9 + 600, 0]


def test_freshness_holds_a_cron_run_back(origin: Origin, tmp_path: Path) -> None:
    """P9, P23: max-age of a 200 and of a 304 is honoured by the next process."""
    clock = Clock()
    page = origin.page("/a").serve(FEED, etag='"a"', headers={"Cache-Control": "max-age=300"})
    counts = []
    for step in (0, 60, 200, 60, 60, 200, 60):
        clock.now += step
        once(origin, tmp_path, clock, "/a")
        counts.append(page.count)

    assert counts == [1, 1, 1, 2, 2, 2, 3]
    assert [request.status for request in page.requests] == [200, 304, 304]


def test_backoff_at_least_doubles_and_is_not_shortened_by_restarts(
    origin: Origin, tmp_path: Path
) -> None:
    """P11: runs every 10 s of a page that fails are asked ever more rarely."""
    clock = Clock()
    page = origin.page("/a").always(Answer(500))
    asked = []
    for _ in range(400):
        before = page.count
        once(origin, tmp_path, clock, "/a")
        if page.count > before:
            asked.append(clock.now)
        clock.now += 10

    gaps = [later - earlier for earlier, later in itertools.pairwise(asked)]
    assert gaps[0] >= 60
    assert all(later >= 1.9 * earlier for earlier, later in itertools.pairwise(gaps))
    assert len(gaps) >= 5


def test_gone_is_remembered_said_once_and_undone_by_another_feed(
    origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """P15: no request after 410, across restarts; a new address for the row begins anew."""
    clock = Clock()
    gone = origin.page("/old").always(Answer(410))
    new = origin.page("/new").serve(FEED, etag='"a"')
    for _ in range(3):
        row = Provider("mine", "Mine", origin.url("/old"))
        App(providers=[row], folder=tmp_path, clock=clock).once()
        clock.now += 100_000
    row = Provider("mine", "Mine", origin.url("/new"))
    App(providers=[row], folder=tmp_path, clock=clock).once()

    assert gone.count == 1
    assert new.count == 1
    assert sum("410" in message for message in caplog.messages) == 1


def test_a_missing_page_is_asked_once_a_day_after_the_third_time(
    origin: Origin, tmp_path: Path
) -> None:
    """P15: 404 slows down."""
    clock = Clock()
    page = origin.page("/a").always(Answer(404))
    for _ in range(3 * 24):
        once(origin, tmp_path, clock, "/a")
        clock.now += 3_600

    assert 3 <= page.count <= 3 + 3


def test_a_permanent_redirect_is_remembered_once_a_feed_was_read(
    origin: Origin, tmp_path: Path
) -> None:
    """P13: the old URL is asked at most twice more; validators move along."""
    clock = Clock()
    old = origin.page("/old").serve(FEED, etag='"a"')
    new = origin.page("/new").serve(FEED.replace("looking", "still looking"), etag='"b"')
    once(origin, tmp_path, clock, "/old")
    old.redirect("/new", 301)
    for _ in range(4):
        clock.now += 100
        once(origin, tmp_path, clock, "/old")

    assert old.count == 2
    assert new.count == 4
    assert [request.conditional for request in new.requests] == [True] * 4


def test_a_permanent_redirect_to_something_else_is_not_remembered(
    origin: Origin, tmp_path: Path
) -> None:
    """P14: «moved or broken», one reason, no event, old state and validators kept."""
    clock = Clock()
    old = origin.page("/old").serve(FEED, etag='"a"')
    origin.page("/portal").serve("<!doctype html><html><p>hello</p></html>", etag='"portal"')
    once(origin, tmp_path, clock, "/old")
    old.redirect("/portal", 301)
    clock.now += 100
    failures = once(origin, tmp_path, clock, "/old")
    old.serve(FEED, etag='"a"')
    clock.now += 1000
    assert once(origin, tmp_path, clock, "/old") == {}

    assert "HTML page" in failures[origin.url("/old")]
    assert old.requests[-1].status == 304


def test_who_comes_back_from_where_it_had_moved_leaves_nothing_there(origin: Origin) -> None:
    """A server that sends us away and then fails, again and again, fills no cache."""
    page = origin.page("/a")

    async def work() -> list[int]:
        app = App(origin.url("/a"))
        kept = []
        for number in range(3):
            page.then(Answer(301, {"Location": f"/a?{number}"})).serve(FEED, etag='"a"')
            await app.scheduler._poll(app.pages[0])
            assert app.pages[0].pacing.moved_to
            app.pages[0].pacing = replace(app.pages[0].pacing, failures=3)
            app.scheduler._forget_move(app.pages[0])
            assert app.pages[0].url == origin.url("/a")
            kept += [rows(app.fetcher), len(app.fetcher.store._stored), len(app.fetcher._prepared)]
        await app.close()
        return kept

    assert asyncio.run(work()) == [1, 1, 1] * 3
    assert [request.conditional for request in page.requests] == [False] * 2 + [True] * 4


def test_requests_to_one_host_are_a_second_apart_where_it_is_not_loopback() -> None:
    """P20: the default, and none on loopback."""
    assert Gate()._spacing_for("status.example.test") == 1.0
    assert Gate()._spacing_for("127.0.0.1") == 0.0
    assert Gate(2.5)._spacing_for("127.0.0.1") == 2.5


def test_host_spacing_is_kept_by_the_command(origin: Origin, tmp_path: Path) -> None:
    """Given explicitly, it holds on loopback too, redirects and retries included."""
    origin.page("/a").redirect("/b", 302)
    origin.page("/b").serve(FEED)
    origin.page("/c").down()
    feeds = [each for path in ("/a", "/c") for each in ("--feed", origin.url(path))]

    cli(tmp_path, "--once", "--host-spacing", "0.3", *feeds)

    times = [request.at for request in origin.log]
    assert len(times) == 4
    assert all(b - a > 0.28 for a, b in itertools.pairwise(times))


def test_a_page_asked_rarely_by_its_row_is_asked_rarely(origin: Origin) -> None:
    """A row's own interval is longer than the command line's."""
    often = origin.page("/often").serve(FEED, etag='"a"')
    rare = origin.page("/rare").serve(FEED, etag='"a"')
    row = Provider("rare", "Rare", origin.url("/rare"), interval=5.0)

    async def work() -> None:
        app = App(origin.url("/often"), providers=[row], interval=0.05)
        await app.watch_while(lambda: until(lambda: rare.count and often.count > 10))
        await app.close()

    asyncio.run(work())
    assert rare.count == 1


def test_one_page_that_hangs_disturbs_no_other(origin: Origin) -> None:
    """Promise 4."""
    origin.page("/hangs").always(Answer(hang=True))
    good = origin.page("/good").serve(FEED, etag='"a"')

    async def work() -> None:
        app = App(origin.url("/hangs"), origin.url("/good"), interval=0.05)
        await app.watch_while(lambda: until(lambda: good.count > 8))
        await app.close()

    asyncio.run(work())


def test_a_bug_in_reading_one_page_disturbs_no_other(
    origin: Origin, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said as what it is, without a traceback."""
    from efficient_status import poller, providers

    real = providers.read

    def broken(document: bytes, *args: object, **options: object) -> object:
        if b"BAD" in document:
            raise ZeroDivisionError("oh")
        return real(document, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(poller, "read", broken)
    origin.page("/bad").serve(FEED.replace("AAA", "BAD"), etag='"a"')
    origin.page("/good").serve(FEED, etag='"a"')
    app = App(origin.url("/bad"), origin.url("/good"))

    failures = app.once()

    assert list(failures) == [origin.url("/bad")]
    assert "a bug in efficient_status (ZeroDivisionError: oh)" in failures[origin.url("/bad")]
    assert len(app.told.events) == 1
    assert not any("Traceback" in message for message in caplog.messages)


def test_an_event_that_cannot_be_written_is_told_by_the_next_poll(origin: Origin) -> None:
    """A full disk under stdout: not remembered, so not lost."""
    origin.page("/a").serve(FEED, etag='"a"')

    async def work() -> list[tuple[str, str, str]]:
        app = App(origin.url("/a"))

        def full(event: object) -> None:
            raise OSError(28, "No space left on device")

        app.told.fail = full
        assert (await app.scheduler._poll(app.pages[0])).outcome == "untold"
        app.told.fail = lambda event: None
        app.pages[0].pacing = type(app.pages[0].pacing)()
        await app.scheduler._poll(app.pages[0])
        await app.close()
        return app.told.short

    assert asyncio.run(work()) == [("new", "AAA", "investigating")]


@pytest.mark.slow
def test_when_every_page_fails_it_is_one_line_about_the_network(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Promise 5: not a hundred lines, and one when it is over."""
    with Origin() as origin:
        for n in range(20):
            origin.page(f"/{n}").serve(incidentio(Report(f"A{n}", at=minute(n))), etag=True)
        origin.pause()

        async def work() -> None:
            app = App(*(origin.url(f"/{n}") for n in range(20)), interval=0.1)

            async def script() -> None:
                await until(lambda: caplog.messages)
                await asyncio.sleep(0.3)
                origin.resume()
                await until(lambda: len(app.told.events) == 20, 20)

            await app.watch_while(script)
            await app.close()

        asyncio.run(work())
    assert len(caplog.messages) == 2, caplog.messages
    assert "no page can be read, is there a network?" in caplog.messages[0]
    assert caplog.messages[1] == "pages can be read again"


def test_offline_with_once_names_every_page_in_one_line(tmp_path: Path) -> None:
    """Exit 1, one line, each page named with the reason."""
    with Origin() as origin:
        urls = [origin.url(f"/{n}") for n in range(5)]
    done = cli(tmp_path, "--once", *(each for url in urls for each in ("--feed", url)))

    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert all(url in line for url in urls)
    assert "refused" in line


def test_json_of_a_poll_has_every_key(origin: Origin, tmp_path: Path) -> None:
    """The contract's keys, all present, in order."""
    origin.page("/a").serve(FEED, etag='"a"')

    done = cli(tmp_path, "--once", "--format", "json", "--feed", origin.url("/a"))

    (event,) = objects(done.stdout)
    assert list(event) == [
        "event", "provider", "provider_name", "incident", "title", "kind", "state", "impact",
        "product", "components", "message", "url", "started_at", "updated_at", "seen_at",
    ]  # fmt: skip
    assert event["provider"] == origin.url("/a")
    assert event["provider_name"] == "Example AI"
    assert event["components"] == ["Chat"]
    assert event["url"] == "https://status.example.test/incidents/AAA"
    assert event["updated_at"] == "2026-03-04T09:00:00Z"


def test_a_server_that_ignores_validators_is_asked_ever_more_rarely(
    origin: Origin, caplog: pytest.LogCaptureFixture
) -> None:
    """The same body again and again, though we sent its ETag; until something changes."""
    page = origin.page("/a").serve(FEED, etag='"a"', honour=False)
    caplog.set_level("DEBUG", "efficient_status")

    async def work() -> None:
        app = App(origin.url("/a"), interval=0.02)

        async def script() -> None:
            await until(lambda: page.count >= 7)
            page.serve(incidentio(Report("BBB", at=minute(9)), Report("AAA")), etag='"b"')
            await until(lambda: len(app.told.events) == 2)
            before = page.count
            await until(lambda: page.count > before + 9, 2)  # stretched it would be 3 s

        await app.watch_while(script)
        await app.close()

    asyncio.run(work())
    times = [request.at for request in page.requests[:7]]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert gaps[5] > 3 * gaps[1]
    assert any("sends all of it though nothing changed, 3 times" in m for m in caplog.messages)


def test_ignored_validators_hold_no_cron_run_back(origin: Origin, tmp_path: Path) -> None:
    """Our own thrift is nothing that the server asked for."""
    clock = Clock()
    page = origin.page("/a").serve(FEED, etag='"a"', honour=False)
    for _ in range(6):
        once(origin, tmp_path, clock, "/a")
        clock.now += 1

    assert page.count == 6


def test_a_large_document_is_read_beside_the_loop(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Megabytes of tags take seconds, which no other page has to wait for."""
    threads: list[bool] = []

    def noting(document: bytes, *others: Any, **more: Any) -> Feed:
        threads.append(threading.current_thread() is threading.main_thread())
        return read(document, *others, **more)

    monkeypatch.setattr(poller, "read", noting)
    small = incidentio(Report("AAA"))
    origin.page("/small").serve(small, etag=True)
    large = small.replace("</channel>", f"<!-- {'x' * 1_100_000} --></channel>").replace(
        "AAA", "BBB"
    )
    origin.page("/large").serve(large, etag=True)
    app = App(origin.url("/small"), origin.url("/large"))

    app.once()

    assert sorted(threads) == [False, True]
    assert sorted(app.told.short) == [
        ("new", "AAA", "investigating"),
        ("new", "BBB", "investigating"),
    ]


def test_whoever_looks_is_shown_each_poll_and_what_it_cost(origin: Origin) -> None:
    """Requests, bytes in both directions, and the outcome: of a first poll, a 304, a failure."""
    page = origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)
    app = App(origin.url("/feed"))
    seen: list[Poll] = []
    app.scheduler._observers = [lambda _page, poll: seen.append(poll)]

    async def work() -> None:
        for _ in range(2):
            await app.scheduler.once()
        page.always(Answer(404))
        await app.scheduler.once()
        await app.close()

    asyncio.run(work())
    wires = [poll.wire for poll in seen]

    assert [poll.outcome for poll in seen] == ["changed", "unchanged", "failed"]
    assert [wire.attempts for wire in wires if wire] == [1, 1, 1]
    assert [wire.status for wire in wires if wire] == [200, 304, 404]
    whole, unchanged, _ = [wire.bytes for wire in wires if wire]
    assert 300 < unchanged < 900  # the fields of request and answer
    assert whole - unchanged > 0.9 * len(FEED)
