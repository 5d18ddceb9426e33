"""Example Cloud's status page in the shape of an incident.io feed, scene by scene.  Pure.

The sentences are ours, the shape is `providers/incidentio`'s.  Nothing in here is a real vendor's.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from hashlib import blake2b
from html import escape

from efficient_status.models import Provider, Rule

PAGE = "https://status.example.com"


@dataclass(frozen=True, slots=True)
class Report:
    """An incident as the page shows it: its newest update only."""

    id: str
    title: str
    state: str
    message: str
    components: tuple[str, ...]
    at: datetime


@dataclass(frozen=True, slots=True)
class Scene:
    """One thing that the vendor does.

    Attributes:
        says: what it is, for the narrator.
        state, message: of the update that is published; empty while nothing happens.
    """

    says: str
    state: str = ""
    message: str = ""


SCENES = (
    Scene("is well; its page lists what happened before"),
    Scene(
        "opens an incident",
        "Investigating",
        "Uploads fail for one in five customers. We are looking into it.",
    ),
    Scene(
        "has found the cause",
        "Identified",
        "Since this morning's release, storage nodes run out of connections.",
    ),
    Scene(
        "rolls back",
        "Monitoring",
        "The release is rolled back, uploads succeed. We keep watching.",
    ),
    Scene(
        "closes the incident",
        "Resolved",
        "Uploads have been normal since the release was rolled back.",
    ),
    Scene("files a late report, below the newest"),
)


def _id(number: int) -> str:
    """26 characters, as hard to compress as a real page's ULIDs."""
    return "01" + blake2b(number.to_bytes(2, "big"), digest_size=12).hexdigest().upper()


_SOME_DAY = datetime(2026, 3, 4, tzinfo=UTC)  # until the play says which
_OUTAGE = Report(
    _id(100),
    "Uploads to object storage fail",
    "",
    "",
    ("Uploads", "Console"),
    _SOME_DAY,
)
_AFTERWARDS = Report(
    _id(99),
    "Sign-in was slow",
    "Resolved",
    "It took up to ten seconds. No alarm rang, so we report it late.",
    ("Sign-in",),
    _SOME_DAY,
)
_PAST = (
    ("Load balancers drop requests", "A faulty host was replaced.", "Load balancers"),
    ("Virtual machines start late", "The queue of start requests is short again.", "Compute"),
    ("Invoices show last month's plan", "All invoices have been written anew.", "Billing"),
    ("Logs arrive with a delay", "The backlog has been worked off.", "Logs"),
    ("Object storage answers slowly", "More nodes share the load now.", "Downloads"),
    ("Name servers time out in the south", "Traffic goes around the broken link.", "DNS"),
)
_WEEKS = 4


def vendor(feed: str) -> Provider:
    """Example Cloud as a row, its page at this address."""
    return Provider(
        key="example-cloud",
        name="Example Cloud",
        feed=feed,
        dialect="incidentio",
        rules=(Rule("storage", "Object Storage"), Rule("sign-in", "Accounts")),
    )


def reports(scene: int, at: Sequence[datetime]) -> list[Report]:
    """What the page lists, newest first as it has it.

    Args:
        scene: the last that has begun.
        at: when each scene began, up to this one.
    """
    past = list(_past(at[0]))
    if scene == 0:
        return past
    last = max(n for n in range(1, scene + 1) if SCENES[n].state)
    update = SCENES[last]
    outage = replace(_OUTAGE, state=update.state, message=update.message, at=at[last])
    afterwards = replace(_AFTERWARDS, at=at[0] - timedelta(hours=2))
    return [outage, *([afterwards] if scene > last else []), *past]


def _past(now: datetime) -> Iterator[Report]:
    for number in range(_WEEKS * len(_PAST)):
        title, message, component = _PAST[number % len(_PAST)]
        at = now - timedelta(minutes=1687 * (number + 1))
        yield Report(_id(number), title, "Resolved", message, (component,), at)


def document(scene: int, at: Sequence[datetime]) -> str:
    """The feed."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">
    <channel>
        <title>Example Cloud status</title>
        <link>{PAGE}/</link>
        <description>Example Cloud status page updates</description>
        <lastBuildDate>{format_datetime(at[scene], usegmt=True)}</lastBuildDate>
        <generator>incident.io</generator>{"".join(map(_item, reports(scene, at)))}
    </channel>
</rss>
"""


def _item(report: Report) -> str:
    status = "Operational" if report.state == "Resolved" else "Degraded performance"
    rows = "".join(f"\n<li>{escape(name)} ({status})</li>" for name in report.components)
    body = (
        f"<b>Status: {report.state}</b><br/><br/>{escape(report.message)}"
        f"<br/><br/><b>Affected components</b>\n<ul>{rows}\n</ul>"
    )
    return f"""
        <item>
            <title><![CDATA[{report.title}]]></title>
            <link>{PAGE}//incidents/{report.id}</link>
            <guid>{PAGE}//incidents/{report.id}</guid>
            <pubDate>{format_datetime(report.at, usegmt=True)}</pubDate>
            <description><![CDATA[{body}]]></description>
            <content:encoded><![CDATA[{body}]]></content:encoded>
        </item>"""
