"""What must hold whatever comes in: one function a target, for hypothesis and for atheris alike.

A target takes bytes, does what the program does with them, and asserts; any exception that it lets
out is a finding.  `TARGETS` names them; its seeds are the fixtures.
"""

from __future__ import annotations

import tempfile
import unicodedata
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from docs import fenced, reference
from efficient_status import opml
from efficient_status.config import Wanted, read_file, settle
from efficient_status.errors import Unreadable, UsageError
from efficient_status.harmless import MAX_TITLE
from efficient_status.models import Feed, Incident, Limits
from efficient_status.pacing import MAX_FRESHNESS, MAX_RETRY_AFTER, freshness, retry_after
from efficient_status.providers import DIALECTS, jsonfeed, read
from efficient_status.providers.document import MAX_ID
from efficient_status.providers.feedxml import parse
from efficient_status.providers.markup import MAX_MESSAGE, MAX_URL, plain_html
from efficient_status.providers.platforms_json import JSON_DIALECTS, read_as
from efficient_status.providers.reading import MAX_FAULTS, read_items
from efficient_status.providers.report_json import when
from efficient_status.providers.words import clock, moment
from efficient_status.urls import bare, valid_url

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "fixtures"
NOW = datetime(2026, 3, 4, 9, 12, tzinfo=UTC)
# Characters that move a cursor or reorder text.
BIDI = set("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class Target(NamedTuple):
    """A function, and the bytes to start from."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterable[bytes]]


def is_safe(text: str) -> bool:
    return not any(unicodedata.category(c) in ("Cc", "Cs") or c in BIDI for c in text)


def attempt(body: bytes, known: frozenset[bytes] = frozenset()) -> Feed | None:
    """The feed, or None of what is refused in one short line."""
    try:
        return read(body, known)
    except Unreadable as error:
        assert_short(str(error))
    return None


def assert_short(why: str) -> None:
    assert is_safe(why)
    assert len(why) < 300


def assert_sound(feed: Feed | None) -> None:
    """What detection and outputs rely on."""
    if feed is None:
        return
    assert is_safe(feed.title)
    assert_short(feed.evidence)
    assert len(feed.faults) <= MAX_FAULTS + 1
    for fault in feed.faults:
        assert_short(fault)
    for incident in feed.incidents:
        assert_safe(incident)
        assert incident.marks
    assert len(feed.incidents) <= Limits().items


def assert_safe(incident: Incident) -> None:
    texts = [incident.id, incident.title, incident.url or "", *incident.components]
    assert all(is_safe(text) for text in [*texts, *incident.message.split("\n")])
    assert 0 < len(incident.id) < MAX_ID + 100
    assert 0 < len(incident.title) <= MAX_TITLE
    assert len(incident.url or "") < MAX_URL * 2
    assert len(incident.message) <= MAX_MESSAGE
    assert len(incident.components) <= Limits().parts
    assert all(len(name) <= MAX_TITLE for name in incident.components)
    assert incident.components == tuple(sorted(set(incident.components)))
    for time in (incident.started_at, incident.updated_at, incident.stamp):
        assert time is None or (time.utcoffset() is not None and not time.utcoffset())


def reading(body: bytes) -> None:
    """Recognition and reading; and what was read is then known."""
    feed = attempt(body)
    assert_sound(feed)
    if feed is not None:
        known = frozenset(mark for incident in feed.incidents for mark in incident.marks)
        again = attempt(body, known)
        assert again is not None
        assert again.incidents == ()
        assert again.unchanged == known
        assert (again.dialect, again.title) == (feed.dialect, feed.title)


def dialect(platform: str) -> Callable[[bytes], None]:
    """A platform's dialect, whether it would recognise the document or not."""

    def run(body: bytes) -> None:
        try:
            if jsonfeed.is_json(body):
                if platform in JSON_DIALECTS:
                    value = jsonfeed.parse(body)
                    JSON_DIALECTS[platform].evidence(value)
                    assert_sound(read_as(platform, value))
            elif platform in DIALECTS:
                document = parse(body)
                DIALECTS[platform].evidence(document)
                found = read_items(document, DIALECTS[platform])
                feed = Feed(platform, incidents=tuple(found.incidents), faults=tuple(found.faults))
                assert_sound(feed)
        except Unreadable as error:
            assert_short(str(error))

    return run


def html(body: bytes) -> None:
    """HTML to text: total, safe, bounded; and plain text stays as it is."""
    text = plain_html(body.decode("utf-8", "surrogateescape"))
    assert len(text) <= MAX_MESSAGE
    assert all(line and line == line.strip() and is_safe(line) for line in text.split("\n") if text)
    if not set(text) & set("<&"):
        assert plain_html("<br>".join(text.split("\n"))) == text


def headers(body: bytes) -> None:
    """Cache-Control, Expires, Date, Age, Retry-After: one a line."""
    names = ("cache-control", "expires", "date", "age", "retry-after")
    lines = body.decode("latin-1").split("\n")
    found = dict(zip(names, lines, strict=False))
    assert 0 <= freshness(found, NOW.timestamp()) <= MAX_FRESHNESS
    wait = retry_after(found, NOW.timestamp())
    assert wait is None or 0 <= wait <= MAX_RETRY_AFTER


def dates(body: bytes) -> None:
    text = body.decode("utf-8", "surrogateescape")
    for time in (moment(text), clock(text, NOW), when(text)):
        assert time is None or (time.utcoffset() is not None and 1969 <= time.year <= 9001)


def urls(body: bytes) -> None:
    text = body.decode("utf-8", "surrogateescape")
    if valid_url(text):
        assert urlsplit(bare(text)).password is None


def config(body: bytes) -> None:
    with tempfile.NamedTemporaryFile(dir=_MEMORY) as file:
        file.write(body)
        file.flush()
        try:
            settle(Wanted(), read_file(Path(file.name)))
        except UsageError as error:
            assert error.problems  # noqa: PT017 - it need not come


def subscriptions(body: bytes) -> None:
    try:
        found = opml.read(body)
    except Unreadable:
        return
    assert len({each.feed for each in found}) == len(found)


_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


def documents(*folders: str) -> Callable[[], list[bytes]]:
    """Fixtures of these dialects."""
    return lambda: [
        path.read_bytes()
        for folder in folders
        for path in sorted(FIXTURES.glob(f"{folder}/*"))
        if path.suffix != ".toml" and path.stat().st_size < 50_000
    ]


def _markup() -> list[bytes]:
    return [
        item.body.encode("utf-8", "replace")
        for body in documents("[!r]*")()
        if not jsonfeed.is_json(body)
        for item, _ in parse(body).items
    ]


def _tomls() -> list[bytes]:
    page = (ROOT / "docs" / "configuration.md").read_text(encoding="utf-8")
    return [text.encode() for text in (reference.example(), *fenced(page, "toml"))]


_HEADERS = [
    b"max-age=60, private\nWed, 04 Mar 2026 10:00:00 GMT\nWed, 04 Mar 2026 09:00:00 GMT\n5\n120",
    b"no-store\n0\n\n\nFri, 06 Mar 2026 09:38:42 -0800",
]
_DATES = [
    b"2026-03-04T09:12:31.5Z", b"Wed, 04 Mar 2026 09:12:31 PST", b"Mar  4, 09:12 UTC",
    b"Mar 4, 15:15:00 GMT+0", b"1772618400000", b"Oct 16, 2025, 12:19 PM +05:30",
]  # fmt: skip
_URLS = [b"https://user:secret@s.test:8443/a?b#c", b"http://[::1]/", b"https://s.test"]
_OPML = [
    opml.write([opml.Subscription("A & B", "https://s.test/feed", "https://s.test/")]).encode()
]

TARGETS: dict[str, Target] = {
    "recognition": Target(reading, documents("*")),
    **{
        platform: Target(dialect(platform), documents(platform))
        for platform in sorted({*DIALECTS, *JSON_DIALECTS})
    },
    "html": Target(html, _markup),
    "headers": Target(headers, lambda: _HEADERS),
    "dates": Target(dates, lambda: _DATES),
    "urls": Target(urls, lambda: _URLS),
    "config": Target(config, _tomls),
    "opml": Target(subscriptions, lambda: _OPML),
}
