"""Builders of feed documents for tests that script a page's life.  All vendors are invented."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from html import escape

EPOCH = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)


def minute(number: float) -> datetime:
    """So many minutes into the scripted morning."""
    return EPOCH + timedelta(minutes=number)


@dataclass
class Report:
    """An incident of an incident.io page, as its feed shows it: the newest update only."""

    id: str
    title: str = "Slow answers"
    state: str = "Investigating"
    message: str = "We are looking."
    components: Sequence[str] = ("Chat (Degraded performance)",)
    at: datetime = EPOCH

    def item(self) -> str:
        """The `<item>`."""
        rows = "".join(f"\n            <li>{escape(name)}</li>" for name in self.components)
        parts = f"<br/><br/><b>Affected components</b>\n<ul>{rows}\n</ul>" if rows else ""
        body = f"<b>Status: {self.state}</b><br/><br/>{escape(self.message)}{parts}"
        link = f"https://status.example.test//incidents/{self.id}"
        return f"""
        <item>
            <title><![CDATA[{self.title}]]></title>
            <link>{link}</link>
            <guid>{link}</guid>
            <pubDate>{format_datetime(self.at, usegmt=True)}</pubDate>
            <description><![CDATA[{body}]]></description>
            <content:encoded><![CDATA[{body}]]></content:encoded>
        </item>"""


def incidentio(*reports: Report, built: datetime = EPOCH) -> str:
    """An incident.io RSS document, newest first as given."""
    return f"""<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0" xmlns:content="http://purl.org/rss/1.0/modules/content/">
    <channel>
        <title>Example AI status</title>
        <link>https://status.example.test/</link>
        <description>Example AI status page updates</description>
        <lastBuildDate>{format_datetime(built, usegmt=True)}</lastBuildDate>
        <generator>incident.io</generator>{"".join(each.item() for each in reports)}
    </channel>
</rss>
"""


@dataclass
class Timeline:
    """An incident of a Statuspage page: (state, text, time) of each update, newest first."""

    number: int
    title: str = "Queue workers are slow"
    updates: list[tuple[str, str, datetime]] = field(default_factory=list)
    edited: datetime | None = None
    window: datetime | None = None  # start of a scheduled maintenance

    def entry(self) -> str:
        """The `<entry>`."""
        newest = self.updates[0][2]
        banner = (
            f"<p><strong>THIS IS A SCHEDULED EVENT {self.window:%b %d, %H:%M} UTC</strong></p>"
            if self.window
            else ""
        )
        html = banner + "".join(
            f"<p><small>{at:%b} <var data-var='date'>{at:%e}</var>, <var data-var='time'>"
            f"{at:%H:%M}</var> UTC</small><br><strong>{state}</strong> - {escape(text)}</p>"
            for state, text, at in self.updates
        )
        published = self.window if self.window and self.updates[0][0] == "Scheduled" else newest
        return f"""
  <entry>
    <id>tag:status.example.test,2005:Incident/{self.number}</id>
    <published>{published:%Y-%m-%dT%H:%M:%SZ}</published>
    <updated>{self.edited or newest:%Y-%m-%dT%H:%M:%SZ}</updated>
    <link rel="alternate" type="text/html" href="https://status.example.test/incidents/i{self.number}"/>
    <title>{escape(self.title)}</title>
    <content type="html">{escape(html)}</content>
  </entry>"""


def statuspage(*timelines: Timeline, built: datetime = EPOCH) -> str:
    """A Statuspage Atom document, newest first as given."""
    return f"""<?xml version="1.0" encoding="UTF-8"?>
<feed xml:lang="en-US" xmlns="http://www.w3.org/2005/Atom">
  <id>tag:status.example.test,2005:/history</id>
  <link rel="alternate" type="text/html" href="https://status.example.test"/>
  <title>Example Status - Incident History</title>
  <updated>{built:%Y-%m-%dT%H:%M:%SZ}</updated>{"".join(each.entry() for each in timelines)}
</feed>
"""
