"""`stats`: what watching has cost, and what it has spared."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from efficient_status import options
from efficient_status.commands.known import add_choice, chosen, with_known
from efficient_status.commands.speech import say
from efficient_status.errors import UsageError
from efficient_status.figures import counted
from efficient_status.ledger import EXCHANGE
from efficient_status.models import Provider, Tally
from efficient_status.outputs.jsonl import dumped, rfc3339
from efficient_status.picture import take
from efficient_status.screen import Cell, Column, Screen, Styled

_EPOCH = date(1970, 1, 1)

_EPILOG = f"""\
Sums of every poll: 304 = not changed; FRESH = no request was made, since the
last answer still held; NEW = it brought another document; FAILED.  TOLD are
events, SPENT are bytes in both directions, with TLS.  SPARED is what asking
unconditionally, as often, would have cost more: the stored body's size for each
304 and each fresh poll, and {EXCHANGE} bytes for each request that was not made.
So it is computed, not measured.

A run that watches writes its sums once an hour and at its end; the newest 400
days are kept.

exit status: 0 shown · 2 wrong usage, or no state yet

examples:
  efficient-status stats                        all that is known
  efficient-status stats --since 7d             today and the six days before
  efficient-status stats openai --since 2026-03-01 --json
  efficient-status stats --svg spent.svg        bytes by day, as a picture
"""


@dataclass(slots=True)
class Sums:
    """A page's, or all pages', over some days.

    Attributes:
        days: since the epoch → that day's.
    """

    name: str
    key: str | None = None
    days: dict[int, Tally] = field(default_factory=dict)
    total: Tally = field(default_factory=Tally)

    def add(self, day: int, tally: Tally) -> None:
        """Add a page's sums of a day."""
        self.total.add(tally)
        self.days.setdefault(day, Tally()).add(tally)


def parser() -> options.Parser:
    """Which pages, since when, and how to show it."""
    parser = options.Parser(
        prog="efficient-status stats",
        description="Show what watching has cost, and what it has spared.",
        epilog=_EPILOG,
    )
    add_choice(parser)
    parser.add_argument(
        "--since", metavar="DATE|7d", help="from this day on (UTC), or so many days up to today"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, one line a page")
    parser.add_argument(
        "--svg", metavar="FILE", help="also draw bytes spent and spared by day into this file"
    )
    return parser


def run(words: Sequence[str]) -> int:
    """Add up, and show."""
    asked = parser().parse_intermixed_args(words)
    today = datetime.fromtimestamp(time.time(), UTC).date()
    first = _first_day(asked.since, today)
    settings, folder = chosen(asked)
    tallies = {place: tally for place, tally in take(folder).tallies.items() if place[1] >= first}
    settings = with_known(settings, {key for key, _ in tallies})
    pages, everything = _added(settings.providers, tallies)
    if asked.svg:
        _draw(Path(asked.svg), everything, first, (today - _EPOCH).days)
    if asked.json:
        say(_json(pages, everything))
    else:
        say("".join(_shown(Screen.of_stdout(), pages, everything)))
    return 0


def _first_day(since: str | None, today: date) -> int:
    """Days since the epoch.

    Raises:
        UsageError: it is neither a date nor a number of days.
    """
    if since is None:
        return 0
    if found := re.fullmatch(r"([1-9][0-9]{0,4})d", since, re.ASCII):
        return (today - _EPOCH).days - int(found[1]) + 1
    try:
        return (date.fromisoformat(since) - _EPOCH).days
    except ValueError:
        raise UsageError(
            [
                f"--since: expected a day, as in 2026-03-31, or a number of them, as in 7d, got {since!r}"
            ]
        ) from None


def _added(
    providers: Iterable[Provider], tallies: Mapping[tuple[str, int], Tally]
) -> tuple[list[Sums], Sums]:
    """A page's sums each, the most expensive first, and those of all."""
    pages = {each.key: Sums(each.name or each.key, each.key) for each in providers}
    everything = Sums(f"all {len(pages)}")
    for (key, day), tally in sorted(tallies.items()):
        if key in pages:
            pages[key].add(day, tally)
            everything.add(day, tally)
    known = [page for page in pages.values() if page.days]
    return sorted(known, key=lambda page: (-page.total.bytes, page.name)), everything


def _json(pages: Iterable[Sums], everything: Sums) -> str:
    lines = ",\n".join(
        dumped({"provider": page.key, "provider_name": page.name, **_values(page.total)})
        for page in pages
    )
    days = ",\n".join(
        dumped({"day": _day(day).isoformat(), **_values(tally)})
        for day, tally in sorted(everything.days.items())
    )
    total = dumped(_values(everything.total))
    return f'{{"total": {total}, "pages": [\n{lines}\n], "days": [\n{days}\n]}}\n'


def _values(tally: Tally) -> dict[str, int | str | None]:
    read_at = datetime.fromtimestamp(int(tally.read_at), UTC) if tally.read_at else None
    return {
        "polls": tally.polls,
        "unchanged": tally.unchanged,
        "fresh": tally.fresh,
        "changed": tally.changed,
        "failed": tally.failed,
        "requests": tally.requests,
        "bytes": tally.bytes,
        "unconditional_bytes": tally.bytes + tally.spared,
        "events": tally.events,
        "read_at": rfc3339(read_at),
    }


_WIDE = 100  # columns of a terminal that has room for longer bars


def _shown(screen: Screen, pages: Sequence[Sums], everything: Sums) -> Iterator[str]:
    if not everything.days:
        yield "nothing was counted in this time\n"
        return
    width = 4 if screen.width and screen.width < _WIDE else 10
    rows = [_row(screen, page, width) for page in pages]
    if len(pages) > 1:
        rows.append(_row(screen, everything, width, "strong"))
    yield screen.table(_COLUMNS, rows)
    first, last = _day(min(everything.days)), _day(max(everything.days))
    yield "\n"
    yield screen.line(
        Styled(
            f"{counted(len(everything.days), 'day')} with polls, {first} to {last} (UTC); SPARED is"
            " computed from stored sizes, see --help",
            "quiet",
        )
    )


_COLUMNS = (
    Column("PAGE"),
    Column("POLLS", right=True, whole=True),
    Column("304", whole=True),
    Column("FRESH", right=True, whole=True),
    Column("NEW", right=True, whole=True),
    Column("FAILED", right=True, whole=True),
    Column("TOLD", right=True, whole=True),
    Column("SPENT", right=True, whole=True),
    Column("SPARED", whole=True),
)


def _row(screen: Screen, page: Sums, width: int, style: str = "") -> list[Cell]:
    tally = page.total
    unchanged = tally.unchanged / max(tally.polls, 1)
    spared = tally.spared / max(tally.bytes + tally.spared, 1)
    return [
        Styled(page.name, style),
        f"{tally.polls:,}",
        Styled(f"{screen.bar(unchanged, width)} {unchanged:4.0%}", "good"),
        f"{tally.fresh:,}",
        f"{tally.changed:,}",
        Styled(f"{tally.failed:,}", "warn" if tally.failed else ""),
        f"{tally.events:,}",
        size(tally.bytes),
        Styled(f"{screen.bar(spared, width)} {size(tally.spared)}", "good"),
    ]


def size(count: float) -> str:
    """Bytes for people, in powers of a thousand."""
    for unit in ("B", "kB", "MB", "GB"):
        if count < 999.5:
            return f"{count:.3g} {unit}" if unit != "B" else f"{count:.0f} B"
        count /= 1000
    return f"{count:,.4g} TB"


def _day(number: int) -> date:
    return _EPOCH + timedelta(days=number)


def _draw(path: Path, everything: Sums, first: int, today: int) -> None:
    """Draw every day, those without polls included.

    Raises:
        UsageError: the file cannot be written.
    """
    from efficient_status.commands.svg import chart

    start = max(first, min(everything.days, default=today))
    days = range(start, max([today, *everything.days]) + 1)
    bars = [
        (_day(day).isoformat(), tally.bytes, tally.spared)
        for day in days
        for tally in [everything.days.get(day, Tally())]
    ]
    names = f"{everything.name} pages"
    try:
        path.write_text(chart(f"Bytes by day, {names}", bars, size), "utf-8")
    except OSError as error:
        raise UsageError([f"--svg: {path}: cannot be written ({error.strerror})"]) from error
