"""`import-opml`: a feed reader's subscriptions → `[[providers]]` of a configuration."""

from __future__ import annotations

import logging
import re
import sys
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from urllib.parse import urlsplit

from efficient_status import catalogue, dump, opml, options
from efficient_status.commands import COMMANDS
from efficient_status.commands.speech import say
from efficient_status.errors import Unreadable, UsageError
from efficient_status.keys import PROVIDER_KEYS, shown
from efficient_status.urls import valid_url

logger = logging.getLogger("efficient_status")

_EPILOG = """\
Feeds of the catalogue become their vendor's key, other feeds rows of their own.  Subscriptions
without an http(s) feed are left out, with a line on stderr.

examples:
  efficient-status import-opml subscriptions.opml
  efficient-status import-opml - < subscriptions.opml >> ~/.config/efficient-status/config.toml
"""


def parser() -> options.Parser:
    """The file."""
    parser = options.Parser(
        prog="efficient-status import-opml",
        description="Print a feed reader's subscriptions as TOML for the configuration.",
        epilog=_EPILOG,
    )
    parser.add_argument("file", metavar="FILE", help="an OPML document; - reads stdin")
    return parser


def run(words: Sequence[str]) -> int:
    """Print the snippet."""
    file = parser().parse_args(words).file
    try:
        document = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        subscriptions = opml.read(document)
    except OSError as error:
        raise UsageError([f"{file}: cannot be read ({error.strerror})"]) from error
    except Unreadable as error:
        raise UsageError([f"{file}: {error}"]) from error
    say("\n".join(dump.row(row) for row in _rows(subscriptions)))
    return 0


def _rows(subscriptions: Sequence[opml.Subscription]) -> list[Mapping[str, str]]:
    known = _Known()
    rows: dict[str, Mapping[str, str]] = {}
    for each in subscriptions:
        if not valid_url(each.feed):
            logger.warning("%s: left out, %s is no http(s) URL", each.title, shown(each.feed))
        elif key := known.key(each.feed):
            rows.setdefault(key, {"key": key})
        else:
            host = urlsplit(each.feed).hostname or ""
            key = _free_name(each.title or host, rows)
            rows[key] = {"key": key, "name": each.title or host, "feed": each.feed}
    return list(rows.values())


class _Known:
    """The catalogue, by feed.

    Platforms serve the same history under several paths (RSS, Atom), so a path like theirs on a
    host that only one vendor has is that vendor's.
    """

    def __init__(self) -> None:
        self._feeds: dict[str, str] = {}
        self._hosts: dict[str, list[str]] = {}
        for key, row in catalogue.rows().items():
            self._feeds[_bare(row["feed"])] = key
            for host in {urlsplit(row["feed"]).hostname, urlsplit(row.get("page", "")).hostname}:
                self._hosts.setdefault(host or "", []).append(key)

    def key(self, feed: str) -> str | None:
        """The vendor whose feed this is."""
        parts = urlsplit(feed)
        if key := self._feeds.get(_bare(feed)):
            return key
        keys = self._hosts.get(parts.hostname or "", [])
        path = parts.path.strip("/")
        return keys[0] if len(keys) == 1 and path in _PATHS and not parts.query else None


_PATHS = frozenset({
    *(f"{stem}.{suffix}" for stem in ("history", "feed") for suffix in ("rss", "atom", "xml")),
    "feed", "rss", "atom",
})  # fmt: skip


def _bare(feed: str) -> str:
    """A feed's address without what does not matter."""
    parts = urlsplit(feed)
    query = f"?{parts.query}" if parts.query else ""
    return f"{parts.netloc.rpartition('@')[2].lower()}{parts.path.rstrip('/')}{query}"


def _free_name(title: str, taken: Collection[str]) -> str:
    """A key from a title: lower case, ASCII, neither a vendor nor a command."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9.]+", "-", plain).strip("-.")[:60] or "page"
    name, number = stem, 2
    while name in taken or name in COMMANDS or catalogue.built_in(name):
        name, number = f"{stem}-{number}", number + 1
    assert PROVIDER_KEYS["key"].valid(name)
    return name
