"""Kener pages, `/rss.xml`.

One item an incident (guid `incident-N`) or maintenance (`maintenance-N`), of the last 90 days, by
date.  The text is plain: labelled lines, an empty one, and the latest comment:

    Status: INVESTIGATING
    Affected: API, Website

    We are looking.

`pubDate` is the time of the latest comment, but the start of a maintenance, often in the future.
"""

from __future__ import annotations

from efficient_status.models import Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain, plain_title, text_tokens, web_url
from efficient_status.providers.reading import names
from efficient_status.providers.words import moment, state_of, utc

_TITLE = " — Incidents & Maintenance"
_DESCRIPTION = "Latest incidents and scheduled maintenance for "
_KINDS = {"incident": Kind.INCIDENT, "maintenance": Kind.MAINTENANCE}
_STATES = {"ONGOING": State.IN_PROGRESS, "READY": State.SCHEDULED, "CANCELLED": State.COMPLETED}


def evidence(document: Document) -> str | None:
    """Why this is a Kener feed, or None."""
    head = document.head
    if head.title.endswith(_TITLE) and head.summary.startswith(_DESCRIPTION):
        return f"channel title «…{_TITLE}» and description «{_DESCRIPTION}…»"
    if document.first and all(_kind(item.id) for item in document.first):
        return "guids incident-NUMBER and maintenance-NUMBER"
    return None


def _kind(id_: str) -> Kind | None:
    kind, _, number = id_.partition("-")
    return _KINDS.get(kind) if number.isdigit() else None


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    kind = _kind(item.id) or Kind.INCIDENT
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    for prefix in _KINDS:
        title = title.removeprefix(f"[{prefix.capitalize()}] ")
    head, _, comment = item.body.partition("\n\n")
    labels = dict(line.split(": ", 1) for line in head.split("\n") if ": " in line)
    word = labels.get("Status", "")
    published = utc(moment(item.published))
    planned = kind is Kind.MAINTENANCE
    return Incident(
        id=item.id,
        title=title,
        kind=kind,
        state=_STATES.get(word.strip().upper()) or state_of(word) or State.UNKNOWN,
        components=names(labels.get("Affected", "")),
        message=plain(text_tokens(comment if "Status" in labels else item.body)),
        url=web_url(item.address, document.head.link),
        started_at=published if planned else None,
        updated_at=None if planned else published,
        stamp=None if planned else published,
    )
