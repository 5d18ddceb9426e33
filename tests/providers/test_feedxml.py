"""The streaming reader: limits, marks, and what it sweeps over."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from efficient_status.errors import Unreadable
from efficient_status.models import Feed, Incident
from efficient_status.providers import DIALECTS, Dialect, Limits, read
from efficient_status.providers.decoding import decoded, mended
from efficient_status.providers.document import Document, Item
from efficient_status.providers.feedxml import parse
from efficient_status.providers.recognition import page_name

FIXTURES = Path(__file__).parents[2] / "fixtures"
FEED = (FIXTURES / "statuspage" / "update-heading.atom").read_bytes()


def rss(*items: str, head: str = "") -> bytes:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0"><channel>{head}{inside}</channel></rss>'.encode()


def marks(feed: Feed) -> frozenset[bytes]:
    return frozenset(mark for incident in feed.incidents for mark in incident.marks)


def only(body: bytes) -> Incident:
    (incident,) = read(body).incidents
    return incident


# What is news and what is not.


def test_known_item_is_swept_over_and_no_dialect_sees_it(monkeypatch: pytest.MonkeyPatch) -> None:
    first = read(FEED)

    def never(item: Item, document: Document) -> Incident:
        raise NotImplementedError

    statuspage = DIALECTS["statuspage"]
    monkeypatch.setitem(DIALECTS, "statuspage", Dialect(statuspage.evidence, never))
    again = read(FEED, marks(first))
    assert again.incidents == ()
    assert again.unchanged == marks(first)
    assert (again.dialect, again.evidence, again.title) == (
        first.dialect,
        first.evidence,
        first.title,
    )


def test_only_the_item_that_differs_is_read_again() -> None:
    known = marks(read(rss("<guid>1</guid><title>a</title>", "<guid>2</guid><title>b</title>")))
    feed = read(rss("<guid>1</guid><title>a</title>", "<guid>2</guid><title>c</title>"), known)
    assert [incident.title for incident in feed.incidents] == ["c"]
    assert len(feed.unchanged) == 1


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<pubDate>Wed, 04 Mar 2026 10:01:17 GMT</pubDate>", "<pubDate>soon</pubDate>"),
        ("<category>a</category><category>b</category>", "<category>b</category><category>a</category>"),
        ("<description>&lt;b&gt;x</description>", "<description><![CDATA[<b>x]]></description>"),
        ("<description>x</description>", "<description>\n  x\n</description>"),
        ("<title>x</title><link>y</link>", "<link>y</link><title>x</title>"),
        ("<description>x</description>", "<description>x</description><ttl>5</ttl>"),
        (
            "<description><![CDATA[x<ul>\n <li>A</li>\n <li>B</li>\n </ul>]]></description>",
            "<description><![CDATA[x<ul>\n <li>B</li>\n <li>A</li>\n </ul>]]></description>",
        ),
    ],
)  # fmt: skip
def test_mark_overlooks_what_is_no_news(before: str, after: str) -> None:
    one, other = (read(rss(f"<guid>1</guid>{item}")) for item in (before, after))
    assert marks(one) == marks(other)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<guid>1</guid>", "<guid>2</guid>"),
        ("<guid>1</guid><title>a</title>", "<guid>1</guid><title>b</title>"),
        ("<guid>1</guid><description>a</description>", "<guid>1</guid><description>b</description>"),
        ("<guid>1</guid><category>open</category>", "<guid>1</guid><category>resolved</category>"),
        ("<guid>1</guid><title>ab</title>", "<guid>1</guid><title>a</title><category>b</category>"),
    ],
)  # fmt: skip
def test_mark_sees_what_is_news(before: str, after: str) -> None:
    assert marks(read(rss(before))) != marks(read(rss(after)))


# Limits and refusals.


@pytest.mark.parametrize(
    ("body", "limits", "why"),
    [
        (rss("<guid>1</guid>", "<guid>2</guid>"), Limits(items=1), "expected at most 1 items (limits.items), got at least 2"),
        (rss(head=f"<title>{'x' * 101}</title>"), Limits(text=100), "at most 100 characters in one <title> (limits.text), got at least 101"),
        (rss(head=f"<title>{'<b/>' * 50}</title>"), Limits(text=100), "100 characters in one <title> (limits.text)"),
        (rss(head="<category/>" * 3), Limits(parts=2), "at most 2 categories (limits.parts), got at least 3"),
        (rss("<a><b/></a>"), Limits(depth=4), "at most 4 elements within each other (limits.depth), got at least 5"),
        (rss("<a b='" + "x" * 90 + "'/>"), Limits(tag=90), "at most 90 characters in one tag (limits.tag), got at least 97"),
        (rss("<a b='>' c='" + "x" * 90 + "'/>"), Limits(tag=90), "characters in one tag (limits.tag), got at least 103"),
        (b"<" + b"x" * 100_000 + b"/>", Limits(), "at most 65,536 characters in one tag (limits.tag), got at least 100,001"),
        (b"<" + b"x" * 60_000 + b"/>", Limits(), "got <" + "x" * 39 + "…>"),
    ],
    ids=["items", "text", "markup", "parts", "depth", "tag", "quoted-tag", "name", "root"],
)  # fmt: skip
def test_document_beyond_the_limits_is_refused(body: bytes, limits: Limits, why: str) -> None:
    with pytest.raises(Unreadable) as refusal:
        read(body, limits=limits)
    assert why in str(refusal.value)


def test_document_at_the_limits_is_read() -> None:
    body = rss(f"<title x='{'y' * 20}'>{'x' * 100}</title><category>a</category>")
    exact = Limits(depth=4, items=1, text=100, tag=30, parts=1)
    assert len(read(body, limits=exact).incidents) == 1


def test_one_huge_text_costs_its_item_and_a_large_one_is_cut() -> None:
    huge = f"<description>{'x ' * 600_000}</description><guid>1</guid>"
    feed = read(rss(huge, "<guid>2</guid>"))
    assert [incident.id for incident in feed.incidents] == ["2"]
    (fault,) = feed.faults
    assert fault.startswith(
        "item 1: expected at most 1,048,576 characters in one <summary> (limits.text)"
    )
    large = only(rss(f"<guid>1</guid><description>{'x ' * 500_000}</description>"))
    assert len(large.message) == 20_000
    assert large.message.endswith("…")


def test_refusal_of_malformed_xml_is_one_short_line() -> None:
    with pytest.raises(Unreadable) as refusal:
        read(b"<rss><channel>&" + b"x" * 100_000)
    assert len(str(refusal.value)) < 200
    assert "\n" not in str(refusal.value)


def test_processing_instructions_comments_and_strangers_are_passed_by() -> None:
    body = b'<?xml version="1.0"?><?xml-stylesheet href="x"?><!-- a --><rss><channel><item><?x?><guid>1</guid><!-- b --><x:y xmlns:x="urn:x">z</x:y></item></channel></rss><!-- c -->'
    assert only(body).id == "1"


# Items.


def test_fault_in_one_item_costs_that_item(monkeypatch: pytest.MonkeyPatch) -> None:
    generic = DIALECTS["generic"]

    def picky(item: Item, document: Document) -> Incident:
        if item.id == "2":
            raise ValueError("a flaw\nin two lines")
        return generic.incident(item, document)

    monkeypatch.setitem(DIALECTS, "generic", Dialect(generic.evidence, picky))
    feed = read(rss("<guid>1</guid>", "<guid>2</guid>", "<guid>3</guid>"))
    assert [incident.id for incident in feed.incidents] == ["1", "3"]
    (fault,) = feed.faults
    assert "item 2" in fault
    assert "\n" not in fault


@pytest.mark.parametrize(
    ("item", "id_"),
    [
        ("<guid>g</guid><link>https://s.test/1</link>", "g"),
        ("<link>https://s.test/1</link><guid>\n g \n</guid>", "g"),
        ("<guid/><link>https://s.test/1</link>", "https://s.test/1"),
        ("<guid>&#x202e;</guid><link>https://s.test/1</link>", "https://s.test/1"),
        ("<link>https://s.test</link><title>t</title>", "title:t"),
        ("<link>https://s.test/</link>", "https://s.test/"),
        ("<guid>https://s.test//incidents/01</guid>", "https://s.test//incidents/01"),
        ("<guid>first</guid><guid>second</guid>", "first"),
    ],
)
def test_id_is_the_guid_or_what_comes_next_to_it(item: str, id_: str) -> None:
    body = rss(item, head="<link>https://s.test/</link>")
    assert only(body).id == id_


def test_long_ids_that_begin_alike_stay_apart() -> None:
    feed = read(rss(*(f"<guid>{'x' * 600}{n}</guid>" for n in range(3))))
    assert len({incident.id for incident in feed.incidents}) == 3
    assert max(len(incident.id) for incident in feed.incidents) < 600


def test_fuller_text_is_the_body() -> None:
    assert Item(summary="ab", content="abc").body == "abc"
    assert Item(summary="ab", content="a").body == "ab"
    assert Item(summary="ab", content="ab").fuller == "summary"


def test_document_keeps_its_order_and_its_first_items() -> None:
    document = parse(rss(*(f"<guid>{n}</guid>" for n in range(5))))
    assert [item.id for item, _ in document.items] == list("01234")
    assert [item.id for item in document.first] == list("012")


# Characters.


@pytest.mark.parametrize(
    ("flawed", "whole"),
    [
        ("a & b", "a &amp; b"),
        ("a &amp; b &lt; &gt; &quot; &apos;", "a &amp; b &lt; &gt; &quot; &apos;"),
        ("&nbsp;&eacute;&LT;&nosuch;", "\xa0é&lt;&amp;nosuch;"),
        ("&#233;&#xe9;&#XE9;", "&#233;&#233;&#233;"),
        ("&#0;&#27;&#xd800;&#xffff;&#x110000;&#9999999;", "\ufffd" * 6),
        ("&#;&#x;&#12345678901;", "&amp;#;&amp;#x;&amp;#12345678901;"),
        ("a\0b\x1bc\td\ne", "a\ufffdb\ufffdc\td\ne"),
    ],
)
def test_mending_makes_xml_of_what_is_nearly_xml(flawed: str, whole: str) -> None:
    assert mended(flawed) == whole


@pytest.mark.parametrize("encoding", ["idna", "zip", "rot13", "unicode_escape", "mbcs", "aliases"])
def test_only_charsets_are_decoded(encoding: str) -> None:
    body = f'<?xml version="1.0" encoding="{encoding}"?><rss>'.encode() + b"\xff"
    with pytest.raises(Unreadable, match="unknown encoding"):
        decoded(body)


Maker = Callable[[str], bytes]


@pytest.mark.parametrize(
    "made",
    [
        lambda text: text.encode(),
        lambda text: b"\xef\xbb\xbf" + text.encode(),
        lambda text: text.encode("utf-16"),
        lambda text: text.encode("utf-16-be"),
        lambda text: text.encode("utf-32"),
        lambda text: b"\n\n" + text.encode(),
    ],
    ids=["utf-8", "utf-8-bom", "utf-16-bom", "utf-16-be", "utf-32-bom", "blanks"],
)
def test_byte_order_marks_and_zeros_tell_the_encoding(made: Maker) -> None:
    text = "<rss><channel><title>Störung ↯</title></channel></rss>"
    assert decoded(made(text)) == text


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Example Status - Incident History", "Example"),
        ("Example Status - Incident history", "Example"),
        ("Example status", "Example"),
        ("Example System Status", "Example"),
        ("Example", "Example"),
        ("Status", "Status"),
        ("  Two\n Words \u202eStatus ", "Two Words"),
        ("", ""),
    ],
)
def test_page_is_called_by_its_title_without_what_all_are_called(title: str, name: str) -> None:
    assert page_name(Item(title=title)) == name
