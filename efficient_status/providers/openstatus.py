"""OpenStatus pages, `/feed/rss` and `/feed/atom`.

One item a report, **oldest first**.  The title begins with the state, «Investigating - X», or with
«Maintenance - »; a maintenance has no state.  The text is a timeline without times, «State: text.»,
one paragraph an update, in an order that is not written down anywhere: the newest update is at the
end that has the title's state.  Dates may be those of the rendering, so they tell nothing.
"""

from __future__ import annotations

from efficient_status.models import Incident, Kind, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain, plain_title, text_tokens, web_url
from efficient_status.providers.words import moment, state_of, utc

_GENERATOR = "OpenStatus"


def evidence(document: Document) -> str | None:
    """Why this is an OpenStatus feed, or None."""
    generator = document.head.generator
    return "generator «OpenStatus …»" if generator.startswith(_GENERATOR) else None


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    prefix, dash, rest = title.partition(" - ")
    state = state_of(prefix) if dash else None
    planned = bool(dash) and prefix.casefold() == "maintenance"
    steps = plain(text_tokens(item.body)).split("\n") if item.body.strip() else []
    told_at = utc(moment(item.updated) or moment(item.published))
    return Incident(
        id=item.id,
        title=rest if state or planned else title,
        kind=Kind.MAINTENANCE if planned else Kind.INCIDENT,
        state=state or State.UNKNOWN,
        message=_newest(steps, state),
        url=web_url(item.address, document.head.link),
        updated_at=told_at,
        updates=len(steps) or None,
    )


def _newest(steps: list[str], state: State | None) -> str:
    """The update that the title speaks of; all of them where both ends do."""
    first, last = (_split(steps[n]) if steps else (None, "") for n in (0, -1))
    if state is None or len(steps) == 1 or (first[0] is state) == (last[0] is state):
        return first[1] if len(steps) == 1 else "\n".join(steps)
    return first[1] if first[0] is state else last[1]


def _split(step: str) -> tuple[State | None, str]:
    word, _, text = step.partition(": ")
    return (state_of(word), text) if state_of(word) else (None, step)
