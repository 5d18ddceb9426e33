"""Platforms where missing is all that says «over», and where each update is an item of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from efficient_status import poller, providers
from efficient_status.models import Feed
from tests.app import App
from tests.feeds import Report, incidentio, minute
from tests.origin import Answer, Origin

ONE, TWO = Report("AAA", at=minute(1)), Report("BBB", at=minute(2))


@pytest.fixture
def closing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read every feed as one whose absences close."""
    real = providers.read

    def read(*args: Any, **options: Any) -> Feed:
        return replace(real(*args, **options), absence_closes=True)

    monkeypatch.setattr(poller, "read", read)


def life(origin: Origin, folder: Path | None, steps: Iterable[list[Report]]) -> list[list[str]]:
    """What is told at each poll; every poll in a run of its own where there is a folder."""

    page, page_url = origin.page("/feed"), origin.url("/feed")

    async def work() -> list[list[str]]:
        app = App(page_url, folder=folder)
        told = []
        for reports in steps:
            page.serve(incidentio(*reports), etag=True)
            before = len(app.told.events)
            if folder is not None:
                events = app.told.events
                await app.close()
                app = App(page_url, folder=folder)
                app.told.events = events
            await app.scheduler._poll(app.pages[0])
            told.append([f"{event} {id_}" for event, id_, _ in app.told.short[before:]])
        await app.close()
        return told

    return asyncio.run(work())


@pytest.mark.usefixtures("closing")
@pytest.mark.parametrize("restarts", [False, True])
def test_missed_twice_is_over(origin: Origin, tmp_path: Path, restarts: bool) -> None:
    """Missed once is nothing, even if the document stays as it is; missed twice is `resolved`."""
    told = life(
        origin, tmp_path if restarts else None, [[TWO, ONE], [TWO], [TWO], [TWO], [], [], []]
    )

    assert told == [["new AAA", "new BBB"], [], ["resolved AAA"], [], [], ["resolved BBB"], []]
    assert [request.status for request in origin.log] == [200, 200, 304, 304, 200, 304, 304]


@pytest.mark.usefixtures("closing")
@pytest.mark.parametrize(
    ("lost", "outcomes"),
    [(False, ["changed", "unchanged", "unchanged"]), (True, ["unchanged", "changed", "unchanged"])],
)
def test_a_document_that_must_be_read_again_is_never_a_failure(
    origin: Origin, lost: bool, outcomes: list[str]
) -> None:
    """Another place says «unchanged», or the cache lost it: the page is asked in full next time."""
    page, elsewhere = origin.page("/feed"), origin.page("/elsewhere")
    elsewhere.always(
        lambda request: Answer(304 if request.conditional else 200, {}, incidentio(TWO))
    )

    async def work() -> tuple[list[str], list[tuple[str, str, str]]]:
        app = App(origin.url("/feed"))
        for reports in ([TWO, ONE], [TWO]):
            page.serve(incidentio(*reports), etag=True)
            await app.scheduler._poll(app.pages[0])
        if lost:
            app.fetcher.store._database.connection.execute("DELETE FROM page")
        else:
            page.redirect("/elsewhere", 302)
        polls = [await app.scheduler._poll(app.pages[0]) for _ in range(3)]
        assert [poll.error for poll in polls] == [None] * 3
        await app.close()
        return [poll.outcome for poll in polls], app.told.short[2:]

    assert asyncio.run(work()) == (outcomes, [("resolved", "AAA", "resolved")])


@pytest.mark.usefixtures("closing")
def test_missed_once_and_back_is_nothing(origin: Origin) -> None:
    """An edge that lacks an item for one poll closes nothing."""
    told = life(origin, None, [[TWO, ONE], [TWO], [TWO, ONE], [TWO], [TWO, ONE]])

    assert told == [["new AAA", "new BBB"], [], [], [], []]


def test_absence_closes_nowhere_else(origin: Origin) -> None:
    """Other feeds have short windows: what is missing there is only missing."""
    told = life(origin, None, [[TWO, ONE], [TWO], [TWO], [TWO]])

    assert told == [["new AAA", "new BBB"], [], [], []]
