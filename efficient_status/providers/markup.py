"""HTML fragments → tokens → plain text that is safe to print anywhere.  Pure.

Rules: whatever comes in, nothing is raised, and the time taken is linear in its length.
"""

from __future__ import annotations

import re
from html import unescape
from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

from efficient_status.harmless import clean, one_line, shorten

# A message longer than this is cut; the page has the rest.
MAX_MESSAGE = 20_000  # characters
MAX_URL = 2_000  # characters; a longer one is none
_MAX_MARKUP = 262_144  # characters
_MAX_TAG = 4_096  # characters of one tag with its attributes

_BLOCKS = frozenset(
    "address article blockquote br dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr li ol p"
    " pre section table td th tr ul".split()
)
_SILENT = frozenset({"script", "style", "template", "title"})


class Token(NamedTuple):
    """One of `("start", tag)`, `("end", tag)`, `("text", characters)`."""

    kind: str
    value: str


class _Tokens(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tokens: list[Token] = []
        self.silent = ""

    def handle_starttag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.silent = self.silent or (tag if tag in _SILENT else "")
        self.tokens.append(Token("start", tag))

    def handle_startendtag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.tokens.append(Token("start", tag))

    def handle_endtag(self, tag: str) -> None:
        self.silent = "" if tag == self.silent else self.silent
        self.tokens.append(Token("end", tag))

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.tokens.append(Token("text", data))


def tokens(html: str) -> list[Token]:
    """Read a fragment of HTML; whatever is broken in it is read as a browser would, roughly."""
    html = html[:_MAX_MARKUP]
    parser = _Tokens()
    try:
        parser.feed(_terminated(html))
        parser.close()
    except ValueError:  # a character reference of more digits than int() takes
        return [Token("text", html)]
    return parser.tokens


def _terminated(html: str) -> str:
    """Markup in which every «<» that opens a tag is closed before the next one.

    `html.parser` looks for the end of what is never closed again and again: minutes for 256 kB
    of «<a » (python/cpython#135462), and an AssertionError for «<![».  Comments and declarations
    say nothing to a reader and are dropped.
    """
    first, *pieces = _without_comments(html).split("<")
    parts = [first]
    for piece in pieces:
        tag, closed, text = piece.partition(">")
        if piece[:1] in ("!", "?"):
            parts.append(text)
        elif closed and len(tag) < _MAX_TAG and (tag[:1].isalpha() or tag[:1] == "/"):
            parts.append(f"<{piece}")
        elif not piece[:1].isalpha() and piece[:1] != "/":
            parts.append(f"&lt;{piece}")
    return "".join(parts)


def _without_comments(html: str) -> str:
    parts = []
    start = 0
    while (opening := html.find("<!--", start)) >= 0:
        parts.append(html[start:opening])
        end = html.find("-->", opening + 2)
        if end < 0:
            return "".join(parts)
        start = end + 3
    return "".join([*parts, html[start:]])


def text_tokens(text: str) -> list[Token]:
    """Tokens of what is declared to be plain text: one paragraph a line."""
    return [
        token for line in text.splitlines() for token in (Token("text", line), Token("start", "br"))
    ]


def plain(fragment: list[Token], limit: int = MAX_MESSAGE) -> str:
    """Plain text of tokens: one line a block, blank lines dropped, runs of blanks folded."""
    parts: list[str] = []
    for kind, value in fragment:
        if kind == "text":
            parts.append(value.replace("\n", " "))
        elif value in _BLOCKS:
            parts.append("\n- " if (kind, value) == ("start", "li") else "\n")
    lines = (" ".join(clean(line).split()) for line in "".join(parts).split("\n"))
    return shorten("\n".join(line for line in lines if line and line != "-"), limit)


def plain_html(html: str, limit: int = MAX_MESSAGE) -> str:
    """Plain text of an HTML fragment."""
    return plain(tokens(html), limit)


def plain_title(title: str, *, html: bool, format_: str) -> str:
    """A title on one line.

    RSS does not say whether a title is HTML, and many are escaped twice: references are
    resolved there, but what looks like a tag is text.
    """
    if html:
        return one_line(plain_html(title))
    return one_line(
        _REFERENCE.sub(lambda found: unescape(found[0]), title) if format_ == "rss" else title
    )


def unescaped(text: str) -> str:
    """Text with its character references resolved, as a browser does."""
    try:
        return unescape(text)
    except ValueError:  # one of more digits than int() takes
        return text


_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")


def _address(link: str) -> str:
    return "".join(clean(link).split())


def web_url(link: str, base: str = "") -> str | None:
    """The link as a person can open it, or None.

    Links without a scheme (OnlineOrNot) and with a double slash after the host (incident.io) are
    mended for display; ids never are.
    """
    link = _address(link)
    if not link or len(link) > MAX_URL:
        return None
    try:
        if not urlsplit(link).scheme and "." in link.partition("/")[0]:
            link = f"https://{link}"
        parts = urlsplit(urljoin(_address(base) if len(base) <= MAX_URL else "", link))
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = parts.netloc.rpartition("@")[2]  # never print credentials
    path = parts.path.lstrip("/")
    return parts._replace(netloc=host, path=f"/{path}" if parts.path else "").geturl()
