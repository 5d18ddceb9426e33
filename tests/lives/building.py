"""Small builders of feed documents, and the shape of a life.  All vendors are invented."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime
from html import escape
from typing import NamedTuple

Told = tuple[str, str, str, str]  # event, end of the incident's id, state, message
Version = tuple[str, list[Told]]


class Life(NamedTuple):
    """What a page shows, one version after the other, and the events each must bring."""

    name: str
    dialect: str
    versions: list[Version]


def rfc822(time: datetime) -> str:
    return format_datetime(time, usegmt=True)


def rfc3339(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def small(time: datetime) -> str:
    """A timeline's own time."""
    return f"<small>{time:%b %e, %H:%M} UTC</small>"


def item(
    title: str,
    text: str,
    *,
    id_: str,
    date: datetime | str,
    link: str = "",
    categories: Sequence[str] = (),
) -> str:
    """An RSS item; the text is escaped, so it may be HTML."""
    when = date if isinstance(date, str) else rfc822(date)
    return (
        f"<item><title>{escape(title)}</title><link>{link or id_}</link><guid>{id_}</guid>"
        f"<pubDate>{when}</pubDate><description>{escape(text)}</description>"
        f"{''.join(f'<category>{word}</category>' for word in categories)}</item>"
    )


def rss(*items: str, head: str) -> str:
    """An RSS document."""
    return (
        f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{"".join(items)}</channel></rss>'
    )


def entry(
    title: str,
    html: str,
    *,
    id_: str,
    updated: datetime,
    published: datetime | None = None,
    link: str = "",
) -> str:
    """An Atom entry."""
    began = f"<published>{rfc3339(published)}</published>" if published else ""
    return (
        f"<entry><id>{id_}</id><title>{escape(title)}</title>{began}"
        f'<updated>{rfc3339(updated)}</updated><link href="{link or id_}"/>'
        f'<content type="html">{escape(html)}</content></entry>'
    )


def atom(*entries: str, head: str) -> str:
    """An Atom document."""
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{head}{"".join(entries)}</feed>'
