"""Documents that mean harm, or were harmed: refused in one line, at a cost in keeping with their size.

Nothing is timed.  What a document costs is counted: in allocated bytes, in calls of the parser.
"""

from __future__ import annotations

import builtins
import json
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import DefusedXMLParser

from efficient_status.errors import Unreadable
from efficient_status.filters import from_table, wanted
from efficient_status.models import Incident, Limits
from efficient_status.providers import decoding, read
from efficient_status.providers.jsonfeed import is_json
from efficient_status.providers.markup import _MAX_TAG, _terminated, plain_html
from efficient_status.providers.report_json import when
from tests.fuzz.targets import FIXTURES
from tests.providers.test_json_feed import INCIDENT, changed, document

MIB = 2**20


def rss(*items: str, head: str = "") -> bytes:
    inside = "".join(f"<item>{item}</item>" for item in items)
    return f'<rss version="2.0"><channel>{head}{inside}</channel></rss>'.encode()


def refusal(body: bytes, limits: Limits | None = None) -> str:
    with pytest.raises(Unreadable) as refused:
        read(body, limits=limits)
    return str(refused.value)


# What a document costs.


def filled(unit: str, head: str = "<rss><channel>", tail: str = "</channel></rss>") -> bytes:
    size = MIB // 4 if head.startswith("<") else MIB
    return (head + unit * (size // len(unit)) + tail).encode()


def references(count: int, reports: int = 1, text: str = "") -> bytes:
    """JSON:API in which everything refers to one large resource, as often as it can."""
    links = {"status_updates": {"data": [{"id": "u"}] * count}}
    about = {"type": "status_report", "attributes": {"title": "x"}, "relationships": links}
    large = {f"a{n}": 1 for n in range(count)} | {"message": text}
    update = {"type": "status_update", "id": "u", "attributes": large}
    included = [*({**about, "id": str(n)} for n in range(reports)), update]
    page = {"type": "status_page", "attributes": {}}
    return json.dumps({"data": page, "included": included}).encode()


def one_tag(*attributes: str) -> bytes:
    return f"<rss><channel><a {' '.join(attributes)}/></channel></rss>".encode()


COSTLY: dict[str, Callable[[], bytes]] = {
    "attributes": lambda: one_tag(*(f"a{n:x}=''" for n in range(30_000))),
    "namespaces": lambda: one_tag(*(f"xmlns:a{n:x}='u'" for n in range(20_000))),
    "bare-ampersands": lambda: filled("&", "<rss><channel><item><guid>1</guid></item>"),
    "no-entities": lambda: filled("&a;", "<rss><channel><item><guid>1</guid></item>"),
    "categories": lambda: filled("<category/>", "<rss><channel><item><guid>1</guid>", "</item></channel></rss>"),
    "comment": lambda: filled("x", "<rss><channel><!--", "--></channel></rss>"),
    "nesting": lambda: filled("<a>", "<rss>", ""),
    "json-lists": lambda: filled("[],", "[", "[]]"),
    "json-objects": lambda: filled("{},", "[", "{}]"),
    "json-members": lambda: json.dumps([{f"a{n:x}": 1} for n in range(140_000)]).encode(),
    "json-nesting": lambda: filled("[", "", ""),
    "json-references": lambda: references(2_000),
    "json-updates": lambda: filled(
        "{},", '{"page":{"id":"a"},"incidents":[{"id":"1","incident_updates":[', "{}]}]}"
    ),
}  # fmt: skip


@pytest.mark.parametrize("shape", COSTLY)
def test_no_document_takes_a_multiple_of_its_size(shape: str) -> None:
    """Each of these took 15 to 80 times its size once: 8 MiB of it would be a small VM's memory."""
    body = COSTLY[shape]()
    tracemalloc.start()
    try:
        read(body)
    except Unreadable:
        pass
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 10 * len(body) + MIB


def test_expat_gets_a_document_in_one_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before expat 2.6 a token that comes in many pieces is read again at each of them."""
    fed: list[int] = []

    class Counted(DefusedXMLParser):  # type: ignore[misc] # it has no types
        def feed(self, data: str) -> None:
            fed.append(len(data))
            super().feed(data)

    monkeypatch.setattr("efficient_status.providers.feedxml.DefusedXMLParser", Counted)
    body = rss("<guid>1</guid>", head=f"<!--{'x' * 500_000}--><a>{'y' * 500_000}</a>")
    assert len(read(body).incidents) == 1
    assert fed == [len(body)]


HOSTILE = ["<!--", "<![CDATA[", "<a ", "</a ", "</", "<a b='", "<a b='\"'", "<", "<?", "<!", "</script", "<a b=", "<é"]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_html_parser_never_looks_for_the_end_of_what_does_not_end(unit: str) -> None:
    """Each tag that it is given ends before the next begins, so that no search goes further."""
    given = _terminated(unit * (100_000 // len(unit)) + "tail")
    assert all(0 <= piece.find(">") <= _MAX_TAG for piece in given.split("<")[1:])


@pytest.mark.parametrize("size", [1_000, 100_000])
def test_mending_gives_up_on_what_is_nothing_but_faults(
    size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a document of bare «&» no more are looked at than a real one could have."""
    calls = 0
    reference = decoding._reference

    def counted(found: Any) -> str:
        nonlocal calls
        calls += 1
        return reference(found)

    monkeypatch.setattr(decoding, "_reference", counted)
    head = "<rss><channel><item><guid>1</guid></item>"
    body = f"{head}{'&' * size}</channel></rss>".encode()
    if size < 65_536:
        assert len(read(body).incidents) == 1
        assert calls == size
    else:
        assert "nothing but bare «&»" in refusal(body)
        assert calls < 65_536 + 2 * decoding._SLICE


def test_mending_cuts_no_reference_in_two() -> None:
    """Wherever a slice ends, the text is mended as if it were one."""
    for lead in range(decoding._SLICE - 10, decoding._SLICE + 5):
        text = f"{'x' * lead}&nbsp;&#233; & &amp;"
        assert decoding.mended(text) == f"{'x' * lead}\xa0&#233; &amp; &amp;"


def test_filter_walks_over_a_name_once() -> None:
    """A pattern with many «*» does not look for ever through a name that the page has chosen."""
    hostile = Incident("1", "t", components=("ab" * 100_000 + "c",))
    filters = from_table({"components": ["*a*b*a*b*a*b*a*b*a*d"]})
    assert not wanted(filters, hostile, "")
    assert wanted(from_table({"components": ["*A*b*C"]}), hostile, "")


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [
        ("a*a", "a", False),
        ("a*a", "aa", True),
        ("*", "", True),
        ("a*b*c", "a-b-b-c", True),
        ("a*b*c", "a-c-b", False),
        ("*b*b*", "abc", False),
        ("a", "A", True),
        ("a*", "ba", False),
    ],
)
def test_filter_star_stands_for_any_text(pattern: str, name: str, *, fits: bool) -> None:
    """Parts of a pattern neither overlap nor change places."""
    filters = from_table({"components": [pattern]})
    assert wanted(filters, Incident("1", "t", components=(name,)), "") is fits


# Bounds: the item where that is possible, else the document.


def test_too_much_text_costs_the_item_and_nothing_else() -> None:
    """Its neighbours are read, and one line says which item it was and which limit."""
    body = rss(f"<title>{'x' * 11}</title><guid>1</guid>", "<guid>2</guid><title>x</title>")
    feed = read(body, limits=Limits(text=10))
    assert [incident.id for incident in feed.incidents] == ["2"]
    assert feed.faults == (
        "item 1: expected at most 10 characters in one <title> (limits.text), got at least 11: skipped",
    )


def test_too_many_categories_cost_the_item() -> None:
    body = rss(f"<guid>1</guid>{'<category>a</category>' * 3}", "<guid>2</guid>")
    feed = read(body, limits=Limits(parts=2))
    assert [incident.id for incident in feed.incidents] == ["2"]
    assert "at most 2 categories (limits.parts), got at least 3" in feed.faults[0]


def test_too_many_components_cost_the_item() -> None:
    rows = "".join(f"<li>C{n} (Operational)</li>" for n in range(3))
    html = f"<b>Status: Resolved</b><br/>x<b>Affected components</b><ul>{rows}</ul>"
    items = [f"<guid>{n}</guid><description><![CDATA[{text}]]></description>"
             for n, text in enumerate((html, "<b>Status: Resolved</b>"))]  # fmt: skip
    feed = read(rss(*items, head="<generator>incident.io</generator>"), limits=Limits(parts=2))
    assert [incident.id for incident in feed.incidents] == ["1"]
    assert "item 0: expected at most 2 components (limits.parts), got at least 3" in feed.faults[0]


def test_an_object_beyond_a_bound_costs_itself() -> None:
    """In JSON too: a long text, a long name, many components."""
    long = changed(id="a2", name="x" * 101)
    name = changed(id="a3", components=[{"name": "y" * 101}])
    many = changed(id="a4", components=[{"name": str(n)} for n in range(9)])
    feed = read(document(INCIDENT, long, name, many), limits=Limits(text=100, parts=8))
    assert [incident.id for incident in feed.incidents] == ["a1"]
    assert [fault.rpartition(" (")[2] for fault in feed.faults] == [
        "limits.text), got at least 101: skipped",
        "limits.text), got at least 101: skipped",
        "limits.parts), got at least 9: skipped",
    ]


def test_one_text_is_not_read_again_and_again() -> None:
    """A document in which thousands of reports refer to one long text is read up to a bound."""
    body = references(1, reports=9, text="x" * 1_000)
    feed = read(body, limits=Limits(decoded_bytes=5_100))
    assert len(feed.incidents) == 5
    assert "(limits.decoded_bytes), got at least 6,006" in feed.faults[0]
    assert len(read(body).incidents) == 9


def test_a_page_link_of_megabytes_is_not_joined_to_every_item() -> None:
    """Nor is a date of digits read beyond its first hundred characters."""
    feed = read(
        rss("<guid>1</guid><link>a/b</link>", head=f"<link>https://s.test/{'a/' * 5_000}</link>")
    )
    assert feed.incidents[0].url is None
    assert when("1" * 1_000_000) is None


def test_faults_without_end_are_told_as_a_few() -> None:
    """Thousands of broken items are ten lines and a number, not thousands of lines."""
    feed = read(document(INCIDENT, *range(200)))
    assert len(feed.faults) == 11
    assert feed.faults[-1] == "190 more items: skipped"


@pytest.mark.parametrize("most", [3, 2])
def test_what_could_not_be_read_is_not_absent(most: int) -> None:
    """An item that is skipped does not close its incident where absence would."""
    head = "<title>A rss feed</title><description>Current status: x</description>"
    body = rss(f"<guid>1-2</guid>{'<category>a</category>' * 3}", head=head)
    feed = read(body, limits=Limits(parts=most))
    assert feed.dialect == "kuma-rss"
    assert feed.absence_closes is (most == 3)


def test_an_object_that_could_not_be_read_is_not_absent() -> None:
    """The same in JSON: `unresolved.json` closes what is gone, but not what is broken."""
    assert read(document(INCIDENT)).absence_closes
    assert not read(document(INCIDENT, 5)).absence_closes


# What XML may not do.

DTDS = {
    "internal": '<!DOCTYPE rss [<!ENTITY a "b">]>',
    "external": '<!DOCTYPE rss [<!ENTITY a SYSTEM "file://FILE">]>',
    "parameter": '<!DOCTYPE rss [<!ENTITY % p SYSTEM "file://FILE"> %p;]>',
    "external-subset": '<!DOCTYPE rss SYSTEM "file://FILE">',
    "public": '<!DOCTYPE rss PUBLIC "-//X//Y" "http://127.0.0.1:1/x.dtd">',
    "laughs": '<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY c "&b;&b;">]>',
    "quadratic": f'<!DOCTYPE rss [<!ENTITY a "{"x" * 50_000}">]>',
    "empty": "<!DOCTYPE rss>",
    "attributes": '<!DOCTYPE rss [<!ATTLIST item a CDATA "x">]>',
    "notation": '<!DOCTYPE rss [<!NOTATION n SYSTEM "x">]>',
}


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that nobody may open."""
    path = tmp_path / "secret"
    path.write_text("hunter2", encoding="utf-8")
    real = builtins.open

    def watched(file: Any, *arguments: Any, **options: Any) -> Any:
        assert str(file) != str(path)
        return real(file, *arguments, **options)

    monkeypatch.setattr(builtins, "open", watched)
    return path


@pytest.mark.parametrize("kind", DTDS)
def test_no_dtd_is_read_and_nothing_that_it_names(kind: str, secret: Path) -> None:
    """No entity is declared, so none can grow, and no file or address is opened."""
    item = "<guid>1</guid><title>&a;&a;&c;</title>"
    body = DTDS[kind].replace("FILE", str(secret)).encode() + rss(item)
    assert refusal(body) == "expected a feed, got a document with a DTD"


def test_instructions_and_inclusions_are_passed_by(secret: Path) -> None:
    """A style sheet, an XInclude and a base address are read over: nothing is fetched for them."""
    head = f'<?xml version="1.0"?><?xml-stylesheet href="file://{secret}"?><?php echo 1 ?>'
    inside = (
        f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="file://{secret}"/>'
        f'<guid>1</guid><link>file://{secret}</link><enclosure url="file://{secret}"/>'
    )
    feed = read(head.encode() + rss(inside))
    (incident,) = feed.incidents
    assert "hunter2" not in repr(feed)
    assert incident.url is None


# Encodings.

CYRILLIC, JAPANESE, CHINESE, KOREAN, LATIN = (
    "Сбой почты",
    "障害のお知らせ",
    "服务故障",
    "서비스 장애",
    "Störung",
)
ENCODED = [
    ("windows-1251", CYRILLIC), ("koi8-r", CYRILLIC), ("koi8-u", CYRILLIC), ("iso-8859-5", CYRILLIC),
    ("ibm866", CYRILLIC), ("shift_jis", JAPANESE), ("windows-31j", JAPANESE), ("euc-jp", JAPANESE),
    ("iso-2022-jp", JAPANESE), ("gb2312", CHINESE), ("gbk", CHINESE), ("gb18030", CHINESE),
    ("big5", "服務故障"), ("big5-hkscs", "服務故障"), ("euc-kr", KOREAN), ("windows-1250", "Výpadek"),
    ("iso-8859-2", "Výpadek"), ("windows-1252", LATIN), ("iso-8859-1", LATIN), ("iso-8859-15", LATIN),
    ("macintosh", LATIN), ("windows-1253", "Βλάβη"), ("iso-8859-7", "Βλάβη"), ("windows-1254", "Kesinti ığ"),
    ("iso-8859-9", "Kesinti ığ"), ("windows-1255", "תקלה"), ("iso-8859-8", "תקלה"), ("windows-1256", "عطل"),
    ("iso-8859-6", "عطل"), ("windows-1257", "Gedimą"), ("iso-8859-13", "Gedimą"), ("windows-1258", "Lôi"),
    ("tis-620", "ขัดข้อง"), ("windows-874", "ขัดข้อง"), ("us-ascii", "Outage"), ("utf-8", CYRILLIC + JAPANESE),
]  # fmt: skip
PYTHON_NAMES = {
    "windows-31j": "cp932",
    "windows-874": "cp874",
    "macintosh": "mac_roman",
    "ibm866": "cp866",
}


@pytest.mark.parametrize(("encoding", "title"), ENCODED, ids=[name for name, _ in ENCODED])
def test_legacy_encodings_are_read_as_they_are_declared(encoding: str, title: str) -> None:
    """Expat knows four encodings; feeds come in forty."""
    text = f'<?xml version="1.0" encoding="{encoding}"?>{rss(f"<title>{title}</title>").decode()}'
    (incident,) = read(text.encode(PYTHON_NAMES.get(encoding, encoding))).incidents
    assert incident.title == title


FEED = f'<?xml version="1.0" encoding="ENC"?>{rss(f"<title>{LATIN}</title>").decode()}'


def encoded(declared: str, actual: str, mark: bytes = b"") -> bytes:
    return mark + FEED.replace("ENC", declared).encode(actual)


@pytest.mark.parametrize(
    ("body", "title"),
    [
        (encoded("utf-16", "utf-16"), LATIN),
        (encoded("utf-16", "utf-16-le", b"\xff\xfe"), LATIN),
        (encoded("utf-16", "utf-16-be", b"\xfe\xff"), LATIN),
        (encoded("utf-16", "utf-16-le"), LATIN),
        (encoded("utf-16", "utf-16-be"), LATIN),
        (encoded("utf-32", "utf-32"), LATIN),
        (encoded("utf-32", "utf-32-be", b"\0\0\xfe\xff"), LATIN),
        (encoded("utf-8", "utf-16"), LATIN),
        (encoded("utf-16", "utf-8"), LATIN),
        (encoded("iso-8859-1", "utf-8", b"\xef\xbb\xbf"), LATIN),
        (encoded("x-klingon", "utf-8"), LATIN),
        (encoded("utf-7", "utf-8"), LATIN),
        (encoded("utf-7", "utf-7"), "St+APY-rung"),
        (encoded("utf-8", "iso-8859-1"), "St\ufffdrung"),
        (encoded("us-ascii", "iso-8859-1"), LATIN),
        (FEED.replace(' encoding="ENC"', "").encode("iso-8859-1"), "St\ufffdrung"),
        (encoded("utf-8", "utf-8").replace(b"rung", b"\xed\xa0\x80rung"), "Stö\ufffd\ufffd\ufffdrung"),
        (encoded("utf-8", "utf-8").replace(b"rung", b"\0rung"), "Stö\ufffdrung"),
        (encoded("utf-8", "utf-8").replace(b"rung", b"\xf5\xc0\xafrung"), "Stö\ufffd\ufffd\ufffdrung"),
    ],
)  # fmt: skip
def test_what_the_bytes_show_overrules_the_declaration(body: bytes, title: str) -> None:
    """A byte order mark wins, a wrong byte costs itself, never the feed."""
    assert read(body).incidents[0].title == title


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (encoded("x-klingon", "iso-8859-1"), "unknown encoding x-klingon"),
        (b"+ADw-rss+AD4-", "malformed XML"),
        (encoded("cp037", "cp037"), "malformed XML"),
        (encoded("utf-32", "utf-32-le"), "malformed XML"),
        (encoded("utf-32", "utf-32-be"), "malformed XML"),
        (encoded("utf-16", "utf-16-le", b"\xfe\xff"), "malformed XML"),
        (encoded("utf-8", "utf-8")[:-1], "malformed XML"),
        (b"\0" * 100, "malformed XML"),
        (b"\xff\xfe", "an empty body"),
        (b"\x1f\x8b\x08" + b"x" * 50, "malformed XML"),
        (b"<!doctype html><p>", "an HTML page"),
    ],
)
def test_bytes_in_no_encoding_are_refused(body: bytes, why: str) -> None:
    """UTF-7, EBCDIC, UTF-32 without its mark and the like end in one line."""
    assert why in refusal(body)


def test_an_unknown_encoding_is_judged_by_the_whole_document() -> None:
    """Not by its first 4,096 bytes, which may end within a character."""
    for lead in range(4):
        body = b'<?xml version="1.0" encoding="x-klingon"?>' + rss(
            f"<title>{'x' * lead}{'ö' * 3_000}</title>"
        )
        assert not is_json(body)
        assert len(read(body).incidents) == 1


# Truncation.


def _smallest() -> list[Path]:
    """Of each dialect the smallest document with incidents, XML and JSON."""
    found: dict[tuple[str, bool], Path] = {}
    for path in sorted(FIXTURES.glob("[!r]*/*"), key=lambda path: path.stat().st_size):
        if path.suffix != ".toml":
            found.setdefault((path.parent.name, is_json(path.read_bytes())), path)
    return sorted(found.values())


@pytest.mark.parametrize("path", _smallest(), ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_a_document_cut_at_any_byte_is_unreadable(path: Path) -> None:
    """It never looks like a shorter document, in which incidents would be missing."""
    body = path.read_bytes()
    whole = body.rstrip(b" \r\n\0;")  # what follows the root element says nothing
    for end in range(len(whole)):
        with pytest.raises(Unreadable):
            read(whole[:end])
    read(body)


def test_html_is_read_by_no_more_than_its_beginning() -> None:
    """A text of megabytes is cut before it is looked at: a message has 20,000 characters."""
    assert plain_html(" " * 262_144 + "never seen") == ""
