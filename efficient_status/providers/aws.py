"""AWS Service Health Dashboard, `/rss/all.rss` and one RSS feed a service and region.

One item an update, newest first, each with a guid that ends in its time:

    https://status.aws.amazon.com/#athena-us-west-2_1749832722

What stands before the last underline is the same for all updates, and for a later event of the
same service too: the feed has nothing else that tells events apart.  The state is a title's prefix.
No item means that all is well.  Dates name their zone, PST or PDT.
"""

from __future__ import annotations

from efficient_status.harmless import one_line
from efficient_status.models import Incident, State
from efficient_status.providers.document import Document, Item
from efficient_status.providers.markup import plain_html, plain_title, web_url
from efficient_status.providers.words import moment, utc

_GENERATOR = "AWS Service Health Dashboard RSS Generator"
_GUID = "https://status.aws.amazon.com/#"
_NORMAL = "service is operating normally"
_PREFIXES = (_NORMAL, "informational message", "service impact", "service disruption",
             "service degradation", "performance issues")  # fmt: skip
_MARK = "[RESOLVED]"


def evidence(document: Document) -> str | None:
    """Why this is a feed of AWS, or None."""
    if document.head.generator == _GENERATOR:
        return f"generator «{_GENERATOR}»"
    if document.first and all(
        item.id.startswith(_GUID) and key(item.id) != item.id for item in document.first
    ):
        return f"guids {_GUID}SERVICE_TIME"
    return None


def key(id_: str) -> str:
    """What the guids of one incident have in common."""
    common, _, time = id_.rpartition("_")
    return common if common and time.isdigit() else id_


def incident(item: Item, document: Document) -> Incident:
    """Read one update."""
    title = plain_title(item.title, html=item.html_title, format_=document.format)
    prefix, _, rest = title.partition(":")
    known = prefix.strip().casefold() in _PREFIXES
    normal = prefix.strip().casefold() == _NORMAL or _MARK in title.upper()
    title = rest.strip() if known and rest.strip() else title
    if title.upper().startswith(_MARK):
        title = title[len(_MARK) :].strip()
    common = key(item.id)
    service = common.partition("#")[2].removeprefix("multipleservices-")
    told_at = utc(moment(item.published))
    return Incident(
        id=common,
        title=title,
        state=State.RESOLVED if normal else State.INVESTIGATING,
        components=(one_line(service, 200),) if service.strip() else (),
        message=plain_html(item.body),
        url=web_url(item.link, document.head.link),
        started_at=told_at,
        updated_at=told_at,
    )
