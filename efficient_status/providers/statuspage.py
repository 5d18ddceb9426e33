"""Atlassian Statuspage, `/history.atom` and `/history.rss`.

One item an incident; the item's HTML is a timeline, newest first, that grows in place:

    <p><small>Mar  4, 09:12 UTC</small><br><strong>Update</strong> - Backlog is half gone.</p>
    <p><small>Mar  4, 08:40 UTC</small><br><strong>Identified</strong> - A bad deploy.</p>

«Update» means «no change of state», so the state is the first heading that is another word.  A
scheduled maintenance opens with a banner that is a <strong> and no state.  `published` (`pubDate`)
is the display time of the newest update, but the start of the window while a maintenance is
scheduled; `updated` (Atom only) moves with every edit.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from efficient_status.harmless import one_line
from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import Token, plain, plain_html, plain_title, tokens, web_url
from efficient_status.providers.words import UPDATE_WORDS, clock, moment, state_of, utc

_BANNER = "this is a scheduled event"


def evidence(document: Document) -> str | None:
    """Why this is a Statuspage feed, or None."""
    head = document.head
    if document.format == "atom":
        if head.id.startswith("tag:") and head.id.endswith(",2005:/history"):
            return f"feed id {one_line(head.id, 80)}"
        if any(":Incident/" in item.id for item in document.first):
            return "entry ids tag:HOST,2005:Incident/NUMBER"
    elif head.summary == "Statuspage" and all("/incidents/" in item.id for item in document.first):
        return "channel description «Statuspage» and guids HOST/incidents/ID"
    return None


class _Entry(NamedTuple):
    """One update of the timeline."""

    heading: str
    when: str
    body: list[Token]


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    banner, entries = _timeline(tokens(item.body))
    states = [state for entry in entries if (state := state_of(entry.heading))]
    state = states[0] if states else State.SCHEDULED if banner else State.UNKNOWN
    maintenance = banner or not MAINTENANCE_STATES.isdisjoint(states)
    kind = Kind.MAINTENANCE if maintenance else Kind.INCIDENT
    published, updated = moment(item.published), moment(item.updated)
    times = _times(entries, updated or published)
    told_at = _told_at(times, published, updated, scheduled=state is State.SCHEDULED)
    return Incident(
        id=item.id,
        title=plain_title(item.title, html=item.html_title, format_=document.format),
        kind=kind,
        state=state,
        message=plain(entries[0].body) if entries else plain_html(item.body),
        url=web_url(item.address, document.head.link),
        started_at=utc(published if state is State.SCHEDULED else _began(entries, times, kind)),
        updated_at=told_at,
        updates=len(entries) or None,
        stamp=utc(updated) or told_at,
    )


def _timeline(html: list[Token]) -> tuple[bool, list[_Entry]]:
    """Split an item's markup into its updates, newest first, as the page has them."""
    banner = False
    entries: list[_Entry] = []
    index = 0
    fresh = True  # at the start of a paragraph
    while index < len(html):
        opening = _opening(html, index) if fresh else None
        fresh = html[index] == ("start", "p")
        if opening is None:
            if entries:
                entries[-1].body.append(html[index])
            index += 1
        else:
            heading, when, index = opening
            if heading.casefold().startswith(_BANNER):
                banner = True
            else:
                entries.append(_Entry(heading, when, []))
                index = _skip_dash(html, index)
    return banner, entries


def _opening(html: list[Token], index: int) -> tuple[str, str, int] | None:
    """Heading and time of the update that begins here, and where its text begins; else None."""
    when, index = _element(html, index, ("small",))
    heading, index = _element(html, index, ("strong", "b"))
    known = state_of(heading) or heading.casefold() in UPDATE_WORDS
    if heading and (when or known or heading.casefold().startswith(_BANNER)):
        return heading, when, index
    return None


def _element(html: list[Token], index: int, names: tuple[str, ...]) -> tuple[str, int]:
    """Text of the element that comes next, blanks and line breaks aside, and where it ends."""
    start = index
    while start < len(html) and _is_blank(html[start]):
        start += 1
    if start >= len(html) or html[start].kind != "start" or html[start].value not in names:
        return "", index
    end = start
    # Not beyond this paragraph: all of them together are walked over once.
    while end < len(html) and html[end] not in (("end", html[start].value), ("start", "p")):
        end += 1
    text = one_line("".join(token.value for token in html[start:end] if token.kind == "text"))
    return text, end if end < len(html) and html[end].kind == "start" else end + 1


def _is_blank(token: Token) -> bool:
    return token.value == "br" if token.kind != "text" else not token.value.strip()


def _skip_dash(html: list[Token], index: int) -> int:
    """Step over the « - » between heading and text."""
    if index < len(html) and html[index].kind == "text":
        html[index] = Token("text", html[index].value.lstrip().lstrip("-–—").lstrip())
    return index


def _times(entries: list[_Entry], near: datetime | None) -> list[datetime | None]:
    """Display times, newest first; each lends its year to the next."""
    times: list[datetime | None] = []
    for entry in entries:
        time = clock(entry.when, near) if near else None
        times.append(time)
        near = time or near
    return times


def _told_at(
    times: list[datetime | None],
    published: datetime | None,
    updated: datetime | None,
    *,
    scheduled: bool,
) -> datetime | None:
    """When the newest update was made: its display time, with the seconds of a stamp that agrees."""
    shown = times[0] if times else None
    if shown is None:
        return utc((updated or published) if scheduled else (published or updated))
    for stamp in (published, updated):
        if stamp and stamp.replace(second=0, microsecond=0) == shown.replace(second=0):
            return utc(stamp)
    return utc(shown)


def _began(entries: list[_Entry], times: list[datetime | None], kind: Kind) -> datetime | None:
    """The first report of an incident; the first that says that a maintenance has begun."""
    for entry, time in zip(reversed(entries), reversed(times), strict=True):
        begun = kind is Kind.INCIDENT or state_of(entry.heading) not in (None, State.SCHEDULED)
        if time and begun:
            return time
    return None
