"""`explain`: one poll in the open."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import sys
from argparse import Namespace
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from typing import Any

from efficient_status import __version__, dump, options
from efficient_status.commands import COMMANDS
from efficient_status.commands.speech import say
from efficient_status.config import Settings
from efficient_status.explaining import Explanation, Item, explain
from efficient_status.fetch import Wire
from efficient_status.fetch.trace import Exchange
from efficient_status.figures import span
from efficient_status.models import Filters, Provider
from efficient_status.poller import Poll
from efficient_status.screen import Cell, Column, Line, Screen, Styled
from efficient_status.urls import bare, without_credentials

_EPILOG = """\
Asks the page as a watcher would at its next poll, with what the state folder
knows of it, and shows all that passes and what is made of it.  Nothing is
remembered, nothing is told to outputs, and a watcher that runs is not in the
way.  Where the page's server wants to be left alone, no request is made.

exit status: 0 the page can be read · 1 it cannot · 2 wrong usage or configuration

examples:
  efficient-status explain openai
  efficient-status explain https://status.example.com/history.atom
  efficient-status explain github --fresh          as if it had never been met
  efficient-status explain github --json           for a report; passwords are masked
"""
_SHOWN = 10  # items, unless all are asked for
_STYLES = {"told": "good", "filtered": "warn", "noted": "note", "known": "quiet"}
_REDIRECTS = (301, 302, 303, 307, 308)

Row = tuple[str, Cell]


def parser() -> options.Parser:
    """The page, and how to ask it."""
    parser = options.Parser(
        prog="efficient-status explain",
        description="Ask one page once, in the open: what passes, what is made of it, and why.",
        epilog=_EPILOG,
    )
    parser.add_argument("page", metavar="PROVIDER|URL", help="a vendor's key, or a feed's address")
    parser.add_argument(
        "--fresh",
        action="store_true",
        help="as if the page had never been met: no memory, no cache",
    )
    parser.add_argument(
        "--now", action="store_true", help="ask even if its server wants to be left alone"
    )
    parser.add_argument("--all-items", action="store_true", help=f"not only the newest {_SHOWN}")
    parser.add_argument("--json", action="store_true", help="all of it as one JSON object")
    parser.set_defaults(providers=[], feed=[], group=[], all=False)
    options.add_common(parser)
    return parser


def run(words: Sequence[str]) -> int:
    """Ask, and show it."""
    asked = parser().parse_args(words)
    settings, provider = _page(asked)
    found = asyncio.run(explain(settings, provider, fresh=asked.fresh, anyway=asked.now))
    if asked.json:
        say(json.dumps(_json(found), indent=2) + "\n")
    else:
        most = None if asked.all_items else _SHOWN
        say(_text(found, Screen.of_stdout(), most, UTC if settings.utc else None))
    return 0 if found.readable else 1


def _page(asked: Namespace) -> tuple[Settings, Provider]:
    """The page that is meant; an address may be that of one of the user's own rows."""
    is_url = "://" in asked.page
    (asked.feed if is_url else asked.providers).append(asked.page)
    settings = options.settings(asked, reserved=COMMANDS)
    if not is_url:
        return settings, settings.providers[0]
    wanted = bare(asked.page)
    return settings, next(each for each in settings.providers if bare(each.feed) == wanted)


# Text.


def _text(found: Explanation, screen: Screen, most: int | None, zone: tzinfo | None) -> str:
    provider = found.provider
    name = ", ".join(filter(None, dict.fromkeys([provider.key, provider.name])))
    parts = [_section(screen, "PAGE", name, _page_rows(found))]
    for number, exchange in enumerate(found.exchanges):
        title = f"EXCHANGE {number + 1}"
        rows = [*_exchange(exchange), ("so", _sequel(found, number))]
        parts.append(_section(screen, title, f"GET {exchange.url}", rows))
    parts.append(_section(screen, "ANSWER", _decision(found), _answer(found)))
    if found.feed or found.begins:
        head = found.feed.dialect if found.feed else "not readable"
        parts.append(_section(screen, "DOCUMENT", head, _document(found)))
    if found.items:
        parts.append(_items(screen, found.items[:most], zone))
        if rest := len(found.items) - len(found.items[:most]):
            parts[-1] += screen.line(Styled(f"and {rest} older (--all-items)", "quiet"))
    parts.append(_section(screen, "NEXT POLL", _when(found), [("because of", found.why)]))
    if found.said:
        rows = [("", line) for line in found.said]
        parts.append(_section(screen, "STDERR", "what --once -v would say", rows))
    return "\n".join(parts)


def _section(screen: Screen, title: str, head: str, rows: Iterable[Row]) -> str:
    width = max(len(title), 12)
    columns = [Column(title.ljust(width), whole=True), Column(head)]
    return screen.table(columns, [(Styled(label, "note"), cell) for label, cell in rows])


def _page_rows(found: Explanation) -> Iterator[Row]:
    provider, memory = found.provider, found.memory
    yield "row", found.row
    yield "feed", without_credentials(provider.feed)
    if found.pacing.moved_to:
        yield "moved to", found.pacing.moved_to
    yield "platform", f"{provider.dialect}, says the row" if provider.dialect else "not said"
    if provider.interval:
        yield "interval", f"at least {span(provider.interval)}, says the row"
    filters = dump.filters(provider.filters, Filters())
    yield "filters", [f"{name} = {value}" for name, value in filters.items()] or "none"
    yield "state", found.state
    open_ = sum(told.open is not None for told in memory.told.values())
    known = f"{len(memory.told)} incidents, {open_} open; read as {memory.dialect}"
    yield "known", known if memory.met else "never met"
    if found.pacing.failures:
        yield "failures", Styled(f"{found.pacing.failures} in a row", "warn")


def _exchange(exchange: Exchange) -> Iterator[Row]:
    if exchange.proxy:
        yield "proxy", exchange.proxy
    yield "connected to", exchange.address or ("nothing" if exchange.step else "as before, kept")
    if exchange.tls:
        yield "TLS", f"{exchange.tls}, {'resumed' if exchange.resumed else 'new'} session"
    for name, value in exchange.sent:
        yield "> " + name, value
    if exchange.status:
        style = "good" if exchange.status in (200, 304) else "warn"
        yield "<", Styled(f"{exchange.version} {exchange.status}", style)
    for name, value in exchange.received:
        yield "< " + name, value


def _sequel(found: Explanation, number: int) -> Line:
    """What came of an exchange."""
    exchange = found.exchanges[number]
    further = found.exchanges[number + 1 :]
    if not further:
        failed = found.poll.error and (exchange.step or exchange.status not in (200, 304))
        step = f" while {exchange.step}" if exchange.step else ""
        return Styled(f"failed{step}: {found.poll.error}", "bad") if failed else "see below"
    if exchange.status not in _REDIRECTS:
        return Styled(f"asked once more, after a failure{_during(exchange)}", "warn")
    if _lasting(found, number):
        return "followed; permanent: its place from now on, if a feed is read there"
    return "followed; not remembered: a temporary redirect, or behind one"


def _during(exchange: Exchange) -> str:
    return f" while {exchange.step}" if exchange.step else f" (HTTP {exchange.status})"


def _lasting(found: Explanation, number: int) -> bool:
    """Whether a redirect is among the leading permanent ones, which led to `moved_to`."""
    led = found.poll.wire.moved_to if found.poll.wire else ""
    places = [each.url for each in found.exchanges[1:]]
    return led in places and number <= places.index(led)


def _decision(found: Explanation) -> str:
    poll, wire = found.poll, found.poll.wire
    if poll.outcome == "held":
        return "not asked: its server wants to be left alone (--now asks all the same)"
    if wire is None or not wire.attempts:
        return f"not asked: {poll.error}" if poll.error else "not asked: what is stored is fresh"
    how = "conditional" if wire.conditional else "unconditional, since nothing usable is stored"
    return f"{how}; {wire.status or 'no answer'}{_outcome(poll, wire)}"


def _outcome(poll: Poll, wire: Wire) -> str:
    if poll.error is not None:
        return ": failed"
    if wire.status == 304:
        return ": not changed, no body"
    if poll.wasted:
        return " all the same, with the same document: its validators are ignored"
    if poll.outcome == "unchanged":
        return ", with the document that is known"
    return ": changed" if wire.conditional else ""


def _answer(found: Explanation) -> Iterator[Row]:
    wire = found.poll.wire
    if found.poll.error:
        yield "failed", Styled(str(found.poll.error), "bad")
    if found.stored:
        names = zip(("ETag", "Last-Modified"), found.stored, strict=True)
        yield "stored", [f"{name} {value}" for name, value in names if value] or "no validators"
    else:
        yield "stored", "nothing"
    if wire is None or not wire.attempts:
        return
    if found.poll.error is None:
        yield "to be kept", "yes" if found.kept else "no, its server forbids it (no-store)"
        yield "fresh for", span(wire.fresh) if wire.fresh else "not at all"
    yield (
        "travelled",
        f"{wire.sent:,} bytes sent, {wire.received:,} received, {wire.body_bytes:,} of them body",
    )
    yield "took", f"{wire.spent:.2f} s"


def _document(found: Explanation) -> Iterator[Row]:
    if found.document is not None:
        yield "size", f"{found.document:,} bytes, decoded"
    if found.feed is None:
        yield "begins", found.begins
        return
    feed = found.feed
    yield "recognised", feed.evidence
    yield "title", feed.title or "none"
    counts = dict.fromkeys((item.verdict for item in found.items), 0)
    for item in found.items:
        counts[item.verdict] += 1
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items())
    yield "incidents", f"{len(feed.incidents)}: {told}" if told else f"{len(feed.incidents)}"
    if found.missing:
        yield "missing", f"{found.missing} that are known; that is no news"
    for fault in feed.faults:
        yield "skipped", Styled(fault, "bad")


def _items(screen: Screen, items: Sequence[Item], zone: tzinfo | None) -> str:
    columns = [Column("ITEM", whole=True), Column("UPDATED", whole=True), Column("WHAT AND WHY")]
    rows: list[Sequence[Cell]] = []
    for item in items:
        when = item.incident.updated_at
        rows.append(
            (
                Styled(item.verdict, _STYLES.get(item.verdict, "warn")),
                f"{when.astimezone(zone):%Y-%m-%d %H:%M}" if when else "",
                [
                    f"{item.incident.state.label}: {item.incident.title}",
                    Styled(item.why, "quiet"),
                ],
            )
        )
    return screen.table(columns, rows)


def _when(found: Explanation) -> str:
    return "never" if found.wait is None else f"in {span(found.wait)}"


# JSON.


def _json(found: Explanation) -> dict[str, Any]:
    """All of it; keys are always all present."""
    poll, wire, error = found.poll, found.poll.wire, found.poll.error
    return {
        "version": __version__,
        "python": sys.version.split()[0],
        "page": dict(dump.provider(found.provider, Filters())),
        "row": found.row,
        "url": without_credentials(found.url),
        "known": {
            "state": found.state,
            "dialect": found.memory.dialect,
            "identity": found.memory.identity,
            "incidents": len(found.memory.told),
            **dataclasses.asdict(found.pacing),
            "stored": found.stored,
        },
        "exchanges": [dataclasses.asdict(each) for each in found.exchanges],
        "outcome": poll.outcome,
        "error": without_credentials(str(error)) if error else None,
        "error_kind": type(error).__name__ if error else None,
        "decision": _decision(found),
        "conditional": bool(wire and wire.conditional),
        "fresh_seconds": poll.fresh,
        "kept": found.kept,
        "moved_to": (wire.moved_to if wire else "") or None,
        "bytes_sent": wire.sent if wire else 0,
        "bytes_received": wire.received if wire else 0,
        "body_bytes": wire.body_bytes if wire else 0,
        "document_bytes": found.document,
        "seconds": wire.spent if wire else 0.0,
        "dialect": found.feed.dialect if found.feed else None,
        "evidence": found.feed.evidence if found.feed else None,
        "title": found.feed.title if found.feed else None,
        "begins": found.begins or None,
        "faults": list(found.feed.faults) if found.feed else [],
        "items": [_item(each) for each in found.items],
        "missing": found.missing,
        "next_seconds": found.wait,
        "next_why": found.why,
        "stderr": found.said,
    }


def _item(item: Item) -> dict[str, Any]:
    incident = item.incident
    return {
        "verdict": item.verdict,
        "why": item.why,
        "incident": incident.id,
        "title": incident.title,
        "kind": incident.kind,
        "state": incident.state,
        "impact": incident.impact,
        "components": list(incident.components),
        "updated_at": _utc(incident.updated_at),
    }


def _utc(moment: datetime | None) -> str | None:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if moment else None
