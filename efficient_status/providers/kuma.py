"""Uptime Kuma status pages, `/status/SLUG/rss`.

What is shown is open; what is over vanishes, so absence closes.  Ids change all the time: that of a
monitor that is down is `MONITOR-TIME`, new at every heartbeat, that of an announced incident is
`iNUMBER-TIME`, new at every edit.  What stands before the first dash stays.  The text of a monitor
ends with the time of the heartbeat and is not taken over: it would be news every minute.
"""

from __future__ import annotations

from efficient_status.harmless import one_line
from efficient_status.models import Incident, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain_html, plain_title, web_url
from efficient_status.providers.words import moment, utc

_DESCRIPTION = "current status: "
_TITLE = " rss feed"
_DOWN = " is down"


def evidence(document: Document) -> str | None:
    """Why this is an Uptime Kuma feed, or None."""
    head = document.head
    known = head.title.casefold().endswith(_TITLE) or "/status/" in head.link
    if document.format == "rss" and head.summary.casefold().startswith(_DESCRIPTION) and known:
        return f"channel description «{one_line(head.summary, 80)}»"
    return None


def incident(item: Item, document: Document) -> Incident:
    """Read one item."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    stays = item.id.partition("-")[0]
    down = title.endswith(_DOWN) and stays.isdigit()
    announced = stays[:1] == "i" and stays[1:].isdigit()
    name = title.removesuffix(_DOWN)
    changed = utc(moment(item.published))
    return Incident(
        id=stays if down or announced else item.id,
        title=title,
        state=State.INVESTIGATING,
        components=(one_line(name, 200),) if down and name.strip() else (),
        message=title if down else plain_html(item.body) or title,
        url=web_url(item.link, document.head.link),
        updated_at=changed,
        stamp=changed,
    )
