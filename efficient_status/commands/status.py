"""`status`: what is open now, from what is known; no page is asked unless that is wished."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path

from efficient_status import catalogue, options
from efficient_status.catalogue import product_of
from efficient_status.commands.known import add_choice, chosen, with_known
from efficient_status.commands.speech import say
from efficient_status.config import Settings
from efficient_status.figures import counted, span
from efficient_status.filters import wanted
from efficient_status.models import Impact, Incident, Provider, State
from efficient_status.outputs.jsonl import dumped, rfc3339, shown
from efficient_status.picture import KnownPage, Picture, Shown, take
from efficient_status.screen import Cell, Column, Row, Screen, Styled

OPEN = 10  # exit status
_NAMED = 6  # pages with nothing open that are named

_EPILOG = """\
What was told and is not over, from the state folder, also while another run
watches: nothing is asked, locked or written.  Filters apply.  A page is known
as of the moment of its last good answer; while it is watched that is noted once
a minute.  Maintenances that are only scheduled, and what the page has stopped
showing, are listed but do not count as open; what does not say whether it is
over is not listed.

--refresh asks the pages first that were not asked within --interval, unless
their servers want rest.  What is new then is shown, and still told by the next
run: nothing counts as told.

exit status: 0 nothing is open · 10 something is · 1 with --refresh, nothing is,
but some page could not be read · 2 wrong usage, or no state yet · 3 with
--refresh, another run holds the state folder

examples:
  efficient-status status
  efficient-status status openai github || echo trouble
  efficient-status status --json | jq -r '.pages[].incidents[].title'
  efficient-status status --refresh --group ai        (without a run that watches)
"""
_STATES = {
    State.INVESTIGATING: "bad",
    State.IDENTIFIED: "warn",
    State.MONITORING: "good",
    State.VERIFYING: "good",
}
_IMPACTS = {
    Impact.CRITICAL: "bad",
    Impact.MAJOR: "bad",
    Impact.MINOR: "warn",
    Impact.NONE: "quiet",
    Impact.MAINTENANCE: "note",
    None: "",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """An incident in the list.

    Attributes:
        open: whether it counts as open.
    """

    provider: Provider
    product: str
    shown: Shown

    @property
    def incident(self) -> Incident:
        """As it was told."""
        return self.shown.incident

    @property
    def open(self) -> bool:
        """Whether it is going on, and its page still shows it."""
        return self.incident.state is not State.SCHEDULED and self.shown.left_at is None

    @property
    def order(self) -> tuple[bool, int]:
        """The worst first."""
        return not self.open, list(_IMPACTS).index(self.incident.impact)


@dataclass(frozen=True, slots=True)
class Standing:
    """A page and what is open on it."""

    provider: Provider
    known: KnownPage
    entries: tuple[Entry, ...]

    @property
    def name(self) -> str:
        """What people call it."""
        return self.provider.name or self.provider.key

    @property
    def fails(self) -> bool:
        """Whether its last poll failed."""
        return bool(self.known.pacing.failures or self.known.pacing.gone)


def parser() -> options.Parser:
    """Which pages, and how to show them."""
    parser = options.Parser(
        prog="efficient-status status",
        description="Show what is open now, from what is known.",
        epilog=_EPILOG,
    )
    add_choice(parser)
    parser.add_argument("--refresh", action="store_true", help="ask the pages first that are due")
    parser.add_argument(
        "--interval", metavar="SECONDS", help="how old an answer --refresh takes (default 60)"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object, one line a page")
    options.add_zone(parser)
    return parser


def run(words: Sequence[str]) -> int:
    """Look, and show."""
    asked = parser().parse_intermixed_args(words)
    settings, folder = chosen(asked)
    failed = False
    if asked.refresh:
        settings, picture, failed = _refreshed(settings, folder)
    else:
        picture = take(folder)
        settings = with_known(settings, picture.pages)
    pages = [_standing(each, picture) for each in settings.providers]
    now = time.time()
    count = sum(entry.open for page in pages for entry in page.entries)
    if asked.json:
        say(_json(pages, now, count))
    else:
        screen = Screen.of_stdout()
        say("".join(_shown(screen, pages, now, UTC if settings.utc else None)))
    return OPEN if count else int(failed)


def _refreshed(settings: Settings, folder: Path) -> tuple[Settings, Picture, bool]:
    from efficient_status.lock import Lock
    from efficient_status.refresh import refreshed
    from efficient_status.state import open_state

    lock = Lock(folder)
    try:
        open_state(folder).close()  # it is made, or brought up to date
        picture = take(folder)
        settings = with_known(settings, picture.pages or [catalogue.DEFAULT])
        return settings, *refreshed(settings, folder, picture)
    finally:
        lock.release()


def _standing(provider: Provider, picture: Picture) -> Standing:
    known = picture.page(provider.key)
    name = provider.name or provider.key
    entries = (
        Entry(provider, product_of(provider, each.incident.title, name), each)
        for each in known.shown
        if each.incident.state is not State.UNKNOWN
    )
    kept = [e for e in entries if wanted(provider.filters, e.incident, e.product)]
    return Standing(provider, known, tuple(sorted(kept, key=lambda entry: entry.order)))


def _json(pages: Iterable[Standing], now: float, count: int) -> str:
    lines = [
        dumped(
            {
                "provider": page.provider.key,
                "provider_name": page.name,
                "known_at": _moment(page.known.known_at),
                "failures": page.known.pacing.failures,
                "reason": page.known.pacing.reason or None,
                "not_before": _moment(page.known.pacing.not_before),
                "gone": page.known.pacing.gone,
                "moved_to": page.known.pacing.moved_to or None,
                "incidents": [
                    {
                        **shown(each.incident, each.product),
                        "left_at": _moment(each.shown.left_at),
                        "open": each.open,
                    }
                    for each in page.entries
                ],
            }
        )
        for page in pages
    ]
    head = f'{{"at": {dumped(_moment(now))}, "open": {count}, "pages": ['
    return head + "\n" + ",\n".join(lines) + "\n]}\n"


def _moment(seconds: float | None) -> str | None:
    return rfc3339(datetime.fromtimestamp(int(seconds), UTC)) if seconds else None


def _shown(
    screen: Screen, pages: Sequence[Standing], now: float, zone: tzinfo | None
) -> Iterator[str]:
    entries = sorted((e for page in pages for e in page.entries), key=lambda entry: entry.order)
    failing = [page for page in pages if page.fails]
    clock = _short(now, zone) if screen.width else _long(zone)
    if entries:
        known = {page.provider.key: page for page in pages}
        if screen.width:
            rows = (row for e in entries for row in _rows(e, known[e.provider.key], now, clock))
            yield screen.table(_COLUMNS, rows)
        else:
            yield screen.table(_WIDE, [_wide(e, known[e.provider.key], clock) for e in entries])
        yield "\n"
    if failing:
        yield screen.table(_FAILING, [_failing(page, now) for page in failing])
        yield "\n"
    yield from _summary(screen, pages, now)


_COLUMNS = (
    Column("PAGE"),
    Column("STATE", whole=True),
    Column("SINCE", whole=True),
    Column("CHANGED", whole=True),
    Column("INCIDENT"),
)
_WIDE = tuple(
    Column(title)
    for title in "PAGE KNOWN KIND STATE IMPACT SINCE CHANGED PRODUCT COMPONENTS TITLE URL".split()
)
_FAILING = (
    Column("CANNOT BE READ"),
    Column("POLLS", right=True, whole=True),
    Column("NEXT", whole=True),
    Column("LAST READ", whole=True),
    Column("REASON"),
)
Clock = Callable[[datetime | None], str]


def _rows(entry: Entry, page: Standing, now: float, clock: Clock) -> Iterator[Row]:
    """Its address stands alone, so that it is in one piece."""
    incident = entry.incident
    impact = Styled(incident.impact or "", _IMPACTS[incident.impact])
    lines: list[Styled | str] = [
        Styled(incident.title, "strong" if entry.open else "quiet"),
        _product(entry),
    ]
    if entry.shown.left_at is not None:
        lines.append(f"no longer on the page for {span(max(now - entry.shown.left_at, 0))}")
    yield [
        [page.name, Styled(_age(page, now), "warn" if page.fails else "quiet")],
        [Styled(incident.state.label, _STATES.get(incident.state, "note")), impact],
        clock(incident.started_at),
        clock(incident.updated_at),
        lines,
    ]
    if incident.url:
        yield Styled(f"  {incident.url}", "quiet", incident.url)


def _wide(entry: Entry, page: Standing, clock: Clock) -> list[Cell]:
    incident = entry.incident
    return [
        page.name,
        clock(_date(page.known.known_at)),
        incident.kind,
        incident.state,
        incident.impact or "-",
        clock(incident.started_at),
        clock(incident.updated_at),
        entry.product,
        ", ".join(incident.components) or "-",
        incident.title,
        incident.url or "-",
    ]


def _product(entry: Entry) -> str:
    parts = ", ".join(entry.incident.components)
    return f"{entry.product} ({parts})" if parts else entry.product


def _failing(page: Standing, now: float) -> list[Cell]:
    pacing = page.known.pacing
    wait = pacing.not_before - now
    attempt = "never" if pacing.gone else f"in {span(round(wait))}" if wait > 0 else "now"
    return [
        Styled(page.name, "bad"),
        str(pacing.failures),
        attempt,
        _age(page, now),
        pacing.reason or "-",
    ]


def _summary(screen: Screen, pages: Sequence[Standing], now: float) -> Iterator[str]:
    entries = [entry for page in pages for entry in page.entries]
    count = sum(entry.open for entry in entries)
    unread = [page for page in pages if not page.known.met and not page.fails]
    well = [page for page in pages if page.known.met and not page.fails]
    says = [f"{count} open" if count else "nothing is open"]
    if gone := sum(entry.shown.left_at is not None for entry in entries):
        says.append(f"{gone} no longer shown")
    if scheduled := len(entries) - count - gone:
        says.append(f"{scheduled} scheduled")
    if failing := sum(page.fails for page in pages):
        says.append(f"{failing} cannot be read")
    quiet = [page for page in well if not page.entries]
    if unread:
        names = ", ".join(page.name for page in unread[:_NAMED])
        says.append(f"{len(unread)} never read" if len(unread) > _NAMED else f"never read: {names}")
    style = "bad" if count else "good"
    yield screen.line(
        Styled(says[0], style),
        "".join(f"; {each}" for each in says[1:]),
        f" ({counted(len(pages), 'page')})",
    )
    if 0 < len(quiet) <= _NAMED:
        names = ", ".join(f"{page.name} ({_age(page, now)})" for page in quiet)
        yield screen.line(Styled(f"quiet: {names}", "quiet"))
    elif dated := [page for page in well if page.known.known_at]:
        oldest = max(_seconds(page, now) for page in dated)
        text = f"what is known of each page is at most {span(round(oldest))} old"
        yield screen.line(Styled(text, "quiet"))


def _seconds(page: Standing, now: float) -> float:
    return max(now - page.known.known_at, 0.0)


def _age(page: Standing, now: float) -> str:
    if page.known.known_at:
        return f"{span(round(_seconds(page, now)))} ago"
    return "just met" if page.known.met else "never"


def _date(seconds: float) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _short(now: float, zone: tzinfo | None) -> Clock:
    """The time where it is today's, else the day."""
    today = datetime.fromtimestamp(now, UTC).astimezone(zone)

    def short(moment: datetime | None) -> str:
        if moment is None:
            return ""
        local = moment.astimezone(zone)
        if local.date() == today.date():
            return f"{local:%H:%M}"
        return f"{local:%d %b}" if local.year == today.year else f"{local:%Y-%m}"

    return short


def _long(zone: tzinfo | None) -> Clock:
    return lambda moment: f"{moment.astimezone(zone):%Y-%m-%d %H:%M:%S}" if moment else "-"
