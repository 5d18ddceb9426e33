"""Any other RSS 2.0/1.0/0.9x or Atom feed: nothing is assumed of its habits.

The state is taken where a document says it in one of the usual places, and is «unknown»
otherwise: it is never guessed from prose.  The number of lines of the text stands in for the
number of updates: a text that grew has a new entry, a text that was reworded has not.
"""

from __future__ import annotations

from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import (
    Token,
    plain,
    plain_title,
    text_tokens,
    tokens,
    web_url,
)
from efficient_status.providers.words import moment, state_of, utc


def evidence(document: Document) -> str | None:
    """Every feed is one."""
    return f"an {document.format.capitalize()} feed" if document.format == "atom" else "an RSS feed"


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    html = _text(item)
    message = plain(html)
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    steps = _steps(message)
    state = _state(title, item.categories, html, message) or (steps or [State.UNKNOWN])[-1]
    published, updated = utc(moment(item.published)), utc(moment(item.updated))
    return Incident(
        id=item.id,
        title=title,
        kind=_kind(title, state),
        state=state,
        message=message,
        url=web_url(item.address, document.head.link),
        started_at=published,
        updated_at=updated or published,
        updates=max(message.count("\n") + 1, len(steps)) if message else None,
        stamp=updated or published,
    )


def _text(item: Item) -> list[Token]:
    """The fuller text; where that shows markup as text (Instatus), the other one."""
    fuller, other = item.body, item.summary
    if item.fuller in item.plain:
        return text_tokens(fuller)
    return tokens(other if other and "&lt;/" in fuller else fuller)


def _steps(message: str) -> list[State]:
    """States of a timeline that stands in one line of text: «12:00 - Resolved - It works.»."""
    return [state for word in message.split(" - ")[1:-1] if (state := state_of(word))]


def _state(title: str, categories: list[str], html: list[Token], message: str) -> State | None:
    """The first of: a category, a title's prefix, a leading «Status: X», a leading bold word."""
    words = [*categories, *_prefixes(title), *_leading(message), *_bold(html)]
    return next((state for word in words if (state := state_of(word))), None)


def _prefixes(title: str) -> list[str]:
    """«[Resolved] X», «RESOLVED: X», «Resolved - X», «All is well: [RESOLVED] X» (AWS).

    Also «Resolved Service Disruption» (Okta); no other state is taken without a mark after it.
    """
    bracketed = [part.partition("]")[0] for part in title.split("[")[1:]]
    marked = [title.partition(mark)[0] for mark in (":", " - ", " – ") if mark in title]
    return [*bracketed, *marked, *(["resolved"] if title.startswith("Resolved ") else [])]


def _leading(message: str) -> list[str]:
    """«Status: Investigating» on the first line, and «Resolved - It works again.»."""
    first = message.partition("\n")[0]
    label, colon, rest = first.partition(":")
    words = [rest] if colon and label.casefold() == "status" else []
    return [*words, first.partition(" - ")[0]] if " - " in first else words


def _bold(html: list[Token]) -> list[str]:
    """The text of the first bold element."""
    starts = (n for n, token in enumerate(html) if token in (("start", "strong"), ("start", "b")))
    first = next(starts, len(html))
    return [token.value for token in html[first + 1 : first + 2] if token.kind == "text"]


def _kind(title: str, state: State) -> Kind:
    if state in MAINTENANCE_STATES or "maintenance" in title.casefold():
        return Kind.MAINTENANCE
    return Kind.INCIDENT
