"""ONE POLL, start to finish; the file to read first.

    1. fetch      a conditional GET; the answer has an identity
    2. skip       the identity last told to the end: no body is read, nothing is parsed
    3. read       the platform's dialect reads the document, down to what is known
    4. keep       only now that a feed was read is the answer what is stored
    5. detect     what differs from what was told
    6. tell       event by event, each remembered right after it was written
    7. finish     this document was told to the end

A 304 is never what makes us skip: the cache knows what the origin has, only the state knows what
we told.  If we die between 4 and 7, the next answer is a 304 with an identity that was not told.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from typing import Protocol
from urllib.parse import urlsplit

from efficient_status.catalogue import product_of
from efficient_status.detect import Wishes, absences, detect
from efficient_status.errors import Held, PageError, Unreadable, Untold
from efficient_status.fetch import Fetched, Fetcher, Wire
from efficient_status.filters import wanted
from efficient_status.models import (
    Change,
    Event,
    Feed,
    Happening,
    Memory,
    Pacing,
    Provider,
)
from efficient_status.providers import Limits, read
from efficient_status.state import StateStore
from efficient_status.urls import as_user_of, bare

__all__ = ["UNSETTLED", "Output", "Page", "Poll", "Poller", "product_of"]

logger = logging.getLogger(__name__)

# Ends the identity of a document that is to be read once more even if it does not change: where
# only absence says that an incident is over, being missed once is not enough.
UNSETTLED = "?"

# Bytes of a document that is read beside the loop: at worst, nothing but tags, a MiB takes 2 s.
_LARGE = 262_144


class Output(Protocol):
    """Where polls are told."""

    async def tell(self, event: Event) -> None:
        """Write one event, whole and flushed, however long its reader takes.

        Raises:
            BrokenPipeError: nobody reads any more.
            OSError: it could not be written; it is told again.
        """
        ...


class FanOut:
    """Several outputs: each gets every event, one after the other.

    Those that know what they were told come first: where a later one fails, all are told again.
    """

    def __init__(self, *outputs: Output) -> None:
        self._outputs = outputs

    async def tell(self, event: Event) -> None:
        """See `Output`."""
        for output in self._outputs:
            await output.tell(event)


@dataclass(slots=True)
class Page:
    """A provider while it is watched.

    Attributes:
        identity: of the document last told to the end.
        title: the page's own name, once a document was read.
        wasted: polls in a row for which a whole, unchanged body came (see `Poll.wasted`).
        due: when the next poll is due, on the loop's clock; None = it is not watched.
        late: seconds by which the last poll began after it was due.
        own_rest: its `not_before`, where only our own back-off after a failure that the network
            may have caused asks for it; else 0.
        held_until: when the hold of `pacing` ends, on the loop's clock; None = not worked out yet.
        read_at: when it was last known as it is, in this run, in seconds since the epoch; or 0.
    """

    provider: Provider
    pacing: Pacing
    identity: str
    title: str = ""
    faults: set[str] = field(default_factory=set)
    wasted: int = 0
    due: float | None = None
    late: float = 0.0
    own_rest: float = 0.0
    held_until: float | None = None
    read_at: float = 0.0

    @property
    def url(self) -> str:
        """Where to ask."""
        feed = self.provider.feed
        return as_user_of(self.pacing.moved_to, feed) if self.pacing.moved_to else feed

    @property
    def host(self) -> str:
        """Whom to be polite to."""
        return urlsplit(self.url).hostname or ""

    @property
    def label(self) -> str:
        """What events and log lines call it: its key."""
        return self.provider.key


@dataclass(frozen=True, slots=True)
class Poll:
    """What came of one poll.

    Attributes:
        outcome: "changed", "unchanged", "fresh", "held" (its server said wait), "failed", or
            "untold" (the page is well, but its events could not be written).
        fresh: explicit freshness, in seconds.
        events: how many were told.
        read, known: how many incidents were read in full, and items swept over as known.
        wasted: a whole body came although nothing had changed and validators had been sent.
        wire: facts of its exchanges, where there may have been some.
        spared: bytes of the body that did not have to travel.
    """

    outcome: str
    fresh: float = 0.0
    events: int = 0
    error: PageError | None = None
    moved_to: str = ""
    wasted: bool = False
    read: int = 0
    known: int = 0
    wire: Wire | None = None
    spared: int = 0

    @property
    def asked(self) -> bool:
        """Whether a request was made: only then does it say something of page and network."""
        return self.outcome not in ("held", "fresh", "untold")


class Poller:
    """Polls pages: the parts, wired once."""

    def __init__(
        self,
        fetcher: Fetcher,
        state: StateStore,
        output: Output,
        *,
        wishes: Wishes,
        limits: Limits | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._fetcher = fetcher
        self._state = state
        self._output = output
        self._wishes = wishes
        self._limits = limits
        self._clock = clock

    async def poll(self, page: Page) -> Poll:
        """Ask one page and tell what is new.

        Raises:
            BrokenPipeError: nobody reads the events any more.
            Untold: an event could not be written; it was not remembered.
            StateError: what was told cannot be read; nothing was told.
        """
        wire = Wire(may_retry=page.pacing.failures == 0)
        try:
            fetched = await self._fetcher.fetch(page.url, wire=wire)
            told = fetched.identity == page.identity
            document = None if told else self._fetcher.document(fetched)
            if document is None:  # or the cache has lost it, and it is asked for in full next time
                self._fetcher.keep(fetched)  # newer validators, even of an equal body
                moved = self._settle(page, fetched)
                outcome = "fresh" if fetched.source == "fresh" else "unchanged"
                wasted = fetched.ignored_us
                return Poll(
                    outcome,
                    fetched.fresh,
                    moved_to=moved,
                    wasted=wasted,
                    wire=wire,
                    spared=fetched.spared,
                )
            memory, feed = await self._read(page, document, fetched)
        except Held as error:
            logger.debug("%s: %s", page.label, error)
            return Poll("held")
        except PageError as error:
            # Its traceback would hold the document for as long as the page waits.
            error.__cause__ = error.__context__ = None
            return Poll("failed", error=error.with_traceback(None), wire=wire)
        self._fetcher.keep(fetched)
        del document
        fetched.document = None  # the reader of events may let us wait for long
        events = await self._tell(page, memory, feed, fetched.identity)
        return Poll(
            "changed",
            fetched.fresh,
            events,
            moved_to=self._settle(page, fetched),
            read=len(feed.incidents),
            known=len(feed.unchanged),
            wire=wire,
            spared=fetched.spared,
        )

    async def catch_up(self, page: Page) -> int:
        """Tell what an earlier run stored but did not tell to the end; no request is made."""
        identity = self._fetcher.stored_identity(page.url)
        if identity in ("", page.identity.removesuffix(UNSETTLED)):
            return 0
        document = self._fetcher.stored_document(page.url)
        if document is None:
            return 0
        try:
            memory, feed = await self._read(page, document, None)
        except Unreadable:  # an earlier version could read it; the next poll asks in full
            self._fetcher.forget(page.url)
            return 0
        return await self._tell(page, memory, feed, identity)

    def go_home(self, page: Page) -> None:
        """A move turned out badly: what is stored of the page goes back with it."""
        self._fetcher.move(page.url, page.provider.feed)

    async def _read(
        self, page: Page, document: bytes, fetched: Fetched | None
    ) -> tuple[Memory, Feed]:
        memory = self._state.recall(page.provider.key)
        expected = memory.dialect or page.provider.dialect
        if fetched is None and memory.dialect:
            # Told in part: what is known need not be what stands lowest, so without the format,
            # which stops an append-only feed at its first known item (`providers.Dialect`).
            expected = memory.dialect.rpartition("-")[0]
        try:
            reading = partial(
                read,
                document,
                memory.marks(),
                expected=expected,
                source=page.url,
                limits=self._limits,
            )
            feed = await asyncio.to_thread(reading) if len(document) > _LARGE else reading()
        except Unreadable:
            if fetched is not None:
                self._fetcher.discard(fetched)
            raise
        return memory, feed

    async def _tell(self, page: Page, memory: Memory, feed: Feed, identity: str) -> int:
        """Steps 5 to 7.  Only `tell` waits, so nothing can come between telling and memory."""
        key = page.provider.key
        page.title = feed.title or page.title
        self._say_faults(page, memory, feed)
        changes = detect(memory, feed, self._wishes, self._clock())
        missed = absences(memory, feed, self._clock())
        loud = {change.incident.id for change in changes if change.happening}
        silent = {c.incident.id: c.told for c in changes if c.incident.id not in loud}
        self._state.remember(key, {**missed, **silent})
        events = 0
        for change in changes:
            if event := self._event(page, change, memory):
                await self._write(event)
                events += 1
            if change.incident.id in loud:
                self._state.remember(key, {change.incident.id: change.told})
        if feed.absence_closes and any(told and told.open for told in missed.values()):
            identity += UNSETTLED
        self._state.finish(key, identity, feed.dialect)
        page.identity = identity
        return events

    async def _write(self, event: Event) -> None:
        try:
            await self._output.tell(event)
        except BrokenPipeError:
            raise
        except OSError as error:
            raise Untold(f"its events cannot be written: {error.strerror or error}") from error

    def _event(self, page: Page, change: Change, memory: Memory) -> Event | None:
        """What is printed of a change; None = it is only remembered."""
        if change.happening is None:
            return None
        name = page.provider.name or page.title or page.label
        product = product_of(page.provider, change.incident.title, name)
        before = memory.told.get(change.incident.id)
        looks = [change.incident]
        if change.happening is Happening.RESOLVED and before and before.open:
            looks.append(before.open)  # its impact and components may be gone with its end
        if not any(wanted(page.provider.filters, each, product) for each in looks):
            return None
        return Event(
            happening=change.happening,
            provider=page.label,
            provider_name=name,
            product=product,
            incident=change.incident,
            seen_at=datetime.fromtimestamp(int(self._clock()), UTC),
            first=not memory.met,
        )

    def _say_faults(self, page: Page, memory: Memory, feed: Feed) -> None:
        for fault in feed.faults:
            if fault not in page.faults:
                fields = {"event": "fault", "provider": page.label}
                logger.warning("%s: %s", page.label, fault, extra=fields)
        page.faults = set(feed.faults)  # a page that has others each time does not fill memory
        if memory.met and memory.dialect != feed.dialect:
            logger.warning(
                "%s: now a %s feed (%s), it was %s",
                page.label,
                feed.dialect,
                feed.evidence,
                memory.dialect,
                extra={"event": "platform", "provider": page.label, "platform": feed.dialect},
            )

    def _settle(self, page: Page, fetched: Fetched) -> str:
        """The feed was met where a permanent redirect led: that is its place from now on."""
        target = fetched.moved_to
        if target and target != bare(page.url):
            self._fetcher.move(page.url, as_user_of(target, page.provider.feed))
            fields = {"event": "moved", "provider": page.label, "target": target}
            logger.warning("%s: moved for good to %s", page.label, target, extra=fields)
            return target
        return ""
