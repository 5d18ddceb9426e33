"""What one feed document holds before any platform has read it.  Pure.

Strings are as the document has them, entities and CDATA decoded; ids alone are made safe.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from efficient_status.errors import Unreadable
from efficient_status.harmless import one_line
from efficient_status.models import fingerprint

MAX_ID = 500  # characters of an item's id that are kept


def beyond(limit: str, most: int, what: str, met: int) -> Unreadable:
    """The refusal of a document that has more of something than a limit of `models.Limits`."""
    return Unreadable(f"expected at most {most:,} {what} (limits.{limit}), got at least {met:,}")


def identifier(name: str) -> str:
    """An id that is safe to print; a long one is cut, and ends in its fingerprint."""
    safe = one_line(name, len(name))
    return safe if len(safe) <= MAX_ID else f"{safe[:MAX_ID]}…{fingerprint(safe).hex()}"


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
    plain: tuple[str, ...] = ()  # fields that are declared to hold no markup

    def identify(self, page: str) -> bool:
        """Settle `id`: guid or id, else the link, else the title; False if there is none of them.

        Ids reach terminals and programs too, so they are made safe; long ones are cut.

        Args:
            page: the feed's own link, which stands for no item.
        """
        link = self.link if self.link.rstrip("/") != page.rstrip("/") else ""
        names = (self.id, link, f"title:{self.title}" if self.title else "", self.link)
        self.id = next((safe for name in names if name and (safe := identifier(name))), "")
        return bool(self.id)

    @property
    def body(self) -> str:
        """The longer text where there are two (they are often copies of one another)."""
        return getattr(self, self.fuller)  # type: ignore[no-any-return] # both are str

    @property
    def fuller(self) -> str:
        """The field that `body` is."""
        return "content" if len(self.content) > len(self.summary) else "summary"

    @property
    def address(self) -> str:
        """Where it links to; its id where that is a link."""
        return self.link or (self.id if "/" in self.id else "")

    def mark(self) -> bytes:
        """Fingerprint of the raw item: equal marks need no reading.

        Dates are left out: a moved stamp alone is not news.  The order of list items is left
        out: incident.io permutes it with every cache generation.
        """
        texts = sorted({_unordered(self.summary), _unordered(self.content)})
        return fingerprint(self.id, self.title, *texts, *sorted(self.categories))


def _unordered(html: str) -> str:
    """The text, with the pieces of its lists in an order that does not depend on theirs."""
    if "<li" not in html:
        return html
    return "\0".join(sorted(html.replace("</li>", "<li").split("<li")))


@dataclass(slots=True)
class Document:
    """What came out of one feed document.

    Attributes:
        format: "rss" or "atom".
        head: the feed's own title, link, id, generator, description (as `summary`).
        items: unknown or different ones, in the document's order, each with its mark.
        unchanged: marks of the known items that were swept over.
        first: the first few items, known or not: recognition must not depend on what is known.
        nameless: how many items had neither id nor link nor title.
        swept: ids of the known items, as often as they stand there.
        partial: reading stopped at the first known item.
        faults: items that were beyond a limit, one line each; they are in no other list.
    """

    format: str
    head: Item
    first: list[Item]
    items: list[tuple[Item, bytes]]
    unchanged: set[bytes]
    nameless: int
    swept: list[str] = field(default_factory=list)
    partial: bool = False
    faults: list[str] = field(default_factory=list)
