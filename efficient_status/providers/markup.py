"""HTML fragments → tokens → plain text that is safe to print anywhere.  Pure.

`html.parser` of the standard library does the reading; nothing here uses regular expressions on
markup.
"""

from __future__ import annotations

from html.parser import HTMLParser
from typing import NamedTuple
from urllib.parse import urljoin, urlsplit

# A message longer than this is cut; the page has the rest.
MAX_MESSAGE = 20_000  # characters
MAX_TITLE = 1_000  # characters
# html.parser takes more than linear time on some broken markup: do not give it more than this.
_MAX_MARKUP = 262_144  # characters

_BLOCKS = frozenset(
    "address article blockquote br dd div dl dt figure footer h1 h2 h3 h4 h5 h6 header hr li ol p"
    " pre section table td th tr ul".split()
)
_SILENT = frozenset({"script", "style", "template", "head"})


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
        if tag in _SILENT:
            self.silent = tag
        self.tokens.append(Token("start", tag))

    def handle_startendtag(self, tag: str, attrs: object) -> None:  # noqa: ARG002
        self.tokens.append(Token("start", tag))

    def handle_endtag(self, tag: str) -> None:
        if tag == self.silent:
            self.silent = ""
        self.tokens.append(Token("end", tag))

    def handle_data(self, data: str) -> None:
        if not self.silent:
            self.tokens.append(Token("text", data))


def tokens(html: str) -> list[Token]:
    """Read a fragment of HTML; whatever is broken in it is read as a browser would, roughly."""
    parser = _Tokens()
    parser.feed(html[:_MAX_MARKUP])
    parser.close()
    return parser.tokens


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


def one_line(text: str, limit: int = MAX_TITLE) -> str:
    """Plain text on one line."""
    return shorten(" ".join(clean(text).split()), limit)


def shorten(text: str, limit: int) -> str:
    """Cut text that is longer than `limit` characters, visibly."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _hazards() -> dict[int, str | None]:
    """Characters that move a cursor, colour a screen, hide or reorder text."""
    table: dict[int, str | None] = dict.fromkeys([*range(0x20), *range(0x7F, 0xA0)])
    table.update({ord("\t"): " ", ord("\r"): " ", ord("\n"): "\n", 0x85: "\n"})
    table.update({0x2028: "\n", 0x2029: "\n"})
    bidi = [0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
    hidden = [0x00AD, 0x180E, 0x200B, 0x2060, *range(0x206A, 0x2070), 0xFEFF]
    tags = [*range(0xFFF9, 0xFFFC), *range(0xE0000, 0xE0080)]
    table.update(dict.fromkeys([*bidi, *hidden, *tags]))
    return table


_HAZARDS = _hazards()


def clean(text: str) -> str:
    """Drop control, bidirectional and invisible characters and lone surrogates; keep line breaks.

    After Unicode TR36 (security considerations) and CVE-2021-42574 (bidirectional overrides).
    """
    if text.isascii() and text.isprintable():
        return text
    text = text.translate(_HAZARDS)
    return text.encode("utf-8", "ignore").decode("utf-8")


def web_url(link: str, base: str = "") -> str | None:
    """The link as a person can open it, or None.

    Links without a scheme (OnlineOrNot) and with double slashes (incident.io) are mended for
    display; ids never are.
    """
    link = "".join(clean(link).split())
    if not link:
        return None
    try:
        if not urlsplit(link).scheme and "." in link.partition("/")[0]:
            link = f"https://{link}"
        parts = urlsplit(urljoin(base, link))
    except ValueError:
        return None
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return None
    host = parts.netloc.rpartition("@")[2]  # never print credentials
    path = parts.path
    while "//" in path:
        path = path.replace("//", "/")
    return parts._replace(netloc=host, path=path).geturl()
