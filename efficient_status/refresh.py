"""Ask pages on behalf of somebody who looks, not of whoever is to be told.

Nothing that is learnt here counts as told: what is new goes into the HTTP cache, as in a run that
died before it told anything, so the next run tells it, without another request (`Poller.catch_up`).
What servers ask for (freshness, Retry-After), failures and costs are kept like those of any run.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from efficient_status.config import Settings
from efficient_status.detect import Wishes
from efficient_status.ledger import Ledger
from efficient_status.models import Event, Memory, Pacing, Tally
from efficient_status.parts import CACHE, fetcher_for
from efficient_status.picture import Picture, Shown, take
from efficient_status.poller import Page, Poll, Poller
from efficient_status.scheduler import Scheduler
from efficient_status.state import StateStore, open_state
from efficient_status.state.memory import MemoryState
from efficient_status.urls import bare

_KEEPALIVE = 5.0  # seconds; each page is asked once


class _Unheard(MemoryState):
    """A state over another one: what would count as told is kept here, all else is passed on."""

    def __init__(self, state: StateStore) -> None:
        super().__init__()
        self._state = state

    def recall(self, provider: str) -> Memory:
        return self._memories.get(provider) or self._state.recall(provider)

    def pacing(self, provider: str, feed: str) -> Pacing:
        return self._state.pacing(provider, feed)

    def pace(self, provider: str, feed: str, pacing: Pacing) -> None:
        self._state.pace(provider, feed, pacing)

    def tally(self, provider: str, day: int) -> Tally:
        return self._state.tally(provider, day)

    def flush(self) -> None:
        self._state.flush()

    @property
    def learnt(self) -> Mapping[str, Memory]:
        """What would have been remembered, by page."""
        return self._memories


class _Nobody:
    """Hears every event."""

    async def tell(self, event: Event) -> None:
        """See `poller.Output`."""


def refreshed(settings: Settings, folder: Path, picture: Picture) -> tuple[Picture, bool]:
    """Ask the pages that are due, and look again; the folder's lock is held by the caller.

    Returns:
        The picture, and whether some page could not be read; each was said.
    """
    learnt, failures = asyncio.run(_ask(settings, folder, picture))
    after = take(folder)
    pages = {
        key: replace(page, shown=_shown(learnt[key])) if key in learnt else page
        for key, page in after.pages.items()
    }
    return replace(after, pages=pages), bool(failures)


async def _ask(
    settings: Settings, folder: Path, picture: Picture
) -> tuple[Mapping[str, Memory], Mapping[str, str]]:
    state = open_state(folder)
    fetcher = fetcher_for(settings, folder / CACHE, keepalive=_KEEPALIVE)
    unheard = _Unheard(state)
    ledger = Ledger(state)

    def observe(page: Page, poll: Poll) -> None:
        ledger(page, replace(poll, events=0))  # they are counted when they are told

    try:
        poller = Poller(
            fetcher,
            unheard,
            _Nobody(),
            wishes=Wishes(settings.backfill, settings.edits),
            limits=settings.limits,
        )
        now = time.time()
        pages = [
            Page(each, unheard.pacing(each.key, bare(each.feed)), unheard.identity(each.key))
            for each in settings.providers
            if each.feed
            and now - picture.page(each.key).known_at >= max(settings.interval, each.interval or 0)
        ]
        scheduler = Scheduler(
            pages, poller, unheard, interval=settings.interval, observers=[observe]
        )
        return unheard.learnt, await scheduler.once()
    finally:
        await fetcher.aclose()
        state.close()


def _shown(memory: Memory) -> tuple[Shown, ...]:
    told = memory.told.values()
    return tuple(Shown(each.open, each.left_at) for each in told if each.open)
