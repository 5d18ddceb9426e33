"""xAI's own page, `https://status.x.ai/feed.xml`.

One item an incident.  The guid is a bare id, the categories are severity and state, the title names
the product («[API] …»), and the text has its updates newest first:

    <h3>Status: RESOLVED</h3> <p>Severity: available</p> <p>Resolved: Thu, 03 Sep 2026 10:30 GMT</p>
    <p><strong>Thu, 03 Sep 2026 10:29:00 GMT</strong></p> <p>Traffic is healthy again.</p>

`pubDate` is the start and never moves.
"""

from __future__ import annotations

from datetime import datetime

from efficient_status.harmless import one_line
from efficient_status.models import MAINTENANCE_STATES, Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain_html, plain_title, web_url
from efficient_status.providers.reading import at_host, impact_of
from efficient_status.providers.words import moment, state_of, utc

_LABELS = ("status", "severity", "resolved")


def evidence(document: Document) -> str | None:
    """Why this is xAI's feed, or None."""
    return at_host(document, "status.x.ai")


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    labels, lines = _labels(plain_html(item.body).split("\n"))
    words = [labels.get("status", ""), *item.categories]
    state = next((state for word in words if (state := state_of(word))), State.UNKNOWN)
    severities = [labels.get("severity", ""), *item.categories]
    impact = next((found for word in severities if (found := impact_of(word))), None)
    times = [time for line in lines if (time := _date(line))]
    ended = moment(labels.get("resolved", "")) if state.closed else None
    told_at = utc(max([*times[:1], *([ended] if ended else [])], default=None))
    return Incident(
        id=item.id,
        title=title,
        kind=Kind.MAINTENANCE if state in MAINTENANCE_STATES else Kind.INCIDENT,
        state=state,
        impact=impact,
        components=_product(title),
        message=_newest(lines),
        url=web_url(item.address, document.head.link),
        started_at=utc(moment(item.published)),
        updated_at=told_at,
        updates=len(times) or None,
        stamp=told_at,
    )


def _labels(lines: list[str]) -> tuple[dict[str, str], list[str]]:
    """The labelled lines at the top, and the rest."""
    labels: dict[str, str] = {}
    for index, line in enumerate(lines):
        label, colon, value = line.partition(":")
        if not colon or label.casefold() not in _LABELS:
            return labels, lines[index:]
        labels[label.casefold()] = value.strip()
    return labels, []


def _date(line: str) -> datetime | None:
    """The time of an update has a line of its own."""
    return moment(line) if line[:4].endswith(",") and len(line) < 40 else None


def _newest(lines: list[str]) -> str:
    """The text of the first update."""
    start = 1 if lines and _date(lines[0]) else 0
    end = next((n for n in range(start, len(lines)) if _date(lines[n])), len(lines))
    return "\n".join(lines[start:end])


def _product(title: str) -> tuple[str, ...]:
    name = one_line(title[1:].partition("]")[0], 200) if title.startswith("[") else ""
    return (name,) if name and "]" in title else ()
