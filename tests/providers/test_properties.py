"""Whatever comes in: a feed or a refusal, the same from every side, and safe to print."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from efficient_status.models import Feed
from efficient_status.providers import DIALECTS, read
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import MAX_MESSAGE, plain_html
from efficient_status.providers.reading import read_items
from efficient_status.providers.words import clock, moment
from tests.fuzz.targets import assert_sound, attempt, is_safe

FIXTURES = Path(__file__).parents[2] / "fixtures"
BODIES = [
    path.read_bytes()
    for path in sorted(FIXTURES.glob("*/*"))
    if path.suffix != ".toml" and path.stat().st_size < 20_000
]
FEEDS = [path.read_bytes() for path in sorted(FIXTURES.glob("[!r]*/*")) if path.suffix != ".toml"]
quick = settings(deadline=None, max_examples=100)


@quick
@given(st.binary(max_size=400))
def test_any_bytes_are_a_feed_or_unreadable(body: bytes) -> None:
    assert_sound(attempt(body))


FRAGMENTS = st.sampled_from(
    [
        *"<>&;\"'=/- \n\0\x1b\u202e\u2028]",
        "<p>", "</p>", "<small>", "</small>", "<strong>", "</strong>", "<b>", "</b>", "<ul>", "</ul>",
        "<li>", "</li>", "<br>", "<!--", "-->", "<![CDATA[", "]]>", "<script>", "</script>", "&lt;",
        "&amp;", "&#0;", "&#x202e;", "Status: ", "Resolved", "Update", "Scheduled", "Mar 4, 09:12 UTC",
        "THIS IS A SCHEDULED EVENT", "Affected components", "(Operational)", " - ", "[", "Feb 29, 1:00",
    ]
)  # fmt: skip
snippets = st.lists(FRAGMENTS | st.text(max_size=4), max_size=30).map("".join)


@quick
@given(snippets, snippets, snippets, snippets)
def test_any_item_is_read_or_the_document_refused(
    head: str, title: str, text: str, date: str
) -> None:
    inside = f"<guid>1</guid><title>{title}</title><description>{text}</description>"
    body = f"<rss><channel>{head}<item>{inside}<pubDate>{date}</pubDate></item></channel></rss>"
    assert_sound(attempt(body.encode("utf-8", "surrogatepass")))


DATES = [
    "2026-03-04T09:12:31Z",
    "Wed, 04 Mar 2026 09:12:31 -0800",
    "Fri, 06 Mar 2026 09:38:42 Z",
    "",
]
WORDS = [
    "[API] X",
    "Service impact: [RESOLVED] ",
    "RESOLVED: ",
    "[X Status] Notice: ",
    "X went down",
]
IDS = [
    "1",
    "i3-x",
    "12-",
    "a_1",
    "tag:a:feed:b.c",
    "https://s.test/incident/1#u",
    "https://[",
    "incident-1",
]
TEXTS = ["Type: Incident\nMar 4, 15:15:00 GMT+0 - Resolved - ", "<h3>Status: RESOLVED</h3>", "Status: X\n\n",
         "<strong>RESOLVED</strong> - ", "<small>3:23pm PST</small>", "Resolved: a\n\n"]  # fmt: skip


@quick
@given(
    st.sampled_from(TEXTS) | snippets,
    snippets,
    st.sampled_from(WORDS) | snippets,
    st.sampled_from(IDS),
    st.sampled_from(DATES),
    st.lists(st.sampled_from(["major_outage", "resolved", *DATES]) | snippets, max_size=2),
)
def test_any_item_is_read_by_every_platform(
    text: str, more: str, title: str, id_: str, date: str, categories: list[str]
) -> None:
    item = Item(id_, title, id_, date, date, text + more, more + text, "", categories)
    assert item.identify("")
    for format_ in ("rss", "atom"):
        document = Document(format_, Item(), [item], [(item, item.mark())], set(), 0, ["1"])
        for platform, dialect in DIALECTS.items():
            dialect.evidence(document)
            reading = read_items(document, dialect)
            assert reading.faults == [], platform
            assert_sound(Feed(platform, incidents=tuple(reading.incidents)))


@quick
@given(st.sampled_from(BODIES), st.data())
def test_a_damaged_document_is_a_feed_or_unreadable(body: bytes, data: st.DataObject) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(body)))
        until = at + data.draw(st.integers(0, 30))
        body = body[:at] + data.draw(st.binary(max_size=6)) + body[until:]
    assert_sound(attempt(body))


@quick
@given(st.sampled_from(FEEDS), st.data())
def test_a_document_cut_short_is_unreadable(body: bytes, data: st.DataObject) -> None:
    whole = body.rstrip(b"\n\0")
    cut = whole[: data.draw(st.integers(0, len(whole) - 2))]
    assert attempt(cut) is None


@quick
@given(st.sampled_from(FEEDS))
def test_what_is_known_is_swept_over_and_nothing_else(body: bytes) -> None:
    first = read(body)
    known = frozenset(mark for incident in first.incidents for mark in incident.marks)
    again = read(body, known | {b"another page's"})
    assert again.incidents == ()
    assert again.unchanged == known


@quick
@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
def test_order_and_knowledge_do_not_change_what_is_read(order: list[int], known: set[int]) -> None:
    items = [f"<item><guid>{n}</guid><title>[Resolved] {n}</title></item>" for n in range(6)]

    def body(numbers: list[int]) -> bytes:
        inside = "".join(items[n] for n in numbers)
        return f"<rss><channel>{inside}</channel></rss>".encode()

    whole = {incident.id: incident for incident in read(body(list(range(6)))).incidents}
    marks = frozenset(mark for n in known for mark in whole[str(n)].marks)
    feed = read(body(order), marks)
    assert [incident.id for incident in feed.incidents] == [str(n) for n in order if n not in known]
    assert all(incident == whole[incident.id] for incident in feed.incidents)
    assert feed.unchanged == marks


@quick
@given(snippets | st.text(), st.integers(1, 2_000))
def test_plain_text_is_bounded_safe_and_without_blank_lines(html: str, times: int) -> None:
    text = plain_html(html * times)
    assert len(text) <= MAX_MESSAGE
    assert all(line and line == line.strip() and is_safe(line) for line in text.split("\n") if text)


@quick
@given(
    st.text("0123456789:-+,TZ JanFebGMTPDT", max_size=40)
    | st.datetimes().map(str)
    | st.from_regex(r"[A-Z][a-z]{2}, \d{1,2} Mar \d{1,6} \d\d:\d\d:\d\d ([+-]\d{1,6}|[A-Z]{1,4})")
)
def test_any_text_is_a_date_or_none(text: str) -> None:
    time = moment(text)
    if time is not None:
        assert time.utcoffset() is not None
        assert 1969 <= time.astimezone().year <= 9000


MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split()


@quick
@given(
    st.datetimes(datetime(1971, 1, 1), datetime(2999, 1, 1)),  # noqa: DTZ001 - UTC is set below
    st.sampled_from([("UTC", 0), ("PST", -8), ("CEST", 2), ("-03", -3), ("GMT+5", 5), ("", 0)]),
    st.integers(-180, 180),
)
def test_clock_time_within_half_a_year_of_its_item_is_that_moment(
    near: datetime, zone: tuple[str, int], days: int
) -> None:
    near = near.replace(tzinfo=UTC)
    name, hours = zone
    meant = (near + timedelta(days=days)).replace(second=0, microsecond=0)
    shown = meant.astimezone(timezone(timedelta(hours=hours)))
    text = f"{MONTHS[shown.month - 1]} {shown.day:2}, {shown.hour:02}:{shown.minute:02} {name}"
    assert clock(text, near) == meant
