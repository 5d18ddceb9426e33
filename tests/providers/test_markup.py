"""HTML fragments become plain text that is safe to print anywhere."""

from __future__ import annotations

import pytest

from efficient_status.harmless import clean, one_line, shorten
from efficient_status.providers.markup import (
    MAX_MESSAGE,
    Token,
    plain,
    plain_html,
    plain_title,
    text_tokens,
    tokens,
    web_url,
)


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("", ""),
        ("just text", "just text"),
        ("<p>one</p><p>two</p>", "one\ntwo"),
        ("one<br>two<br/>three<br />four", "one\ntwo\nthree\nfour"),
        ("<P>one<BR>two</P>", "one\ntwo"),
        ("one\n\n  two", "one two"),
        ("<ul><li>a</li><li>b</li></ul>c", "- a\n- b\nc"),
        ("<ul>\n  <li>\n a\n </li>\n</ul>", "- a"),
        ("<ul><li></li></ul>x", "x"),
        ("a <b>bold</b> <i>word</i>", "a bold word"),
        ("a&nbsp;b &amp; c &lt;d&gt; &copy; &#8211; &unknown;", "a b & c <d> © – &unknown;"),
        ("&amp;lt;b&amp;gt;", "&lt;b&gt;"),
        ("<table><tr><td>a</td><td>b</td></tr></table>", "a\nb"),
        ("<script>alert('<p>')</script>shown", "shown"),
        ("<SCRIPT>alert(1)</Script>shown", "shown"),
        ("<style>p { }</style>shown", "shown"),
        ("<style>never closed", ""),
        ("<html><head><title>no</title></head><body>shown</body></html>", "shown"),
        ("<template><style>x</style>no</template>shown", "shown"),
        ("<!-- no -->shown<!-- <b>no</b> -->", "shown"),
        ("shown<!-- never closed", "shown"),
        ("<!-->shown", "shown"),
        ("<!DOCTYPE html><?php no ?>shown", "shown"),
        ("<![if !IE]>shown<![endif]>", "shown"),
        ("<![\nshown", ""),
        ("1 < 2 <3 > 0 <", "1 < 2 <3 > 0 <"),
        ("a </ b> c", "a c"),
        ("cut off <a href='x", "cut off"),
        ("<a title=\"a > b\" data-x='>'>shown</a>", "shown"),
        ("<p don't>isn't <b>swallowed</b></p>", "isn't swallowed"),
        ("<br/><img src=x.png/>shown", "shown"),
        ("<x:y-z>shown</x:y-z>", "shown"),
        ("&#" + "9" * 5_000 + ";", "&#" + "9" * 5_000 + ";"),
        ("&#0;&#27;[31m&#x202e;", "\ufffd[31m"),
    ],
    ids=lambda text: ascii(text[:40]),
)
def test_html_reads_as_a_person_would(html: str, text: str) -> None:
    assert plain_html(html) == text


def test_tokens_are_tags_in_lower_case_and_text() -> None:
    assert tokens("<P class=x>a &amp; b<br/></P>") == [
        Token("start", "p"),
        Token("text", "a & b"),
        Token("start", "br"),
        Token("end", "p"),
    ]


def test_plain_text_keeps_its_lines_and_its_angle_brackets() -> None:
    assert plain(text_tokens("a <b>\n\nc &amp; d")) == "a <b>\nc &amp; d"


def test_message_is_cut_visibly() -> None:
    assert plain_html("word " * 10_000) == ("word " * 10_000)[: MAX_MESSAGE - 1].rstrip() + "…"
    assert shorten("short", 5) == "short"
    assert shorten("longer", 5) == "long…"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("plain", "plain"),
        ("Ünïcödé 服务 👩\u200d🚒 \u0628\u0647\u200c\u062a\u0631", "Ünïcödé 服务 👩\u200d🚒 \u0628\u0647\u200c\u062a\u0631"),
        ("a\x1b[31mb\x07\x00\x7f\x9b", "a[31mb"),
        ("a\tb\rc", "a b c"),
        ("a\nb", "a\nb"),
        ("a\x85b\u2028c\u2029d", "a\nb\nc\nd"),
        ("a\u202eb\u2066c\u2069\u200e\u200f\u061c", "abc"),
        ("a\u00adb\u200bc\u2060d\ufeffe", "abcde"),
        ("a\U000e0041\U000e007fb", "ab"),
        ("a\ud800b", "ab"),
    ],
    ids=lambda text: ascii(text[:20]),
)  # fmt: skip
def test_what_moves_a_cursor_hides_or_reorders_is_dropped(text: str, safe: str) -> None:
    assert clean(text) == safe


def test_one_line_is_one_line() -> None:
    assert one_line(" a\n\tb\u2028c\x0bd ") == "a b cd"
    assert one_line("x" * 2_000) == "x" * 999 + "…"


@pytest.mark.parametrize(
    ("title", "html", "kind", "shown"),
    [
        ("R&amp;D &lt;b&gt;", True, "atom", "R&D <b>"),
        ("R&D <b>bold</b>", True, "atom", "R&D bold"),
        ("R&amp;D", False, "atom", "R&amp;D"),
        ("R&amp;D", False, "rss", "R&D"),
        ("AT&T &copy &#8211; <b>", False, "rss", "AT&T &copy – <b>"),
        ("&#x202e;a&#10;b", False, "rss", "a b"),
    ],
)
def test_title_is_read_as_its_format_means_it(
    title: str, *, html: bool, kind: str, shown: str
) -> None:
    assert plain_title(title, html=html, format_=kind) == shown


@pytest.mark.parametrize(
    ("link", "base", "url"),
    [
        ("https://s.test/a?b=1&c#d", "", "https://s.test/a?b=1&c#d"),
        ("https://s.test", "", "https://s.test"),
        ("https://s.test//incidents/01", "", "https://s.test/incidents/01"),
        ("https://s.test/web/https://x.test", "", "https://s.test/web/https://x.test"),
        ("s.test/incidents/a", "", "https://s.test/incidents/a"),
        ("/incidents/a", "https://s.test/history", "https://s.test/incidents/a"),
        ("incidents/a", "https://s.test/", "https://s.test/incidents/a"),
        ("//s.test/a", "https://x.test/", "https://s.test/a"),
        ("/a", "https://s.test\x7f\u202e/", "https://s.test/a"),
        (" https://s.test/a\n b\x1b[31m ", "", "https://s.test/ab[31m"),
        ("https://user:secret@s.test:8443/a", "", "https://s.test:8443/a"),
        ("https://s.test/\u202egnp", "", "https://s.test/gnp"),
        ("incidents/a", "", None),
        ("", "https://s.test/", None),
        ("javascript:alert(1)", "https://s.test/", None),
        ("file:///etc/passwd", "", None),
        ("https://", "", None),
        ("https://[bad", "", None),
        ("tag:s.test,2005:Incident/1", "https://s.test/", None),
        ("https://s.test/" + "a" * 2_000, "", None),
    ],
)
def test_link_is_one_that_a_person_can_open_or_none(link: str, base: str, url: str | None) -> None:
    assert web_url(link, base) == url
