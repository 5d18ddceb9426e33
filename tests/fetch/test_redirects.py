"""Redirects: followed beneath the cache, permanent ones reported, none of them a leak."""

from __future__ import annotations

import pytest

from efficient_status.errors import Moved
from efficient_status.fetch import Fetched, Fetcher
from efficient_status.fetch.wire import FetchLimits
from tests.fetch.onion import FEED, poll, polls, rows, run, sources, trusting
from tests.origin import Answer, Origin


@pytest.mark.parametrize(
    ("status", "remembered"), [(301, True), (308, True), (302, False), (303, False), (307, False)]
)
def test_redirects_are_followed_and_permanent_ones_reported(
    origin: Origin, status: int, remembered: bool
) -> None:
    """The poll succeeds either way; only 301 and 308 say that the page has moved (P13)."""
    origin.page("/old").redirect("/new", status)
    origin.page("/new").serve(FEED, etag='"a"')

    first, second = polls(origin.url("/old"), 2)

    assert isinstance(first, Fetched)
    assert isinstance(second, Fetched)
    assert (first.source, second.source) == ("changed", "unchanged")
    assert first.moved_to == (origin.url("/new") if remembered else "")
    assert origin.requests("/new")[1].header("if-none-match") == b'"a"'


def test_only_the_leading_permanent_hops_are_a_move(origin: Origin) -> None:
    """301 → 302 → feed: the page lives where the 301 led."""
    origin.page("/a").redirect("/b", 301)
    origin.page("/b").redirect("/c", 302)
    origin.page("/c").serve(FEED)

    (answer,) = polls(origin.url("/a"), 1)

    assert isinstance(answer, Fetched)
    assert answer.moved_to == origin.url("/b")


def test_a_loop_is_named(origin: Origin) -> None:
    """It ends as soon as a place is met twice."""
    origin.page("/a").redirect("/b", 302)
    origin.page("/b").redirect("/a", 302)

    (answer,) = polls(origin.url("/a"), 1)

    assert isinstance(answer, Moved)
    assert "loop" in str(answer)
    assert len(origin.log) == 2


def test_there_is_an_end_to_redirects(origin: Origin) -> None:
    """Five hops, configurable, then an error that says so."""
    for n in range(9):
        origin.page(f"/{n}").redirect(f"/{n + 1}", 302)

    (five,) = polls(origin.url("/0"), 1)
    (two,) = polls(origin.url("/0"), 1, limits=FetchLimits(redirects=2))

    assert "more than 5 redirects" in str(five)
    assert "more than 2 redirects" in str(two)
    assert len(origin.log) == 6 + 3


@pytest.mark.parametrize("target", ["ftp://example.test/x", "file:///etc/passwd", "http://", ":::"])
def test_only_http_is_followed(origin: Origin, target: str) -> None:
    """Another scheme, or no address at all, is an error."""
    origin.page("/a").redirect(target, 302)

    (answer,) = polls(origin.url("/a"), 1)

    assert sources([answer]) in (["Moved"], ["Refused"])


def test_https_never_falls_back_to_http(origin: Origin) -> None:
    """A redirect to plain http is refused, not followed."""
    with Origin(tls=True) as secure:
        secure.page("/a").redirect(origin.url("/feed"), 301)
        origin.page("/feed").serve(FEED)

        (answer,) = polls(secure.url("/a"), 1, tls=trusting(secure))

    assert isinstance(answer, Moved)
    assert "https to http" in str(answer)
    assert origin.log == []


def test_https_falls_back_to_http_where_the_user_allows_it(origin: Origin) -> None:
    """`follow_to_http = true` is an explicit wish."""
    with Origin(tls=True) as secure:
        secure.page("/a").redirect(origin.url("/feed"), 302)
        origin.page("/feed").serve(FEED)

        limits = FetchLimits(follow_to_http=True)
        (answer,) = polls(secure.url("/a"), 1, tls=trusting(secure), limits=limits)

    assert isinstance(answer, Fetched)
    assert len(origin.log) == 1


def test_credentials_never_cross_to_another_origin(origin: Origin) -> None:
    """Basic credentials of the URL go to its own origin only, and never into messages (P16)."""
    with Origin() as other:
        url = origin.url("/a").replace("http://", "http://user:secret@")
        origin.page("/a").redirect("/b", 302)
        origin.page("/b").redirect(other.url("/c"), 302)
        other.page("/c").redirect("/c", 302)

        (answer,) = polls(url, 1)

        assert [request.header("authorization") for request in origin.log] == [
            b"Basic dXNlcjpzZWNyZXQ="
        ] * 2
        assert [request.header("authorization") for request in other.log] == [None]
    assert "secret" not in str(answer)


def test_a_place_that_answers_304_for_another_is_not_believed_for_long(origin: Origin) -> None:
    """If a redirect leads elsewhere and that place says «unchanged», the next poll is in full."""
    page = origin.page("/a").redirect("/b", 302)
    origin.page("/b").serve(FEED, etag='W/"1"')
    origin.page("/c").serve(FEED + "<!-- another -->", etag='W/"1"')

    async def work(fetcher: Fetcher) -> list[str]:
        answers = [await poll(fetcher, origin.url("/a"))]
        page.redirect("/c", 302)
        answers += [await poll(fetcher, origin.url("/a")) for _ in range(2)]
        return sources(answers)

    assert run(work) == ["changed", "unchanged", "changed"]


def test_a_redirect_without_a_place_is_a_refusal(origin: Origin) -> None:
    """A 302 that lacks Location is an answer we cannot use."""
    origin.page("/a").always(Answer(302))

    (answer,) = polls(origin.url("/a"), 1)

    assert "HTTP 302" in str(answer)


@pytest.mark.parametrize(("caching", "left"), [("max-age=0", 1), ("no-store", 0)])
def test_a_page_that_moves_with_every_poll_leaves_nothing_behind(
    origin: Origin, caching: str, left: int
) -> None:
    """Only its newest place is remembered, in memory and on disk."""
    page = origin.page("/a")

    async def work(fetcher: Fetcher) -> tuple[int, int, int]:
        url = origin.url("/a")
        for number in range(5):
            page.then(Answer(301, {"Location": f"/a?{number}"}))
            page.serve(FEED, etag='"a"', headers={"Cache-Control": caching})
            answer = await poll(fetcher, url)
            assert isinstance(answer, Fetched)
            fetcher.move(url, answer.moved_to)
            url = answer.moved_to
        return len(fetcher._prepared), len(fetcher.store._stored), rows(fetcher)

    assert run(work) == (1, left, left)


def test_what_came_last_from_where_a_page_has_moved_is_what_is_stored(origin: Origin) -> None:
    """Whatever is stored of that place already, by a run that was killed, say, gives way."""
    origin.page("/a").redirect("/b", 301)
    page = origin.page("/b").serve(FEED, etag='"1"')

    async def work(fetcher: Fetcher) -> bytes | None:
        await poll(fetcher, origin.url("/b"))
        page.serve(FEED + "<!-- newer -->", etag='"2"')
        await poll(fetcher, origin.url("/a"))
        fetcher.move(origin.url("/a"), origin.url("/b"))
        assert rows(fetcher) == 1
        return fetcher.stored_document(origin.url("/b"))

    assert run(work) == f"{FEED}<!-- newer -->".encode()
