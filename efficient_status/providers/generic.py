"""Any other RSS 2.0/1.0/0.9x or Atom feed: nothing is assumed of its habits.

The state is taken where a document says it in one of the usual places, and is «unknown»
otherwise: it is never guessed from prose.  The number of lines of the text stands in for the
number of updates: a text that grew has a new entry, a text that was reworded has not.
"""

from __future__ import annotations

from datetime import UTC

from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.feedxml import Document, Item
from efficient_status.providers.markup import Token, one_line, plain, plain_html, tokens, web_url
from efficient_status.providers.words import moment, state_of


def evidence(document: Document) -> str | None:
    """Every feed is one."""
    return f"an {document.format.capitalize()} feed" if document.format == "atom" else "an RSS feed"


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    html = [Token("text", item.body)] if item.plain_content else tokens(item.body)
    message = plain(html)
    title = one_line(plain_html(item.title) if item.html_title else item.title)
    state = _state(title, item.categories, html, message)
    published, updated = moment(item.published), moment(item.updated)
    touched = updated or published
    return Incident(
        id=item.id,
        title=title or one_line(message, 120) or item.id[:200],
        kind=_kind(title, state),
        state=state,
        message=message,
        url=web_url(item.link or item.id, document.head.link),
        started_at=published.astimezone(UTC) if published else None,
        updated_at=touched.astimezone(UTC) if touched else None,
        updates=message.count("\n") + 1 if message else None,
        stamp=touched,
    )


def _state(title: str, categories: list[str], html: list[Token], message: str) -> State:
    """The first of: a category, a title's prefix, a leading «Status: X», a leading bold word."""
    words = [*categories, *_prefixes(title), *_leading(message), *_bold(html)]
    return next((state for word in words if (state := state_of(word))), State.UNKNOWN)


def _prefixes(title: str) -> list[str]:
    """«[Resolved] X», «RESOLVED: X», «Resolved - X»."""
    if title.startswith("["):
        return [title[1:].partition("]")[0]]
    return [title.partition(mark)[0] for mark in (":", " - ", " – ") if mark in title]


def _leading(message: str) -> list[str]:
    """«Status: Investigating» on the first line, and «Resolved - It works again.»."""
    first = message.partition("\n")[0]
    label, colon, rest = first.partition(":")
    words = [rest] if colon and label.casefold() == "status" else []
    return [*words, first.partition(" - ")[0]] if " - " in first else words


def _bold(html: list[Token]) -> list[str]:
    """The text of the first bold element."""
    starts = (n for n, token in enumerate(html) if token in (("start", "strong"), ("start", "b")))
    first = next(starts, None)
    if first is None or first + 1 >= len(html):
        return []
    return [html[first + 1].value] if html[first + 1].kind == "text" else []


def _kind(title: str, state: State) -> Kind:
    if state in MAINTENANCE_STATES or "maintenance" in title.casefold():
        return Kind.MAINTENANCE
    return Kind.INCIDENT
