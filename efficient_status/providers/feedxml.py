"""Bytes of RSS 0.9x/1.0/2.0 or Atom → a `Document` of raw items, streamed through defusedxml.

This file knows elements, not platforms: no HTML is read, no date parsed, no state looked for.

The frontier ("up to the last seen GUID", see DESIGN.md) lives here: every item gets a mark, a
fingerprint of its id and raw text.  An item whose mark is already known is swept over: its strings
are dropped as soon as it ends and nothing else is made of it.  Only unknown or different items
come out.

Rules: a DTD, an entity declaration or an external reference ends the reading; so do a root that
is no feed, more nesting, items or text than `Limits` allow, and bytes that are no XML.  All of
them raise `Unreadable`, nothing else is raised.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from typing import NoReturn
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException, DTDForbidden
from defusedxml.ElementTree import DefusedXMLParser

from efficient_status.errors import Unreadable
from efficient_status.models import fingerprint
from efficient_status.providers.markup import clean

ATOM = "{http://www.w3.org/2005/Atom}"
_ATOM03 = "{http://purl.org/atom/ns#}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_RSS10 = "{http://purl.org/rss/1.0/}"
_RSS090 = "{http://my.netscape.com/rdf/simple/0.9/}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}"

MAX_ID = 500  # characters of an item's id that are kept

# Root element → format.
_ROOTS = {
    "rss": "rss",
    f"{ATOM}feed": "atom",
    f"{_ATOM03}feed": "atom",
    f"{_RDF}RDF": "rss",
}

# Element → attribute of Item or Head.  Only direct children of an item, or of the channel, count.
_FIELDS = {
    f"{ns}{local}": name
    for namespaces, pairs in (
        (
            ("", _RSS10, _RSS090),
            {
                "title": "title",
                "link": "link",
                "description": "summary",
                "pubDate": "published",
                "lastBuildDate": "updated",
                "guid": "id",
                "category": "categories",
                "generator": "generator",
            },
        ),
        (
            (ATOM, _ATOM03),
            {
                "title": "title",
                "id": "id",
                "published": "published",
                "issued": "published",
                "updated": "updated",
                "modified": "updated",
                "summary": "summary",
                "content": "content",
                "generator": "generator",
            },
        ),
        ((_DC,), {"date": "published", "identifier": "id"}),
        ((_CONTENT,), {"encoded": "content"}),
    )
    for ns in namespaces
    for local, name in pairs.items()
}
_ITEMS = {"item", f"{_RSS10}item", f"{_RSS090}item", f"{ATOM}entry", f"{_ATOM03}entry"}
_CHANNELS = {"channel", f"{_RSS10}channel", f"{_RSS090}channel"}
_ATOM_LINKS = {f"{ATOM}link", f"{_ATOM03}link"}
_ATOM_CATEGORY = f"{ATOM}category"


@dataclass(frozen=True, slots=True)
class Limits:
    """What a document may cost at most; see README for the configuration keys."""

    depth: int = 64
    items: int = 5_000
    text: int = 1_048_576  # characters in one element


@dataclass(slots=True)
class Item:
    """One `<item>` or `<entry>`, strings as the document has them (entities and CDATA decoded)."""

    id: str = ""
    title: str = ""
    link: str = ""
    published: str = ""
    updated: str = ""
    summary: str = ""
    content: str = ""
    generator: str = ""
    categories: list[str] = field(default_factory=list)
    html_title: bool = False
    plain_content: bool = False

    def identify(self) -> bool:
        """Settle `id`: guid or id, else the link, else the title; False if there is none of them.

        Ids reach terminals and programs too, so they are made safe; long ones are cut.
        """
        id_ = clean(self.id or self.link or (f"title:{self.title}" if self.title else ""))
        if len(id_) > MAX_ID:
            id_ = f"{id_[:MAX_ID]}…{fingerprint(id_).hex()}"
        self.id = id_
        return bool(id_)

    @property
    def body(self) -> str:
        """The longer text where there are two (they are often copies of one another)."""
        return self.content if len(self.content) > len(self.summary) else self.summary

    def mark(self) -> bytes:
        """Fingerprint of the raw item: equal marks need no reading.

        Dates are left out: a moved stamp alone is not news.  The order of list items is left
        out: incident.io permutes it with every cache generation.
        """
        texts = {"".join(sorted(text.split("<li"))) for text in (self.summary, self.content)}
        return fingerprint(self.id, self.title, *sorted(texts), *sorted(self.categories))


@dataclass(slots=True)
class Document:
    """What came out of one feed document.

    Attributes:
        format: "rss" or "atom".
        head: the feed's own title, link, id, generator, description (as `summary`).
        items: unknown or different ones, in the document's order, each with its mark.
        unchanged: marks of the known items that were swept over.
        nameless: how many items had neither id nor link nor title.
    """

    format: str
    head: Item
    items: list[tuple[Item, bytes]]
    unchanged: set[bytes]
    nameless: int


def parse(
    body: bytes, known: frozenset[bytes] = frozenset(), limits: Limits | None = None
) -> Document:
    """Read a whole, decoded feed document.

    Args:
        known: marks of items that are known as they are.

    Raises:
        Unreadable: it is no feed, or not safe to read.
    """
    target = _Target(known, limits or Limits())
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        # In one piece: expat < 2.6 takes quadratic time for a token that comes in many.
        parser.feed(_transcoded(body))
        parser.close()
    except DTDForbidden as error:
        what = "an HTML page" if str(error.name).lower() == "html" else "a document with a DTD"
        raise Unreadable(f"expected a feed, got {what}") from error
    except DefusedXmlException as error:
        raise Unreadable(f"refused for safety: {type(error).__name__}") from error
    except ParseError as error:
        raise Unreadable(_malformed(body, error)) from error
    except (ValueError, LookupError) as error:  # encodings, see _transcoded
        raise Unreadable(f"the XML cannot be decoded: {error}") from error
    return target.document()


def _malformed(body: bytes, error: ParseError) -> str:
    head = body[:512].lstrip().lower()
    if not head:
        return "expected a feed, got an empty body"
    if b"<html" in head or head.startswith(b"<!doctype html"):
        return "expected a feed, got an HTML page"
    return f"expected a feed, got malformed XML ({error})"


_DECLARED = re.compile(rb"""^<\?xml[^>]{0,100}encoding=["']([A-Za-z0-9._-]{1,40})["']""")


def _transcoded(body: bytes) -> bytes | str:
    """Strip what may stand before the XML declaration; decode what expat has no table for."""
    body = body.lstrip(b" \t\r\n")
    declared = _DECLARED.match(body)
    if declared is None:
        return body
    encoding = declared[1].decode("ascii")
    if encoding.lower() in ("utf-8", "utf8", "us-ascii", "iso-8859-1", "utf-16"):
        return body
    return body.decode(encoding, errors="replace")


class _Target:
    """Receives expat's events; raises `Unreadable` to stop at once."""

    def __init__(self, known: frozenset[bytes], limits: Limits) -> None:
        self.known = known
        self.limits = limits
        self.format = ""
        self.head = Item()
        self.items: list[tuple[Item, bytes]] = []
        self.unchanged: set[bytes] = set()
        self.nameless = 0
        self.count = 0
        self.depth = 0
        self.holder = self.head  # the item being filled, or the head
        self.holder_depth = 0  # depth of its element; its fields are one deeper
        self.item_depth = 0
        self.name = ""  # the field being filled
        self.parts: list[str] = []
        self.length = 0
        self.nested = False  # markup stands unescaped inside the field

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > self.limits.depth:
            self.stop(f"elements nested deeper than {self.limits.depth}")
        if self.depth == 1:
            self.root(tag)
        elif self.name:
            self.nested = True
            self.parts.append(f"<{tag.rpartition('}')[2]}>")
        elif tag in _ITEMS and not self.item_depth:
            self.begin_item(attributes)
        elif tag in _CHANNELS and not self.item_depth:
            self.holder_depth = self.depth
        elif self.depth == self.holder_depth + 1:
            self.begin_field(tag, attributes)

    def root(self, tag: str) -> None:
        self.format = _ROOTS.get(tag, "")
        self.holder_depth = 1
        if not self.format:
            local = tag.rpartition("}")[2][:40]
            what = "an HTML page" if local.lower() == "html" else f"<{local}>"
            self.stop(f"expected a feed (<rss>, <feed> or <rdf:RDF>), got {what}")

    def begin_item(self, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > self.limits.items:
            self.stop(f"more than {self.limits.items} items")
        self.holder = Item(id=attributes.get(f"{_RDF}about", ""))
        self.holder_depth = self.item_depth = self.depth

    def begin_field(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _ATOM_LINKS:
            if attributes.get("rel", "alternate") == "alternate" and not self.holder.link:
                self.holder.link = attributes.get("href", "").strip()
        elif tag == _ATOM_CATEGORY:
            self.holder.categories.append(attributes.get("term", ""))
        elif name := _FIELDS.get(tag):
            self.name = name
            if tag.startswith("{") and name == "title":
                self.holder.html_title = attributes.get("type", "text") in ("html", "xhtml")
            if name == "content":
                self.holder.plain_content = attributes.get("type") in ("text", "text/plain")

    def data(self, text: str) -> None:
        if not self.name:
            return
        self.length += len(text)
        if self.length > self.limits.text:
            self.stop(f"more than {self.limits.text} characters in one <{self.name}>")
        self.parts.append(escape(text, quote=False) if self.nested else text)

    def end(self, tag: str) -> None:
        if self.name and self.depth > self.holder_depth + 1:
            self.parts.append(f"</{tag.rpartition('}')[2]}>")
        elif self.name:
            self.end_field()
        elif self.item_depth == self.depth:
            self.end_item()
        self.depth -= 1

    def end_field(self) -> None:
        text = "".join(self.parts).strip()
        if self.name == "categories":
            self.holder.categories.append(text)
        elif not getattr(self.holder, self.name):
            setattr(self.holder, self.name, text)
        self.name = ""
        self.parts.clear()
        self.length = 0
        self.nested = False

    def end_item(self) -> None:
        item, self.holder = self.holder, self.head
        self.holder_depth = self.item_depth - 1
        self.item_depth = 0
        if not item.identify():
            self.nameless += 1
            return
        mark = item.mark()
        if mark in self.known:
            self.unchanged.add(mark)
        else:
            self.items.append((item, mark))

    def stop(self, why: str) -> NoReturn:
        raise Unreadable(why)

    def close(self) -> None:
        """Expat has seen the end of the root element."""

    def document(self) -> Document:
        return Document(self.format, self.head, self.items, self.unchanged, self.nameless)
