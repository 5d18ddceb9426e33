"""One poll in the open: the parts of watching, which here note what they do and keep nothing.

State and cache are copies in memory, the output takes note, the door has a trace; all else is what
watches, down to the scheduler.  So what is explained is what would have happened.  What a watcher
would not have read, since it is known, is read once more, only to be shown.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from efficient_status import catalogue, pacing
from efficient_status.config import Settings
from efficient_status.database import MEMORY
from efficient_status.detect import Wishes, detect, lags
from efficient_status.errors import StateError, Unreadable
from efficient_status.fetch import Fetched, Fetcher
from efficient_status.fetch.trace import Exchange, Trace
from efficient_status.figures import span
from efficient_status.filters import rejecting
from efficient_status.models import (
    Change,
    Event,
    Feed,
    Happening,
    Incident,
    Memory,
    Pacing,
    Provider,
    Told,
)
from efficient_status.parts import CACHE, fetcher_for
from efficient_status.poller import Page, Poll, Poller, product_of
from efficient_status.providers import read
from efficient_status.scheduler import Scheduler
from efficient_status.state import StateStore, copied_state, open_state
from efficient_status.urls import bare, without_credentials

_EPOCH = datetime.fromtimestamp(0, UTC)
_BEGINNING = 200  # bytes of a document that is no feed


@dataclass(frozen=True, slots=True)
class Item:
    """An incident of the page, and what comes of it.

    Attributes:
        verdict: "told"; "filtered"; "noted" (remembered, not told); "known" (not read again);
            "passed over" (read, but nothing that was not told).
        why: in words.
    """

    verdict: str
    why: str
    incident: Incident


@dataclass(slots=True)
class Explanation:
    """What came of a poll.

    Attributes:
        row: whose row it is.
        state: from where it is known what was told.
        memory, pacing, stored: before the poll; `stored` = ETag and Last-Modified, or None.
        url: that was asked, or would be.
        kept: whether the answer would have been stored.
        document: bytes of it, decoded; None = none came, and none is stored.
        begins: how a document begins that is no feed.
        feed: the document, with all of its incidents.
        missing: known incidents that the document does not show.
        said: what a watcher with `-v` says on stderr.
        wait: seconds to the next poll; None = it is not asked any more.
        why: of that wait.
    """

    provider: Provider
    row: str
    state: str
    memory: Memory
    pacing: Pacing
    stored: tuple[str, str] | None
    url: str
    poll: Poll = field(default_factory=lambda: Poll("held"))
    exchanges: list[Exchange] = field(default_factory=list)
    kept: bool = False
    document: int | None = None
    begins: str = ""
    feed: Feed | None = None
    items: list[Item] = field(default_factory=list)
    missing: int = 0
    said: list[str] = field(default_factory=list)
    wait: float | None = None
    why: str = ""

    @property
    def readable(self) -> bool:
        """Whether the page was read, or may be taken to be."""
        return self.poll.error is None and (self.poll.outcome != "held" or not self.pacing.failures)


@dataclass(slots=True)
class _Reading:
    """A document as the poller reads it; `feed` is None where it cannot be read."""

    document: bytes
    memory: Memory | None = None
    feed: Feed | None = None


class _Open(Poller):
    """The poller, whose readings are kept."""

    readings: list[_Reading]

    async def _read(
        self, page: Page, document: bytes, fetched: Fetched | None
    ) -> tuple[Memory, Feed]:
        reading = _Reading(document)
        self.readings.append(reading)
        reading.memory, reading.feed = await super()._read(page, document, fetched)
        return reading.memory, reading.feed


class _Notes:
    """An output that prints nothing."""

    def __init__(self) -> None:
        self.events: dict[str, Event] = {}

    async def tell(self, event: Event) -> None:
        """See `poller.Output`."""
        self.events[event.incident.id] = event


async def explain(
    settings: Settings, provider: Provider, *, fresh: bool = False, anyway: bool = False
) -> Explanation:
    """Ask a page once, unless its server wants to be left alone.

    Args:
        fresh: as if the page had never been met.
        anyway: ask it even then.
    """
    trace, notes, polls = Trace(), _Notes(), [Poll("held")]
    state, whence = _state(settings, fresh=fresh)
    fetcher = fetcher_for(settings, MEMORY, keepalive=5.0, trace=trace)
    try:
        if settings.state_dir and not fresh:
            fetcher.store.copy(settings.state_dir / CACHE)
        memory = state.recall(provider.key)
        page = Page(provider, state.pacing(provider.key, bare(provider.feed)), memory.identity)
        found = Explanation(
            provider, _row(provider), whence, memory, page.pacing, _stored(fetcher, page), page.url
        )
        if anyway:
            page.pacing = replace(page.pacing, not_before=0.0, gone=False)
        wishes = Wishes(settings.backfill, settings.edits)
        poller = _Open(fetcher, state, notes, wishes=wishes, limits=settings.limits)
        poller.readings = []
        scheduler = Scheduler(
            [page],
            poller,
            state,
            interval=settings.interval,
            dice=lambda: 0.0,
            observers=[lambda _, poll: polls.append(poll)],
        )
        with _listening() as found.said:
            await scheduler.once()
        found.poll, found.exchanges = polls[-1], trace.exchanges
        found.kept = _stored(fetcher, page) is not None
        _read_all(found, fetcher, page, poller.readings, settings)
        for reading in poller.readings:
            _judge(found, reading, notes.events, wishes)
        found.items.sort(key=lambda item: item.incident.updated_at or _EPOCH, reverse=True)
        found.wait, found.why = _next(page, found.poll, settings.interval)
    finally:
        await fetcher.aclose()
        state.close()
    return found


def _state(settings: Settings, *, fresh: bool) -> tuple[StateStore, str]:
    """What was told, and from where that is known."""
    if fresh:
        return open_state(None), "not looked at (--fresh)"
    if settings.state_dir is None:
        return open_state(None), "none is kept (:memory:)"
    try:
        return copied_state(settings.state_dir), f"{settings.state_dir}, only read"
    except StateError as error:
        return open_state(None), f"{error}: explained as if the page had never been met"


def _row(provider: Provider) -> str:
    if provider.key == bare(provider.feed):
        return "none, a bare feed"
    found = catalogue.built_in(provider.key)
    whose = "the catalogue's"
    if found is None and (found := catalogue.find(provider.key)):
        whose = "a plugin's"
    return whose if found and found[1]["feed"] == provider.feed else "the configuration's"


def _stored(fetcher: Fetcher, page: Page) -> tuple[str, str] | None:
    stored = fetcher.stored(page.url)
    if stored is None:
        return None
    etag, modified = ((each or b"").decode("latin-1") for each in stored.validators)
    return etag, modified


@contextmanager
def _listening() -> Iterator[list[str]]:
    """What is logged, instead of stderr."""
    logger = logging.getLogger("efficient_status")
    kept, level, said = logger.handlers, logger.level, _Said()
    logger.handlers = [said]
    logger.setLevel(logging.DEBUG)
    try:
        yield said.lines
    finally:
        logger.handlers = kept
        logger.setLevel(level)


class _Said(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep a line."""
        self.lines.append(without_credentials(record.getMessage()))


def _read_all(
    found: Explanation, fetcher: Fetcher, page: Page, readings: list[_Reading], settings: Settings
) -> None:
    """Read the whole document, however little of it a watcher reads."""
    last = readings[-1] if readings else None
    document = last.document if last else fetcher.stored_document(page.url)
    if document is None:
        return
    found.document = len(document)
    if last and last.feed is None:
        found.begins = document[:_BEGINNING].decode("utf-8", "replace")
        return
    expected = (last and last.feed and last.feed.dialect) or found.memory.dialect
    try:
        found.feed = read(
            document,
            expected=expected or page.provider.dialect,
            source=page.url,
            limits=settings.limits,
        )
    except Unreadable:  # it was stored by an earlier version
        return
    known = {incident.id for incident in found.feed.incidents}
    found.missing = len(found.memory.told.keys() - known)
    if last is None:
        why = "the document is the one that was told to the end: it is not read"
        found.items = [Item("known", why, each) for each in found.feed.incidents]


def _judge(
    found: Explanation, reading: _Reading, events: Mapping[str, Event], wishes: Wishes
) -> None:
    """What became of each incident in a reading; one that was told before it stays «told»."""
    memory, feed = reading.memory, reading.feed
    if memory is None or feed is None or found.feed is None:
        return
    changes = {c.incident.id: c for c in detect(memory, feed, wishes, time.time())}
    over = [each.incident for id_, each in changes.items() if id_ not in _ids(found.feed)]
    before = {item.incident.id: item for item in found.items}
    for incident in {each.id: each for each in (*over, *found.feed.incidents)}.values():
        told = memory.told.get(incident.id)
        if change := changes.get(incident.id):
            item = _changed(found.provider, change, told, memory, feed, events, wishes)
        elif not feed.unchanged.isdisjoint(incident.marks):
            item = Item("known", "as it was when it was last read: swept over", incident)
        elif feed.partial:
            why = "below the first known item, where a page that only grows is not read"
            item = Item("known", why, incident)
        elif told and lags(told, incident):
            why = "older than what was told: an edge of its server that lags behind"
            item = Item("passed over", why, incident)
        else:
            item = Item("passed over", "this very update was told before", incident)
        if item.verdict not in ("known", "passed over"):
            before[incident.id] = item
        before.setdefault(incident.id, item)
    found.items = [*before.values()]


def _ids(feed: Feed) -> set[str]:
    return {incident.id for incident in feed.incidents}


def _changed(
    provider: Provider,
    change: Change,
    told: Told | None,
    memory: Memory,
    feed: Feed,
    events: Mapping[str, Event],
    wishes: Wishes,
) -> Item:
    incident = change.incident
    if change.happening is None:
        return Item("noted", _why_noted(change, told, memory, wishes), incident)
    why = f"{change.happening.value}: {_why_told(change, told, feed)}"
    if incident.id in events:
        return Item("told", why, incident)
    name = provider.name or feed.title or provider.key
    product = product_of(provider, incident.title, name)
    filter_ = rejecting(provider.filters, incident, product)
    return Item("filtered", f"{why}; rejected by the filter {filter_}", incident)


def _why_noted(change: Change, told: Told | None, memory: Memory, wishes: Wishes) -> str:
    if told is None and memory.met:
        return "the page has another platform than before: its ids are new without being news"
    if told is None:
        return f"over before the page was met; of those, {wishes.backfill} told (--backfill)"
    if change.told.look != told.look:
        return "only its wording differs (told with --edits)"
    return "says nothing that was not told; only its markup or its stamp differs"


def _why_told(change: Change, told: Told | None, feed: Feed) -> str:
    incident = change.incident
    if told is None:
        return "not known yet"
    if feed.absence_closes and incident.id not in _ids(feed):
        return "missing for the second time, which is how this platform says that it is over"
    if incident.state is not told.state:
        return f"was {told.state.label}, is {incident.state.label}"
    if incident.updates and told.updates and incident.updates > told.updates:
        return f"its timeline has {incident.updates} entries, {told.updates} were told"
    if change.happening is Happening.EDIT:
        return "its wording differs (--edits)"
    return "its newest update says something else than what was told"


def _next(page: Page, poll: Poll, interval: float) -> tuple[float | None, str]:
    """Seconds to the next poll of a watcher, and what decides them."""
    if page.pacing.gone:
        return None, "its server said 410: it is not asked any more"
    own = page.provider.interval or 0.0
    beat = max(interval, own)
    hold = pacing.hold(page.pacing, time.time())
    wait = pacing.next_poll(0.0, beat, 0.0, hold, 0.5)
    if wait <= beat:
        return wait, "the interval that its row asks for" if own > interval else "the interval"
    return wait, _why_later(page.pacing, poll)


def _why_later(after: Pacing, poll: Poll) -> str:
    """Why the interval is not what decides."""
    if poll.error is not None and poll.error.retry_after is not None:
        return f"its server asks for {span(poll.error.retry_after)} of rest (Retry-After)"
    if after.failures:
        times = "once" if after.failures == 1 else f"{after.failures} times in a row"
        return f"it failed {times}; each time the wait doubles, and a page that is missing (404) is asked once a day from the third time on"
    if poll.outcome == "held":
        return "an earlier answer is still fresh, or its host has asked for rest"
    return f"its server says that it is fresh for {span(poll.fresh)}"
