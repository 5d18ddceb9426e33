"""Every trap of the stack that was measured, against the loopback origin.

Each test fails when its cure is taken out; the cure is named in its docstring.
"""

from __future__ import annotations

import asyncio
import gzip
import ssl
import threading
import time
from email.utils import formatdate
from importlib.metadata import requires
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from efficient_status.errors import Refused, Unreachable, Unreadable
from efficient_status.fetch import Fetched, Fetcher, cache, origins
from efficient_status.fetch.wire import FetchLimits
from tests.app import until
from tests.fetch.onion import FEED, door, poll, polls, rows, run, sources, trusting
from tests.origin import Answer, Origin, Request

DAY = 86_400
OLD = formatdate(time.time() - 30 * DAY, usegmt=True)
AHEAD = formatdate(time.time() + 3600, usegmt=True)


@pytest.mark.parametrize(
    ("validators", "headers"),
    [
        ({"last_modified": OLD}, {}),
        ({"last_modified": OLD, "etag": '"a"'}, {}),
        ({"last_modified": OLD, "etag": '"a"'}, {"Cache-Control": "private"}),
        ({"last_modified": OLD, "etag": '"a"'}, {"Cache-Control": "public"}),
        ({"last_modified": OLD, "etag": '"a"'}, {"Cache-Control": "must-revalidate"}),
        ({"last_modified": OLD, "etag": '"a"'}, {"Cache-Control": "s-maxage=300"}),
        ({"last_modified": OLD, "etag": '"a"'}, {"Cache-Control": "max-age=60x"}),
        ({"last_modified": OLD}, {"Pragma": "no-cache"}),
        ({"etag": '"a"'}, {"Expires": "0"}),
        ({"etag": '"a"'}, {"Vary": "*", "Cache-Control": "max-age=0"}),
        ({"etag": '"a"'}, {"Vary": "Cookie", "Set-Cookie": "a=b"}),
    ],
)
def test_heuristic_freshness_is_never_used(
    origin: Origin, validators: dict[str, Any], headers: dict[str, str]
) -> None:
    """An old Last-Modified does not blind us: every poll is asked (guard: explicit max-age)."""
    page = origin.page("/feed").serve(FEED, headers=headers, **validators)

    answers = polls(origin.url("/feed"), 4)

    assert sources(answers) == ["changed", "unchanged", "unchanged", "unchanged"]
    assert [request.conditional for request in page.requests] == [False, True, True, True]


@pytest.mark.slow
def test_a_missing_or_absurd_date_never_pins_an_answer(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With max-age=1 the page is asked again after a second (guard: our clock as Date).

    Even where the monotonic clock stands still, as in a machine that sleeps.
    """
    monkeypatch.setattr(cache, "time", SimpleNamespace(monotonic=lambda: 0.0))
    headers = {"Cache-Control": "max-age=1"}
    for number, date in enumerate((None, AHEAD, "rubbish")):
        origin.page(f"/{number}").serve(FEED, etag='"a"', headers=headers, date=date)

    async def work(fetcher: Fetcher) -> list[str]:
        urls = [origin.url(f"/{number}") for number in range(3)]
        answers = [await poll(fetcher, url) for url in urls * 2]
        await asyncio.sleep(2.05)  # hishel counts whole seconds
        answers += [await poll(fetcher, url) for url in urls]
        return sources(answers)

    assert run(work) == ["changed"] * 3 + ["fresh"] * 3 + ["unchanged"] * 3


def test_age_is_subtracted_from_freshness(origin: Origin) -> None:
    """max-age=60 of which 50 s were spent in a shared cache leaves 10 s."""
    headers = {"Cache-Control": "max-age=60", "Age": "50"}
    origin.page("/feed").serve(FEED, etag='"a"', headers=headers)

    (answer,) = polls(origin.url("/feed"), 1)

    assert isinstance(answer, Fetched)
    assert answer.fresh == 10


_REFUSALS = [
    Answer(status, headers)
    for status in (403, 404, 410, 429, 500, 501, 503)
    for headers in ({"Cache-Control": "max-age=60"}, {"Cache-Control": "private"}, {"ETag": '"x"'})
]


@pytest.mark.parametrize("refusal", _REFUSALS, ids=lambda a: f"{a.status}-{dict(a.headers)}")
def test_refusals_are_never_stored_and_clear_nothing(origin: Origin, refusal: Answer) -> None:
    """After an error the next poll is conditional on the last good body (errors raise beneath)."""
    page = origin.page("/feed").serve(FEED, etag='"good"')

    async def work(fetcher: Fetcher) -> list[str]:
        answers = [await poll(fetcher, origin.url("/feed"))]
        page.then(refusal, refusal)
        answers += [await poll(fetcher, origin.url("/feed"), may_retry=False) for _ in range(3)]
        assert rows(fetcher) == 1
        return sources(answers)

    kind = "Gone" if refusal.status == 410 else "Refused"
    assert run(work) == ["changed", kind, kind, "unchanged"]
    assert [request.header("if-none-match") for request in page.requests[1:]] == [b'"good"'] * 3


def test_redirects_pile_up_nothing(origin: Origin) -> None:
    """A permanent redirect followed fifty times leaves one entry (followed beneath the cache)."""
    origin.page("/old").redirect("/feed", 308)
    origin.page("/feed").serve(FEED, etag='"a"')

    async def work(fetcher: Fetcher) -> int:
        for _ in range(50):
            await poll(fetcher, origin.url("/old"))
        return rows(fetcher)

    assert run(work) == 1


@pytest.mark.parametrize(
    ("first", "second", "on_304"),
    [
        ('W/"1"', 'W/"2"', {}),
        ('W/"1"', 'W/"2"', {"Last-Modified": formatdate(usegmt=True)}),
        ('"1"', '"2"', {"ETag": '"other"'}),
        ('"1"', '"2"', {"ETag": '"2-gzip"'}),
        ('"1"', '"2"', {"ETag": 'W/"2"'}),
    ],
)
def test_after_a_change_there_is_one_request_a_poll_and_one_entry(
    origin: Origin, first: str, second: str, on_304: dict[str, str]
) -> None:
    """No 304 drops the entry or costs a second GET, whatever it carries (guard, one entry)."""
    page = origin.page("/feed").serve(FEED, etag=first)

    def later(request: Request) -> Answer:
        if request.header("if-none-match") == first.encode():
            return Answer(200, {"ETag": second}, FEED.replace("looking", "still looking"))
        return Answer(304, on_304)

    async def work(fetcher: Fetcher) -> list[str]:
        answers = [await poll(fetcher, origin.url("/feed"))]
        page.always(later)
        answers += [await poll(fetcher, origin.url("/feed")) for _ in range(4)]
        assert rows(fetcher) == 1
        return sources(answers)

    assert run(work) == ["changed", "changed", "unchanged", "unchanged", "unchanged"]
    assert page.count == 5
    assert all(request.conditional for request in page.requests[1:])


def test_last_modified_that_moves_with_every_answer_costs_one_request_a_poll(
    origin: Origin,
) -> None:
    """A weak ETag with a Last-Modified that moves: 304 each time, never a plain GET."""
    page = origin.page("/feed")

    def answer(_: Request) -> Answer:
        stamp = formatdate(1_700_000_000 + page.count, usegmt=True)
        headers = {"ETag": 'W/"1"', "Last-Modified": stamp}
        return Answer(304 if page.count > 1 else 200, headers, FEED)

    page.always(answer)

    answers = polls(origin.url("/feed"), 5)

    assert sources(answers) == ["changed", *["unchanged"] * 4]
    assert page.count == 5


def test_many_changes_leave_one_entry(origin: Origin) -> None:
    """The newest representation replaces the one before (one entry per URL)."""
    page = origin.page("/feed")

    async def work(fetcher: Fetcher) -> int:
        for version in range(200):
            page.serve(f"{FEED}<!-- {version} -->", etag=f'"{version}"')
            await poll(fetcher, origin.url("/feed"))
        return rows(fetcher)

    assert run(work) == 1
    asked = [request.header("if-none-match") for request in page.requests]
    assert asked == [None, *(f'"{n}"'.encode() for n in range(199))]


@pytest.mark.parametrize(
    "etag", ['"plain"', 'W/"weak"', '"with,comma"', '"x-gzip"', "unquoted", b'"\xe9t\xe9"']
)
def test_validators_go_back_byte_for_byte(origin: Origin, etag: str | bytes) -> None:
    """The guard sends the bytes of the wire, not what hishel made of them (P2, P3)."""
    odd_date = "Tuesday, 03-Mar-26 09:00:00 GMT"
    page = origin.page("/feed").serve(FEED, etag=etag, last_modified=odd_date)

    polls(origin.url("/feed"), 2)

    raw = etag if isinstance(etag, bytes) else etag.encode()
    assert page.requests[1].header("if-none-match") == raw
    assert page.requests[1].header("if-modified-since") == odd_date.encode()


def test_validators_survive_a_restart(origin: Origin, tmp_path: Path) -> None:
    """A page is asked unconditionally once in its life (P1)."""
    page = origin.page("/feed").serve(FEED, etag='W/"1"', last_modified=OLD)

    for _ in range(3):
        polls(origin.url("/feed"), 1, cache=tmp_path / "cache.sqlite3")

    assert [request.conditional for request in page.requests] == [False, True, True]


@pytest.mark.parametrize("kind", ["h1", "tls", "h2"])
def test_unread_304s_keep_the_connection(kind: str) -> None:
    """Fifteen polls use one connection (bodies are read beneath the cache)."""
    with Origin(tls=kind != "h1", http2=kind == "h2") as origin:
        origin.page("/feed").serve(FEED, etag='"a"')
        options = {} if kind == "h1" else {"tls": trusting(origin)}

        answers = polls(origin.url("/feed"), 15, **options)

        assert sources(answers) == ["changed", *["unchanged"] * 14]
        assert origin.connections == 1
        version = "HTTP/2" if kind == "h2" else "HTTP/1.1"
        assert {request.version for request in origin.log} == {version}


def test_connections_outlive_the_interval() -> None:
    """httpx drops idle connections after 5 s; ours are kept for minutes."""

    async def work(fetcher: Fetcher) -> float:
        return door(fetcher)._keepalive

    assert run(work) >= 600


_ZIPPED = gzip.compress(FEED.encode())


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Answer(200, {"ETag": '"b"'}, FEED, cut=200), Unreachable),
        (Answer(200, {"ETag": '"b"'}, FEED, cut=200, framing="chunked"), Unreachable),
        (Answer(200, {"ETag": '"b"'}, FEED, reset=True), Unreachable),
        (Answer(200, {"ETag": '"b"', "Content-Encoding": "gzip"}, _ZIPPED[:-40]), Unreadable),
        (Answer(200, {"ETag": '"b"', "Content-Encoding": "gzip"}, b"\x1f\x8brubbish"), Unreadable),
        (Answer(200, {"ETag": '"b"', "Content-Encoding": "br"}, b"\x1b\x03"), Unreadable),
    ],
    ids=["length", "chunked", "reset", "gzip-cut", "gzip-corrupt", "brotli"],
)
def test_a_body_that_is_not_whole_leaves_no_validator(
    origin: Origin, answer: Answer, error: type[Exception]
) -> None:
    """Truncated and corrupt bodies are failures; the last good validators stay (P8)."""
    page = origin.page("/feed").serve(FEED, etag='"a"')

    async def work(fetcher: Fetcher) -> list[object]:
        answers: list[object] = [await poll(fetcher, origin.url("/feed"))]
        page.then(answer, *[answer] * answer.reset)  # a reset may have met an idle connection
        answers.append(await poll(fetcher, origin.url("/feed"), may_retry=False))
        answers.append(await poll(fetcher, origin.url("/feed")))
        return answers

    _, failed, last = run(work)
    assert isinstance(failed, error)
    assert isinstance(last, Fetched)
    assert last.source == "unchanged"
    assert page.requests[-1].header("if-none-match") == b'"a"'


def test_a_drip_of_bytes_does_not_extend_the_deadline(origin: Origin) -> None:
    """httpx has no total time-out; a poll ends at its deadline all the same."""
    origin.page("/feed").always(Answer(200, body=FEED, drip=(1, 0.02)))
    started = time.monotonic()

    (answer,) = polls(origin.url("/feed"), 1, limits=FetchLimits(seconds=0.3))

    assert isinstance(answer, Unreachable)
    assert "0.3 s" in str(answer)
    assert time.monotonic() - started < 3  # the one retry included


def test_only_gzip_is_offered_and_a_bomb_is_refused_within_bounds(origin: Origin) -> None:
    """100 KB that hold 100 MiB end at the limit (own decoder over raw bytes)."""
    bomb = gzip.compress(bytes(100 * 1024 * 1024))
    page = origin.page("/feed").always(Answer(200, {"Content-Encoding": "gzip"}, bomb))

    (answer,) = polls(origin.url("/feed"), 1)

    assert isinstance(answer, Unreadable)
    assert "limit of 8,388,608 bytes" in str(answer)
    assert page.requests[0].header("accept-encoding") == b"gzip"


def test_a_body_larger_than_the_wire_limit_is_refused(origin: Origin) -> None:
    """Reading stops at the limit."""
    origin.page("/feed").always(Answer(200, body=b"x" * 200_000))

    (answer,) = polls(origin.url("/feed"), 1, limits=FetchLimits(wire_bytes=100_000))

    assert isinstance(answer, Unreadable)
    assert "100,000 bytes" in str(answer)


@pytest.mark.parametrize("http2", [False, True])
def test_cancelled_polls_do_not_eat_the_pool(http2: bool) -> None:
    """After many deadlines the next poll still gets a connection (transport thrown away)."""
    with Origin(http2=http2) as origin:
        page = origin.page("/feed").serve(FEED, etag='"a"')
        options: dict[str, Any] = {"tls": trusting(origin)} if http2 else {}

        async def work(fetcher: Fetcher) -> list[str]:
            answers = [await poll(fetcher, origin.url("/feed"))]
            page.then(*[Answer(hang=True)] * 6)
            answers += [await poll(fetcher, origin.url("/feed"), may_retry=False) for _ in range(6)]
            for _ in range(6):
                page.then(Answer(hang=True))
                before = page.count
                task = asyncio.create_task(fetcher.fetch(origin.url("/feed")))
                while page.count == before:
                    await asyncio.sleep(0.005)
                task.cancel()
                await asyncio.wait([task])
            answers.append(await poll(fetcher, origin.url("/feed")))
            return sources(answers)

        limits = FetchLimits(seconds=0.15)
        expected = ["changed", *["Unreachable"] * 6, "unchanged"]
        assert run(work, limits=limits, **options) == expected


@pytest.mark.parametrize(
    ("http2", "how"),
    [(False, "fin"), (False, "rst"), (True, "fin"), (True, "goaway"), (True, "silent")],
)
def test_a_connection_closed_while_idle_is_no_failure(http2: bool, how: Any) -> None:
    """It is met before the next request, or sent once more on a new connection (P21)."""
    with Origin(http2=http2) as origin:
        page = origin.page("/feed").serve(FEED, etag='"a"')
        options: dict[str, Any] = {"tls": trusting(origin)} if http2 else {}

        async def work(fetcher: Fetcher) -> list[str]:
            answers = []
            for _ in range(4):
                answers.append(await poll(fetcher, origin.url("/feed"), may_retry=False))
                await asyncio.to_thread(origin.close_idle, how)
            return sources(answers)

        assert run(work, **options) == ["changed", *["unchanged"] * 3]
        assert page.count == 4


def test_large_bodies_over_one_http2_connection_never_stall() -> None:
    """Bodies are read to the end: a connection's window is credited back (httpcore#943)."""
    with Origin(http2=True) as origin:
        page = origin.page("/feed")
        body = f"{FEED}<!--{'x' * 2_000_000}-->"

        async def work(fetcher: Fetcher) -> list[str]:
            answers = []
            for version in range(12):
                page.serve(body, etag=f'"{version}"')
                answers.append(await poll(fetcher, origin.url("/feed")))
            return sources(answers)

        assert run(work, tls=trusting(origin), limits=FetchLimits(seconds=5)) == ["changed"] * 12
        assert origin.connections == 1


def test_a_retry_stays_conditional(origin: Origin) -> None:
    """tenacity works beneath hishel: both attempts carry If-None-Match, the poll succeeds."""
    page = origin.page("/feed").serve(FEED, etag='"a"')

    async def work(fetcher: Fetcher) -> list[str]:
        answers = [await poll(fetcher, origin.url("/feed"))]
        page.then(Answer(503, {"Cache-Control": "max-age=60"}))
        answers.append(await poll(fetcher, origin.url("/feed")))
        return sources(answers)

    assert run(work) == ["changed", "unchanged"]
    assert [request.status for request in page.requests] == [200, 503, 304]
    assert [request.header("if-none-match") for request in page.requests[1:]] == [b'"a"'] * 2


@pytest.mark.parametrize(
    ("answer", "requests"),
    [
        (Answer(500), 2),
        (Answer(502), 2),
        (Answer(503), 2),
        (Answer(504), 2),
        (Answer(408), 2),
        (Answer(reset=True), 2),
        (Answer(503, {"Retry-After": "1"}), 1),
        (Answer(429), 1),
        (Answer(401), 1),
        (Answer(403), 1),
        (Answer(404), 1),
        (Answer(410), 1),
        (Answer(418), 1),
    ],
    ids=lambda value: str(getattr(value, "status", value)),
)
def test_at_most_one_retry_and_none_where_it_would_be_rude(
    origin: Origin, answer: Answer, requests: int
) -> None:
    """P12: one more attempt for passing failures, none for refusals."""
    page = origin.page("/feed").always(answer)

    polls(origin.url("/feed"), 1)

    assert page.count == requests


def test_a_page_that_is_failing_gets_one_attempt_a_poll(origin: Origin) -> None:
    """Once in back-off, the poll itself is the retry."""
    page = origin.page("/feed").down()

    run(lambda fetcher: poll(fetcher, origin.url("/feed"), may_retry=False))

    assert page.count == 1


def test_many_tasks_share_the_retry_policy_without_mixing_attempts(origin: Origin) -> None:
    """Each call gets its own copy (tenacity#93): twenty pages, exactly two attempts each."""
    pages = [origin.page(f"/{n}").down() for n in range(20)]

    async def work(fetcher: Fetcher) -> None:
        await asyncio.gather(*(poll(fetcher, origin.url(page.path)) for page in pages))

    run(work)
    assert [page.count for page in pages] == [2] * 20


def test_a_cancelled_poll_is_not_retried(origin: Origin) -> None:
    """CancelledError ends the poll at once."""
    page = origin.page("/feed").always(Answer(hang=True))

    async def work(fetcher: Fetcher) -> bool:
        task = asyncio.create_task(fetcher.fetch(origin.url("/feed")))
        while not page.count:
            await asyncio.sleep(0.005)
        task.cancel()
        await asyncio.wait([task], timeout=1)
        return task.cancelled()

    assert run(work)
    assert page.count == 1


def test_retry_after_is_seen_beneath_the_cache(origin: Origin) -> None:
    """hishel shows a 304 as 200 and hides the wire; the error carries what the server said."""
    origin.page("/feed").always(Answer(429, {"Retry-After": "120"}))

    (answer,) = polls(origin.url("/feed"), 1)

    assert isinstance(answer, Refused)
    assert (answer.status, answer.retry_after) == (429, 120)


def test_a_304_costs_no_sql_no_thread_and_no_body(origin: Origin, tmp_path: Path) -> None:
    """The storage answers from memory on the loop's own thread."""
    origin.page("/feed").serve(FEED, etag='"a"', headers={"Cache-Control": "max-age=0"})

    async def work(fetcher: Fetcher) -> list[str]:
        await poll(fetcher, origin.url("/feed"))
        statements: list[str] = []
        fetcher.store._database.connection.set_trace_callback(statements.append)
        threads = threading.active_count()
        answers = [await poll(fetcher, origin.url("/feed")) for _ in range(10)]
        assert sources(answers) == ["unchanged"] * 10
        assert threading.active_count() == threads
        return statements

    assert run(work, cache=tmp_path / "cache.sqlite3") == []


def test_one_pool_per_origin_and_one_tls_context() -> None:
    """A shared pool is quadratic in its origins; a context costs 15 ms and 900 KiB."""
    with Origin(http2=True) as first, Origin(http2=True) as second, Origin() as third:
        for origin in (first, second, third):
            origin.page("/feed").serve(FEED, etag='"a"')
        made: list[ssl.SSLContext] = []

        def make() -> ssl.SSLContext:
            made.append(trusting(first, second)())
            return made[-1]

        async def work(fetcher: Fetcher) -> int:
            await poll(fetcher, third.url("/feed"))
            assert not made  # plain http does not pay for TLS
            answers = [await poll(fetcher, o.url("/feed")) for o in (first, second) * 2]
            assert sources(answers) == ["changed", "changed", "unchanged", "unchanged"]
            return len(door(fetcher)._origins)

        assert run(work, tls=make) == 3
        assert len(made) == 1


def test_sniffio_is_declared_and_there() -> None:
    """httpcore pays 0.1 ms a poll for not finding it."""
    import sniffio  # noqa: F401 - that it can be imported is the point

    assert any(each.startswith("sniffio") for each in requires("efficient-status") or [])


def test_no_store_is_taken_literally(origin: Origin) -> None:
    """Nothing is stored, validators included, and every poll is answered in full."""
    headers = {"Cache-Control": "no-store, max-age=60"}
    page = origin.page("/feed").serve(FEED, etag='"a"', headers=headers)

    async def work(fetcher: Fetcher) -> int:
        answers = [await poll(fetcher, origin.url("/feed")) for _ in range(3)]
        assert sources(answers) == ["changed"] * 3
        return rows(fetcher)

    assert run(work) == 0
    assert not any(request.conditional for request in page.requests)


def test_a_304_without_being_asked_for_is_a_failure(origin: Origin) -> None:
    """Nothing was stored, so there is nothing that could be unchanged."""
    origin.page("/feed").always(Answer(304))

    (answer,) = polls(origin.url("/feed"), 1)

    assert isinstance(answer, Refused)
    assert "304" in str(answer)


def test_newer_validators_of_a_304_are_taken_over(origin: Origin) -> None:
    """P7: what a 304 says of itself is what the next request sends."""
    page = origin.page("/feed").serve(FEED, etag='"a"')

    async def work(fetcher: Fetcher) -> None:
        await poll(fetcher, origin.url("/feed"))
        page.then(Answer(304, {"ETag": '"b"', "Last-Modified": OLD}))
        page.always(Answer(304))
        for _ in range(2):
            await poll(fetcher, origin.url("/feed"))

    run(work)
    assert page.requests[2].header("if-none-match") == b'"b"'
    assert page.requests[2].header("if-modified-since") == OLD.encode()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"etag": '"1"', "last_modified": OLD}, {"etag": '"2"', "last_modified": OLD}),
        ({"etag": '"1"'}, {"last_modified": OLD}),
        ({"last_modified": OLD}, {"etag": '"2"'}),
    ],
)
def test_validators_are_replaced_independently_even_for_an_equal_body(
    origin: Origin, first: dict[str, Any], second: dict[str, Any]
) -> None:
    """P5, P6: a touched page costs one extra 200."""
    page = origin.page("/feed").serve(FEED, **first)

    async def work(fetcher: Fetcher) -> list[str]:
        answers = [await poll(fetcher, origin.url("/feed"))]
        page.serve(FEED, honour=False, **second)
        answers.append(await poll(fetcher, origin.url("/feed")))
        page.serve(FEED, **second)
        answers.append(await poll(fetcher, origin.url("/feed")))
        return sources(answers)

    assert run(work) == ["changed", "changed", "unchanged"]
    last = page.requests[2]
    etag, modified = second.get("etag"), second.get("last_modified")
    assert last.header("if-none-match") == (etag.encode() if etag else None)
    assert last.header("if-modified-since") == (modified.encode() if modified else None)


def test_a_document_that_was_no_feed_does_not_displace_the_last_good_one(origin: Origin) -> None:
    """A captive portal's 200 leaves body and validators as they were (published after reading)."""
    page = origin.page("/feed").serve(FEED, etag='"good"')

    async def work(fetcher: Fetcher) -> str:
        await poll(fetcher, origin.url("/feed"))
        page.then(Answer(200, {"ETag": '"portal"'}, "<html>log in</html>"))
        fetcher.discard(await fetcher.fetch(origin.url("/feed")))
        answer = await poll(fetcher, origin.url("/feed"))
        assert isinstance(answer, Fetched)
        return (fetcher.document(answer) or b"").decode()

    assert run(work) == FEED
    assert page.requests[2].header("if-none-match") == b'"good"'


def test_a_lost_body_is_asked_for_in_full(origin: Origin) -> None:
    """A damaged row is forgotten, not believed."""
    page = origin.page("/feed").serve(FEED, etag='"a"')

    async def work(fetcher: Fetcher) -> None:
        await poll(fetcher, origin.url("/feed"))
        with fetcher.store._database.connection as database:
            database.execute("UPDATE page SET body = x'00'")
        fetched = await fetcher.fetch(origin.url("/feed"))
        assert fetcher.document(fetched) is None
        await poll(fetcher, origin.url("/feed"))

    run(work)
    assert [request.conditional for request in page.requests] == [False, True, False]


def test_a_broken_cache_file_is_set_aside_and_polling_goes_on(
    origin: Origin, tmp_path: Path
) -> None:
    """hishel's own storage would pay a full 200 and two tracebacks a poll for ever."""
    path = tmp_path / "cache.sqlite3"
    path.write_bytes(b"this is not a database, but long enough to be taken for one" * 40)
    page = origin.page("/feed").serve(FEED, etag='"a"')

    for _ in range(2):
        polls(origin.url("/feed"), 1, cache=path)

    assert [request.conditional for request in page.requests] == [False, True]


def test_nobody_is_told_more_than_needed(origin: Origin) -> None:
    """P16, P17, P19: one GET, no cookie, no referer, no query; we say who we are."""
    page = origin.page("/feed").serve(FEED, etag='"a"', headers={"Set-Cookie": "a=b"})

    polls(origin.url("/feed"), 2, contact="ops@example.test")

    for request in page.requests:
        assert (request.method, request.path) == ("GET", "/feed")
        for name in ("cookie", "referer", "cache-control", "authorization"):
            assert request.header(name) is None
        agent = request.header("user-agent") or b""
        assert agent.startswith(b"efficient-status/")
        assert b"(+http" in agent
        assert b"ops@example.test" in agent


def test_a_hundred_pages_at_once_each_keep_their_own(origin: Origin) -> None:
    """Twice at the same time: each page has its own entry and validators."""
    for n in range(100):
        origin.page(f"/{n}").serve(FEED.replace("01A", f"01A{n}"), etag=f'"{n}"')

    async def work(fetcher: Fetcher) -> list[str]:
        answers = []
        for _ in range(2):
            waiting = [poll(fetcher, origin.url(f"/{n}")) for n in range(100)]
            answers += await asyncio.gather(*waiting)
        return sources(answers)

    assert run(work) == ["changed"] * 100 + ["unchanged"] * 100


def test_closing_leaves_no_connection(origin: Origin) -> None:
    """The transports are closed with the fetcher."""
    origin.page("/feed").serve(FEED, etag='"a"')

    polls(origin.url("/feed"), 2)

    deadline = time.monotonic() + 2
    while origin.open_connections and time.monotonic() < deadline:
        time.sleep(0.01)
    assert origin.open_connections == 0


@pytest.mark.parametrize("http2", [False, True])
def test_tls_sessions_are_resumed_on_reconnect(http2: bool) -> None:
    """Every connection after the first is a resumption (a context that remembers sessions)."""
    with Origin(tls=True, http2=http2) as origin:
        origin.page("/feed").serve(FEED, etag='"a"')

        async def work(fetcher: Fetcher) -> list[str]:
            answers = []
            for _ in range(6):
                answers.append(await poll(fetcher, origin.url("/feed")))
                await asyncio.to_thread(origin.close_idle, "fin")
            return sources(answers)

        assert run(work, tls=trusting(origin)) == ["changed", *["unchanged"] * 5]
        assert origin.connections == 6
        assert origin.tls_resumed == 5


def test_a_session_is_resumed_after_we_closed_the_connection() -> None:
    """Beyond `connections` hosts a poll opens a connection, which need not be a whole handshake."""
    with Origin(tls=True) as first, Origin(tls=True) as second:
        for each in (first, second):
            each.page("/feed").serve(FEED, etag='"a"')

        async def work(fetcher: Fetcher) -> None:
            for _ in range(3):
                await poll(fetcher, first.url("/feed"))
                await poll(fetcher, second.url("/feed").replace("127.0.0.1", "localhost"))

        run(work, tls=trusting(first, second), connections=1)
        assert [each.connections for each in (first, second)] == [3, 3]
        assert [each.tls_resumed for each in (first, second)] == [2, 2]


def test_a_ticket_is_read_once_however_often_it_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each read of `SSLObject.session` leaks 6 KiB (python/cpython#116810)."""
    reads: list[int] = []
    real: Any = ssl.SSLObject.__dict__["session"]

    def session(connection: ssl.SSLObject) -> Any:
        reads.append(1)
        return real.__get__(connection)

    monkeypatch.setattr(ssl.SSLObject, "session", property(session, real.__set__))
    with Origin(tls=True) as origin:
        origin.page("/feed").serve(FEED, etag='"a"')

        async def work(fetcher: Fetcher) -> None:
            for _ in range(8):
                await poll(fetcher, origin.url("/feed"))
                await asyncio.to_thread(origin.close_idle, "fin")

        run(work, tls=trusting(origin))
        assert origin.tls_resumed == 7
    assert len(reads) == 1


def test_tls_sessions_are_never_offered_to_another_host() -> None:
    """A certificate that is right for one name is not taken for another."""
    with Origin(tls=True, tls_names=("127.0.0.1",)) as origin:
        origin.page("/feed").serve(FEED, etag='"a"')

        async def work(fetcher: Fetcher) -> list[str]:
            urls = [origin.url("/feed"), origin.url("/feed").replace("127.0.0.1", "localhost")]
            return sources([await poll(fetcher, url, may_retry=False) for url in urls])

        assert run(work, tls=trusting(origin)) == ["changed", "Unreachable"]
        assert origin.tls_resumed == 0


@pytest.mark.parametrize("how", ["deadline", "cancelled", "cut"])
def test_a_connection_without_a_whole_answer_is_closed(origin: Origin, how: str) -> None:
    """A deadline, a cancellation, a cut body: the next poll gets a connection of its own."""
    page = origin.page("/feed").serve(FEED, etag='"a"')

    async def work(fetcher: Fetcher) -> None:
        await poll(fetcher, origin.url("/feed"))
        (kept,) = door(fetcher)._origins.values()
        before = kept.idle
        page.then(Answer(200, body=FEED, cut=10) if how == "cut" else Answer(hang=True))
        task = asyncio.create_task(poll(fetcher, origin.url("/feed"), may_retry=False))
        while page.count < 2:
            await asyncio.sleep(0.005)
        if how == "cancelled":
            task.cancel()
        await asyncio.wait([task])
        assert before is not None
        assert before.is_closed()
        assert (kept.idle, kept.busy) == (None, 0)
        assert sources([await poll(fetcher, origin.url("/feed"))]) == ["unchanged"]

    run(work, limits=FetchLimits(seconds=0.3))
    assert origin.connections == 2


def test_the_shared_retry_policy_is_never_run_itself(origin: Origin) -> None:
    """Its statistics, which a run would write, stay empty (tenacity#93)."""
    origin.page("/feed").down()

    async def work(fetcher: Fetcher) -> dict[str, Any]:
        await poll(fetcher, origin.url("/feed"))
        attempts: Any = fetcher._cache.next_transport
        while not hasattr(attempts, "_retrying"):
            attempts = attempts._inner
        statistics: dict[str, Any] = attempts._retrying.statistics
        return statistics

    assert run(work) == {}


@pytest.mark.parametrize("http2", [False, True])
def test_a_connection_is_renewed_now_and_then(monkeypatch: pytest.MonkeyPatch, http2: bool) -> None:
    """h2 remembers every stream that it closed: what one connection gathers has an end."""
    monkeypatch.setattr(origins, "_ANSWERS", 3)
    with Origin(http2=http2) as origin:
        origin.page("/feed").serve(FEED, etag='"a"')
        trust = {"tls": trusting(origin)} if http2 else {}
        answers = polls(origin.url("/feed"), 7, **trust)

        assert sources(answers) == ["changed", *["unchanged"] * 6]
        assert origin.connections == 3


def test_an_origin_is_not_forgotten_between_two_exchanges(origin: Origin) -> None:
    """Its kept connection fails while more origins are in use than are kept: a new one is tried."""
    with Origin() as other:
        page = origin.page("/feed").serve(FEED, etag='"a"')
        hanging = other.page("/feed").always(Answer(hang=True))

        async def work(fetcher: Fetcher) -> tuple[list[str], list[int]]:
            answers = [await poll(fetcher, origin.url("/feed"))]
            asking = asyncio.create_task(poll(fetcher, other.url("/feed")))
            await until(lambda: hanging.count)
            page.then(Answer(reset=True))
            answers.append(await poll(fetcher, origin.url("/feed"), may_retry=False))
            asking.cancel()
            return sources(answers), [key[2] or 0 for key in door(fetcher)._origins]

        assert run(work, connections=1) == (["changed", "unchanged"], [other.port])


def test_idle_connections_are_bounded_and_the_longest_unused_goes_first(origin: Origin) -> None:
    """Beyond `connections` origins the one not used for longest is closed (LRU)."""
    with Origin() as second, Origin() as third:
        origins = (origin, second, third)
        for each in origins:
            each.page("/feed").serve(FEED, etag='"a"')

        async def work(fetcher: Fetcher) -> list[int]:
            for each in (*origins, second, third, origin):
                await poll(fetcher, each.url("/feed"))
            return [key[2] or 0 for key in door(fetcher)._origins]

        assert run(work, connections=2) == [third.port, origin.port]
        assert [each.connections for each in origins] == [2, 1, 1]
