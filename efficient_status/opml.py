"""OPML, the format in which feed readers keep subscriptions: written, and read.  Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple
from xml.sax.saxutils import quoteattr

from efficient_status.errors import Unreadable


class Subscription(NamedTuple):
    """One `<outline>` with a feed.

    Attributes:
        page: the web page's address, or "".
    """

    title: str
    feed: str
    page: str = ""


def write(subscriptions: Iterable[Subscription]) -> str:
    """An OPML 2.0 document."""
    outlines = "".join(
        f'    <outline type="rss" text={quoteattr(each.title)} title={quoteattr(each.title)}'
        f" xmlUrl={quoteattr(each.feed)} htmlUrl={quoteattr(each.page)}/>\n"
        for each in subscriptions
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<opml version="2.0">\n'
        "  <head><title>Status pages</title></head>\n"
        f"  <body>\n{outlines}  </body>\n</opml>\n"
    )


def read(document: bytes) -> list[Subscription]:
    """The subscriptions of a document, however deep in folders, each feed once.

    Raises:
        Unreadable: it is no XML, or not safe to read, or no OPML.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import fromstring

    try:
        root = fromstring(document)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Unreadable(f"is not OPML ({type(error).__name__}: {error})") from error
    if root.tag.lower() != "opml":
        raise Unreadable(f"is not OPML (its root is <{root.tag}>)")
    found: dict[str, Subscription] = {}
    for outline in root.iter("outline"):
        # Readers do not agree on the case: xmlUrl, xmlurl, xmlURL.
        words = {name.lower(): value.strip() for name, value in outline.attrib.items()}
        if feed := words.get("xmlurl", ""):
            title = words.get("title") or words.get("text") or ""
            found.setdefault(
                feed, Subscription(" ".join(title.split()), feed, words.get("htmlurl", ""))
            )
    return list(found.values())
