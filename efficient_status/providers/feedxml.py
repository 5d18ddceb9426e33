"""Bytes of RSS 0.9x/1.0/2.0 or Atom → a `Document` of raw items, streamed through defusedxml.

This file knows elements, not platforms: no HTML is read, no date parsed, no state looked for.

The frontier ("up to the last seen GUID", see DESIGN.md) lives here: every item gets a mark, a
fingerprint of its id and raw text.  An item whose mark is already known is swept over: its strings
are dropped as soon as it ends and nothing else is made of it.  Only unknown or different items
come out.  Where a platform only ever adds on top (`Dialect.append_only`), the first known item ends
the reading: expat is stopped, and what stands below is not even looked at.

Rules: a DTD, an entity declaration or an external reference ends the reading; so do a root that
is no feed, more nesting, items or text than `Limits` allow, and bytes that are no XML even when
`decoding.mended`.  All of them raise `Unreadable`, nothing else is raised.  Too much text, or too
many categories, in one item cost that item.
"""

from __future__ import annotations

import re
from html import escape
from xml.etree.ElementTree import ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import DefusedXMLParser

from efficient_status.errors import Unreadable
from efficient_status.harmless import one_line
from efficient_status.models import Limits
from efficient_status.providers.decoding import MENDABLE, decoded, mended
from efficient_status.providers.document import Document, Item, beyond

ATOM = "{http://www.w3.org/2005/Atom}"
_ATOM03 = "{http://purl.org/atom/ns#}"
_RDF = "{http://www.w3.org/1999/02/22-rdf-syntax-ns#}"
_RSS10 = "{http://purl.org/rss/1.0/}"
_RSS090 = "{http://my.netscape.com/rdf/simple/0.9/}"
_DC = "{http://purl.org/dc/elements/1.1/}"
_CONTENT = "{http://purl.org/rss/1.0/modules/content/}"

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
        ((_DC,), {"date": "published"}),
        ((_CONTENT,), {"encoded": "content"}),
    )
    for ns in namespaces
    for local, name in pairs.items()
}
_ITEMS = {"item", f"{_RSS10}item", f"{_RSS090}item", f"{ATOM}entry", f"{_ATOM03}entry"}
_CHANNELS = {"channel", f"{_RSS10}channel", f"{_RSS090}channel"}
_ATOM_LINKS = {f"{ATOM}link", f"{_ATOM03}link"}
_ATOM_CATEGORY = f"{ATOM}category"
_LISTS = {"categories"}
_MARKUP = {"html", "xhtml", "text/html", "application/xhtml+xml"}  # RFC 4287 3.1, and Atom 0.3
_PLAIN = {"text", "text/plain"}
_FIRST = 3  # items that a platform is recognised by


def parse(
    body: bytes,
    known: frozenset[bytes] = frozenset(),
    limits: Limits | None = None,
    *,
    stop: bool = False,
) -> Document:
    """Read a whole, decoded feed document.

    Args:
        known: marks of items that are known as they are.
        stop: read no further than the first known item.

    Raises:
        Unreadable: it is no feed, or not safe to read.
    """
    text = decoded(body)
    limits = limits or Limits()
    _check_tags(text, limits.tag)
    try:
        try:
            return _parsed(text, known, limits, stop)
        except ParseError as error:
            if error.code not in MENDABLE:
                raise
            return _parsed(mended(text), known, limits, stop)
    except DefusedXmlException as error:  # a DTD, without which there are no entities
        is_page = str(getattr(error, "name", "")).lower() == "html"
        what = "an HTML page" if is_page else "a document with a DTD"
        raise Unreadable(f"expected a feed, got {what}") from error
    except ParseError as error:
        raise Unreadable(f"expected a feed, got {_instead(text, error)}") from error


# A whole tag, from its second character on; what an attribute's quotes hold may be «>».
_TAG = re.compile(r"""[^\s!?/](?:[^<>"']++|"[^<"]*+"|'[^<']*+')*+""")


def _check_tags(text: str, most: int) -> None:
    """Expat keeps every attribute of a tag, and every name there ever was: 30 times their size.

    Only where «<» is followed by that many other characters is a tag looked for, so the time is
    linear.

    Raises:
        Unreadable: a tag is longer than `most` characters.
    """
    if len(text) <= most:
        return
    for place in re.finditer(f"<(?=[^<]{{{most}}})", text):
        tag = _TAG.match(text, place.end())
        if tag and tag.end() - tag.start() > most:
            raise beyond("tag", most, "characters in one tag", tag.end() - tag.start())


def _parsed(text: str, known: frozenset[bytes], limits: Limits, stop: bool) -> Document:
    target = _Target(known, limits, stop)
    parser = DefusedXMLParser(target=target, forbid_dtd=True)
    try:
        # In one piece: expat < 2.6 takes quadratic time for a token that comes in many.
        parser.feed(text)
        parser.close()
    except _KnownFromHereOn:
        target.partial = True
    return target.document()


class _KnownFromHereOn(Exception):
    """The first known item has ended."""


def _instead(text: str, error: ParseError) -> str:
    head = text[:512].lstrip().lower()
    if not head:
        return "an empty body"
    if "<html" in head or head.startswith("<!doctype html"):
        return "an HTML page"
    if head[0] in "{[":
        return "JSON"
    return f"malformed XML ({one_line(str(error), 120)})"


class _Target:
    """Receives expat's events; raises `Unreadable` to stop at once."""

    def __init__(self, known: frozenset[bytes], limits: Limits, stop: bool) -> None:
        self.known = known
        self.limits = limits
        self.stop_at_known = stop
        self.partial = False
        self.swept: list[str] = []
        self.format = ""
        self.head = Item()
        self.first: list[Item] = []
        self.items: list[tuple[Item, bytes]] = []
        self.unchanged: set[bytes] = set()
        self.nameless = 0
        self.faults: list[str] = []
        self.count = 0
        self.depth = 0
        self.holder = self.head  # the item being filled, or the head
        self.holder_depth = 0  # depth of its element; its fields are one deeper
        self.item_depth = 0
        self.name = ""  # the field being filled
        self.parts: list[str] = []
        self.length = 0
        self.nested = False  # markup stands unescaped inside the field
        self.excess: Unreadable | None = None  # what the item being filled has too much of

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth > self.limits.depth:
            raise beyond("depth", self.limits.depth, "elements within each other", self.depth)
        if self.depth == 1:
            self.root(tag)
        elif self.name:
            self.nested = True
            self.take(f"<{tag.rpartition('}')[2]}>")
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
            local = one_line(tag.rpartition("}")[2], 40)
            what = "an HTML page" if local.lower() == "html" else f"<{local}>"
            raise Unreadable(f"expected a feed (<rss>, <feed> or <rdf:RDF>), got {what}")

    def begin_item(self, attributes: dict[str, str]) -> None:
        self.count += 1
        if self.count > self.limits.items:
            raise beyond("items", self.limits.items, "items", self.count)
        self.holder = Item(id=attributes.get(f"{_RDF}about", ""))
        self.holder_depth = self.item_depth = self.depth

    def begin_field(self, tag: str, attributes: dict[str, str]) -> None:
        if tag in _ATOM_LINKS:
            if attributes.get("rel", "alternate") == "alternate" and not self.holder.link:
                self.holder.link = attributes.get("href", "").strip()
        elif tag == _ATOM_CATEGORY:
            self.categorise(attributes.get("term", ""))
        elif (name := _FIELDS.get(tag)) and (name in _LISTS or not getattr(self.holder, name)):
            self.name = name
            if kind := attributes.get("type"):
                self.kind_of_text(name, kind)

    def kind_of_text(self, name: str, kind: str) -> None:
        if name == "title":
            self.holder.html_title = kind in _MARKUP
        elif kind in _PLAIN:
            self.holder.plain += (name,)

    def data(self, text: str) -> None:
        if self.name:
            self.take(escape(text, quote=False) if self.nested else text)

    def take(self, text: str) -> None:
        self.length += len(text)
        if self.length <= self.limits.text:
            self.parts.append(text)
        else:
            what = f"characters in one <{self.name}>"
            self.exceed(beyond("text", self.limits.text, what, self.length))

    def categorise(self, name: str) -> None:
        self.holder.categories.append(name)
        if (count := len(self.holder.categories)) > self.limits.parts:
            self.exceed(beyond("parts", self.limits.parts, "categories", count))

    def exceed(self, why: Unreadable) -> None:
        """It costs the item, without a part of which it might seem to be another one."""
        if not self.item_depth:
            raise why
        self.excess = why
        self.parts.clear()
        self.holder.categories.clear()

    def end(self, tag: str) -> None:
        if self.name and self.depth > self.holder_depth + 1:
            self.take(f"</{tag.rpartition('}')[2]}>")
        elif self.name:
            self.end_field()
        elif self.item_depth == self.depth:
            self.end_item()
        self.depth -= 1

    def end_field(self) -> None:
        text = "".join(self.parts).strip()
        if self.name == "categories":
            self.categorise(text)
        else:
            setattr(self.holder, self.name, text)
        self.name = ""
        self.parts.clear()
        self.length = 0
        self.nested = False

    def end_item(self) -> None:
        item, self.holder = self.holder, self.head
        excess, self.excess = self.excess, None
        self.holder_depth = self.item_depth - 1
        self.item_depth = 0
        if not item.identify(self.head.link):
            self.nameless += 1
            return
        if excess:
            self.faults.append(f"item {item.id[:80]}: {excess}: skipped")
            return
        if len(self.first) < _FIRST:
            self.first.append(item)
        mark = item.mark()
        if mark in self.known:
            self.unchanged.add(mark)
            self.swept.append(item.id)
            if self.stop_at_known:
                raise _KnownFromHereOn
        else:
            self.items.append((item, mark))

    def close(self) -> None:
        """Expat has seen the end of the root element."""

    def document(self) -> Document:
        return Document(
            self.format,
            self.head,
            self.first,
            self.items,
            self.unchanged,
            self.nameless,
            self.swept,
            self.partial,
            self.faults,
        )
