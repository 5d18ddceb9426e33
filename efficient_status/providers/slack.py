"""Slack's own page, `/feed/atom` and `/feed/rss` of slack-status.com.

One item an incident.  The Atom text is a timeline, oldest first, with clock times and no dates:

    <p><small>3:23pm PST</small> We look.</p><p><small>9:34am PST</small> It works again.</p>

There are no words for states: they are «unknown» (only Slack's JSON has them).  `updated` moves with
edits made ten days later, so the time of the newest update is its clock time, counted on from
`published`.  The RSS form may have but a final summary, and its `pubDate` is `updated`.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from efficient_status.harmless import one_line
from efficient_status.models import Incident, Kind
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import Token, plain, plain_title, tokens, web_url
from efficient_status.providers.reading import at_host
from efficient_status.providers.words import moment, utc

_PREFIXES = ("incident", "outage", "notice", "maintenance")
_CLOCK = re.compile(r"(\d{1,2}):(\d\d)\s?([ap])m", re.IGNORECASE)


class _Note(NamedTuple):
    when: str
    text: list[Token]


def evidence(document: Document) -> str | None:
    """Why this is Slack's feed, or None."""
    return at_host(document, "slack-status.com", "status.slack.com")


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    prefix, colon, rest = title.partition(": ")
    known = bool(colon) and prefix.casefold() in _PREFIXES
    html = tokens(item.body)
    notes = _notes(html)
    published, updated = moment(item.published), moment(item.updated)
    told_at = _told_at(notes, published) if updated else published
    return Incident(
        id=item.id,
        title=rest if known else title,
        kind=Kind.MAINTENANCE if prefix.casefold() == "maintenance" else Kind.INCIDENT,
        message=plain(notes[-1].text if notes else html),
        url=web_url(item.address, document.head.link),
        started_at=utc(published) if updated else None,
        updated_at=utc(told_at or updated),
        updates=len(notes) or None,
        stamp=utc(updated or published),
    )


def _notes(html: list[Token]) -> list[_Note]:
    """The paragraphs that begin with a clock time."""
    notes: list[_Note] = []
    index = 0
    while index < len(html):
        if html[index] == ("start", "small"):
            end = index + 1
            while end < len(html) and html[end].kind == "text":
                end += 1
            when = one_line("".join(token.value for token in html[index + 1 : end]))
            if _CLOCK.match(when):
                notes.append(_Note(when, []))
                index = end
        if notes:
            notes[-1].text.append(html[index] if index < len(html) else Token("text", ""))
        index += 1
    return notes


def _told_at(notes: list[_Note], start: datetime | None) -> datetime | None:
    """Each clock time is the next such time after the one before it."""
    time = start
    for note in notes:
        found = _CLOCK.match(note.when)
        if time is None or found is None:
            return time
        hour = int(found[1]) % 12 + (12 if found[3] in "pP" else 0)
        if int(found[2]) > 59:
            continue
        shown = time.replace(hour=hour, minute=int(found[2]), second=0, microsecond=0)
        same_minute = shown == time.replace(second=0, microsecond=0)
        if not same_minute:
            time = shown if shown > time else shown + timedelta(days=1)
    return time
