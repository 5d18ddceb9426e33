"""Pages, asked once each to see how well they are kept: what `check --network` shows.

Two requests a page: one in full, and one with the validators that came with it, since only an
answer to those shows whether they are honoured.  Nothing is stored.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from efficient_status.config import Settings
from efficient_status.database import MEMORY
from efficient_status.errors import Gone, PageError, Unreachable
from efficient_status.fetch import Fetcher, Wire
from efficient_status.figures import span
from efficient_status.models import Provider
from efficient_status.pacing import MAX_STRETCH
from efficient_status.parts import fetcher_for
from efficient_status.providers import read
from efficient_status.scheduler import AT_ONCE
from efficient_status.urls import without_credentials

_STALE = 2 * 365 * 86_400.0  # seconds without anything new after which a page may be a ruin
_LARGE = 20_000  # bytes of a body that might as well be compressed


@dataclass(slots=True)
class Visit:
    """What was seen of a page.

    Attributes:
        error: why it cannot be read, or None.
        status: of the first answer; 0 = there was none.
        dialect, evidence: as recognised.
        etag, last_modified: whether the answer had one.
        honoured: whether they were answered by a 304; None = could not be seen.
        kept: whether the answer may be stored.
        fresh: explicit freshness, in seconds.
        body, document: bytes, as the body travelled and decoded.
        target, moved_to: where redirects led, and the permanent ones among them, or "".
        newest: time of the newest update of all, if one has a time.
        incidents: how many it shows.
        faults: items that could not be read.
        sent, received: bytes, of both requests.
    """

    provider: Provider
    error: PageError | None = None
    status: int = 0
    dialect: str = ""
    evidence: str = ""
    etag: bool = False
    last_modified: bool = False
    honoured: bool | None = None
    kept: bool = True
    fresh: float = 0.0
    body: int = 0
    document: int = 0
    target: str = ""
    moved_to: str = ""
    newest: datetime | None = None
    incidents: int = 0
    faults: tuple[str, ...] = ()
    requests: int = 0
    sent: int = 0
    received: int = 0

    @property
    def validators(self) -> bool:
        """Whether it sends any."""
        return self.etag or self.last_modified


async def survey(settings: Settings, visited: Callable[[Visit], None]) -> list[Visit]:
    """Visit every page of these settings, with the pauses and limits of watching.

    Args:
        visited: is shown each when it is over.

    Returns:
        In the order of the settings.
    """
    turns = asyncio.Semaphore(AT_ONCE)
    fetcher = fetcher_for(settings, MEMORY, keepalive=5.0)

    async def one(provider: Provider) -> Visit:
        async with turns:
            found = await _visit(fetcher, provider, settings)
        visited(found)
        return found

    try:
        return await asyncio.gather(*map(one, settings.providers))
    finally:
        await fetcher.aclose()


async def _visit(fetcher: Fetcher, provider: Provider, settings: Settings) -> Visit:
    visit = Visit(provider)
    first, second = Wire(), Wire()
    try:
        await _read(fetcher, visit, first, settings)
    except PageError as error:
        visit.error = error
    else:
        if visit.validators and visit.kept:
            visit.honoured = await _asked_again(fetcher, visit, second)
    visit.status, visit.body = first.status, first.body_bytes
    visit.requests = first.attempts + second.attempts
    visit.sent, visit.received = first.sent + second.sent, first.received + second.received
    return visit


async def _read(fetcher: Fetcher, visit: Visit, wire: Wire, settings: Settings) -> None:
    provider = visit.provider
    fetcher.forget(provider.feed)  # another row may have the same feed
    fetched = await fetcher.fetch(provider.feed, wire=wire)
    document = fetcher.document(fetched) or b""
    feed = read(document, expected=provider.dialect, source=provider.feed, limits=settings.limits)
    fetcher.keep(fetched)
    visit.kept = fetcher.stored(provider.feed) is not None
    visit.dialect, visit.evidence = feed.dialect, feed.evidence
    visit.etag, visit.last_modified = bool(wire.etag), bool(wire.last_modified)
    visit.fresh, visit.moved_to = wire.fresh, wire.moved_to
    asked = fetched.key.partition(" ")[0]
    visit.target = "" if wire.target == asked else wire.target
    visit.document, visit.incidents, visit.faults = len(document), len(feed.incidents), feed.faults
    visit.newest = max((i.updated_at for i in feed.incidents if i.updated_at), default=None)


async def _asked_again(fetcher: Fetcher, visit: Visit, wire: Wire) -> bool | None:
    """Whether the validators are honoured."""
    url = visit.provider.feed
    fetcher.expire(url)
    before = fetcher.stored_identity(url)
    try:
        fetched = await fetcher.fetch(url, wire=wire)
    except PageError:
        return None
    if fetched.source == "unchanged":
        return True
    fetcher.discard(fetched)
    return False if fetched.identity == before else None


def advice(visit: Visit, now: float) -> Iterator[str]:
    """What to do about a page.  Pure.

    Args:
        now: seconds since the epoch.
    """
    if visit.error is not None:
        yield _about(visit.error)
        return
    provider = visit.provider
    if visit.moved_to:
        yield f"moved for good: change feed to {visit.moved_to}"
    elif visit.target:
        yield f"is redirected each time, not for good: {visit.target} answers"
    platform = visit.dialect.rpartition("-")[0]
    if provider.dialect not in (None, platform):
        yield f"platform is {platform} ({visit.evidence}), the row says {provider.dialect}"
    if not visit.kept:
        yield f"forbids storing (no-store): each poll costs {visit.body:,} bytes"
    elif not visit.validators:
        yield f"sends no validators: each poll costs {visit.body:,} bytes, give it a longer interval"
    elif visit.honoured is False:
        yield f"ignores its own validators: asked at most every {span(MAX_STRETCH)} while it does"
    if visit.body >= max(_LARGE, visit.document):
        yield "does not compress"
    if visit.newest and now - visit.newest.timestamp() > _STALE:
        years = (now - visit.newest.timestamp()) / (365.25 * 86_400)
        yield f"nothing new for {years:.1f} years: is it still kept?"
    yield from visit.faults


def _about(error: PageError) -> str:
    """What to do about a page that cannot be read."""
    text = without_credentials(str(error))
    if isinstance(error, Gone):
        return f"{text}: remove it, or find its new feed"
    if error.status == 404:
        return f"{text}: find its new feed, or remove it"
    if error.status in (401, 403):
        return f"{text}: it wants an account, or none of us"
    if isinstance(error, Unreachable):
        return f"{text}: try again; if it lasts, remove it"
    return text
