"""What holds for every dialect: recognition, joining, where reading stops, what absence means."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from efficient_status.providers import DIALECTS, feedxml, read
from efficient_status.providers.feedxml import parse

ROOT = Path(__file__).parents[2]
FIXTURES = sorted(
    path
    for path in (ROOT / "fixtures").glob("[!r]*/*")
    if path.suffix in (".rss", ".atom", ".xml") and path.parent.name in DIALECTS
)
RECORDED = sorted(
    path
    for path in (ROOT.parent / "shared" / "recorded").glob("*")
    if path.suffix in (".rss", ".atom", ".xml")
)


def platform_of(path: Path) -> str:
    """The platform that a fixture's folder or a recording's name tells."""
    return path.parent.name if path in FIXTURES else path.name.partition("_")[0]


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


@pytest.mark.parametrize("path", [*FIXTURES, *RECORDED], ids=name_of)
def test_no_other_dialect_takes_a_document_for_its_own(path: Path) -> None:
    """A near miss of the order would be a dialect that takes another's documents."""
    body = path.read_bytes()
    document = parse(body)
    claims = {
        name
        for name, dialect in DIALECTS.items()
        if name != "generic" and dialect.evidence(document)
    }
    assert claims <= {platform_of(path), *ALSO.get(platform_of(path), ())}


# An OnlineOrNot feed may look like a Statuspage in every way but one, and is asked first.
ALSO = {"onlineornot": {"statuspage"}}


@pytest.mark.parametrize("path", FIXTURES, ids=name_of)
@pytest.mark.parametrize("wrong", ["statuspage", "aws-rss", "kuma", "generic"])
def test_evidence_overrules_what_a_row_expects(path: Path, wrong: str) -> None:
    feed = read(path.read_bytes(), expected=wrong)
    own = feed.dialect.rpartition("-")[0]
    recognised = read(path.read_bytes()).dialect.rpartition("-")[0]
    assert recognised in (own, "generic")


@pytest.mark.parametrize("platform", DIALECTS)
def test_a_dialect_says_what_its_platform_does(platform: str) -> None:
    """Absence closes where nothing else does, and reading stops where ids tell where."""
    dialect = DIALECTS[platform]
    assert dialect.absence_closes == (platform in ("azure", "meta", "kuma"))
    assert dialect.append_only == (platform in ("aws", "gcp"))
    assert bool(dialect.joins) == (platform in ("aws", "gcp", "statusio", "betterstack", "checkly"))
    assert not dialect.append_only or dialect.joins


JOINED = [
    "aws/one-item-an-update.rss",
    "gcp/one-entry-an-update.atom",
    "statusio/one-item-an-update.rss",
    "betterstack/pairs-and-reports.rss",
    "checkly/one-guid-many-updates.rss",
]


@pytest.mark.parametrize("name", JOINED)
def test_the_newest_item_alone_tells_of_the_same_incident(name: str) -> None:
    """Older items are swept over in later polls; id, title and state are those of the newest."""
    body = (ROOT / "fixtures" / name).read_bytes()
    whole = {incident.id: incident for incident in read(body).incidents}
    joined = next(incident for incident in whole.values() if len(incident.marks) > 1)
    newest = joined.marks[-1]
    marks = {mark for incident in whole.values() for mark in incident.marks}
    (alone,) = read(body, frozenset(marks - {newest})).incidents
    assert alone.marks == (newest,)
    assert (alone.id, alone.title, alone.state) == (joined.id, joined.title, joined.state)
    assert (alone.message, alone.updated_at) == (joined.message, joined.updated_at)
    assert alone.updates is joined.updates is None
    assert alone.started_at is None  # nothing that is read here says when it began


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for every item whose end the parser saw."""
    items: list[int] = []
    end_item: Callable[..., None] = feedxml._Target.end_item

    def counted(self: feedxml._Target) -> None:
        items.append(1)
        end_item(self)

    monkeypatch.setattr(feedxml._Target, "end_item", counted)
    return items


def long_feed(new: int) -> bytes:
    """An AWS feed of a hundred old updates, below so many new ones."""
    items = "".join(
        f"<item><title>Service impact: Slow {n}</title><description>Update {n}</description>"
        f"<guid>https://status.aws.amazon.com/#mill-us-west-{n % 7}_{1772800000 + n}</guid>"
        f"<pubDate>Fri, 06 Mar 2026 09:{n // 60:02}:{n % 60:02} PST</pubDate></item>"
        for n in range(99 + new, -1, -1)
    )
    head = "<generator>AWS Service Health Dashboard RSS Generator</generator>"
    return f"<rss><channel>{head}{items}</channel></rss>".encode()


def test_an_append_only_feed_is_read_no_further_than_its_first_known_item(
    ended: list[int],
) -> None:
    known = frozenset(mark for each in read(long_feed(0)).incidents for mark in each.marks)
    assert len(ended) == len(known) == 100
    ended.clear()
    feed = read(long_feed(3), known, expected="aws-rss")
    assert len(ended) == 4
    assert feed.partial
    assert [each.message for each in feed.incidents] == ["Update 102", "Update 101", "Update 100"]
    ended.clear()
    assert read(long_feed(0), known, expected="aws-rss").incidents == ()
    assert len(ended) == 1


@pytest.mark.parametrize("expected", [None, "aws", "generic-rss", "statuspage-rss", "checkly-rss"])
def test_any_other_expectation_sweeps_to_the_end(ended: list[int], expected: str | None) -> None:
    """A row's word is not enough: what is known before the first contact ended may stand anywhere."""
    known = frozenset(mark for each in read(long_feed(0)).incidents for mark in each.marks)
    ended.clear()
    feed = read(long_feed(3), known, expected=expected)
    assert len(ended) == 103
    assert not feed.partial
    assert len(feed.incidents) == 3


def test_a_page_that_moved_away_from_an_append_only_platform_is_read_to_its_end() -> None:
    body = (ROOT / "fixtures/statuspage/bold-impact.rss").read_bytes()
    two = body.replace(
        b"</channel>", b"<item><guid>https://s.test/incidents/2</guid></item></channel>"
    )
    known = frozenset(read(body).incidents[0].marks)
    feed = read(two, known, expected="aws-rss")
    assert (feed.dialect, feed.partial, len(feed.incidents)) == ("statuspage-rss", False, 1)


def test_below_the_first_known_item_nothing_can_break_an_append_only_feed() -> None:
    whole = long_feed(0)
    known = frozenset(mark for each in read(whole).incidents for mark in each.marks)
    cut = whole[: whole.index(b"</item>") + 300]
    assert read(cut, known, expected="aws-rss").partial


def test_every_fixture_that_shows_something_says_whether_absence_closes() -> None:
    for path in FIXTURES:
        expect = tomllib.loads(path.with_suffix(".toml").read_text("utf-8"))
        feed = read(path.read_bytes(), expected=expect.get("expected"))
        assert feed.absence_closes == DIALECTS[path.parent.name].absence_closes
