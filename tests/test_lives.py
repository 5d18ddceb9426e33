"""For every dialect a scripted life over real HTTP gives exactly the expected events, each once."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest

from efficient_status.errors import Untold
from efficient_status.models import Event
from efficient_status.providers import DIALECTS
from tests.app import App
from tests.feeds import minute
from tests.lives import LIVES
from tests.lives.building import Life, Told, item, rss
from tests.origin import Origin

NOW = datetime(2026, 6, 1, tzinfo=UTC).timestamp()  # after all that the lives tell of


def told(event: Event) -> Told:
    incident = event.incident
    tail = incident.id.rstrip("/").rpartition("/")[2] + "/" * incident.id.endswith("/")
    return event.happening.value, tail, incident.state.value, incident.message


async def polled(app: App, times: int) -> list[Told]:
    """What so many polls of the page tell."""
    before = len(app.told.events)
    for _ in range(times):
        poll = await app.poller.poll(app.pages[0])
        assert poll.error is None
    return [told(event) for event in app.told.events[before:]]


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_a_page_tells_exactly_what_happened(origin: Origin, life: Life) -> None:
    """Every version is seen in two polls: absence is believed at the second, and all else once."""
    page = origin.page("/feed")

    async def work() -> list[list[Told]]:
        app = App(origin.url("/feed"), clock=lambda: NOW)
        events = []
        for document, _ in life.versions:
            page.serve(document, etag=True)
            events.append(await polled(app, 2))
        assert app.state.recall(app.pages[0].provider.key).dialect == life.dialect
        await app.close()
        return events

    assert asyncio.run(work()) == [expected for _, expected in life.versions]


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.name)
def test_a_restart_at_any_moment_neither_loses_nor_repeats(
    origin: Origin, life: Life, tmp_path: Path
) -> None:
    page = origin.page("/feed")

    async def run() -> list[Told]:
        app = App(origin.url("/feed"), folder=tmp_path, clock=lambda: NOW)
        events = await polled(app, 1)
        await app.close()
        return events

    events = []
    for document, _ in life.versions:
        page.serve(document, etag=True)
        events.append([*asyncio.run(run()), *asyncio.run(run())])
    assert events == [expected for _, expected in life.versions]


@pytest.mark.parametrize("crash", range(3))
def test_a_crash_between_two_events_loses_nothing_below_what_was_told(
    origin: Origin, tmp_path: Path, crash: int
) -> None:
    """An append-only feed whose dates disagree with its order: told first is what stands on top."""
    head = "<generator>AWS Service Health Dashboard RSS Generator</generator>"

    def update(service: str, number: int) -> str:
        id_ = f"https://status.aws.amazon.com/#{service}_{number}"
        return item("Service impact: Slow", f"Text {number}", id_=id_, date=minute(number))

    old = update("old", 0)
    new = [update("a", 1), update("b", 2), update("c", 3)]  # newest first, say the guids' order
    page = origin.page("/feed").serve(rss(old, head=head), etag=True)

    async def run(fail_at: int | None = None) -> list[Told]:
        app = App(origin.url("/feed"), folder=tmp_path, clock=lambda: NOW)

        def fail(_: Event) -> None:
            if fail_at is not None and len(app.told.events) == fail_at:
                raise OSError

        app.told.fail = fail
        with suppress(Untold):
            await app.poller.catch_up(app.pages[0])
            await polled(app, 1)
        await app.close()
        return [told(event) for event in app.told.events]

    assert len(asyncio.run(run())) == 1
    page.serve(rss(*new, old, head=head), etag=True)
    events = [*asyncio.run(run(crash)), *asyncio.run(run())]
    assert [text for *_, text in events] == ["Text 1", "Text 2", "Text 3"]


def test_every_dialect_has_a_life() -> None:
    assert {life.dialect.rpartition("-")[0] for life in LIVES} == set(DIALECTS)
