"""The ledger, and `stats`: every poll is entered, nothing is written for it, and the sums are right."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import astuple
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from defusedxml.ElementTree import fromstring

from efficient_status import errors
from efficient_status.commands import COMMANDS, stats
from efficient_status.commands.stats import size
from efficient_status.commands.svg import chart
from efficient_status.ledger import EXCHANGE, Ledger
from efficient_status.models import Pacing, Provider, Tally
from efficient_status.pacing import DAY
from efficient_status.picture import take
from efficient_status.poller import Page, Poll
from efficient_status.state import StateStore, open_state, sqlite
from efficient_status.state.memory import MemoryState
from efficient_status.state.sqlite import DAYS, SqliteState
from tests.app import App, cli
from tests.feeds import Report, incidentio, minute
from tests.origin import Answer, Origin

TODAY = 20_516  # 2026-03-04
ONE = Tally(unchanged=90, fresh=4, changed=5, failed=1, requests=97, bytes=40_000, spared=360_000)
TWO = Tally(unchanged=1, changed=1, requests=2, bytes=3_000, spared=1_000, events=7)
ROW = Provider("a", name="", feed="https://status.example.test/feed")


def written(folder: Path) -> dict[tuple[str, int], Tally]:
    """The sums that are in a folder's state."""
    return dict(take(folder).tallies)


# The ledger.


def test_every_poll_is_entered(origin: Origin, tmp_path: Path) -> None:
    """By outcome, with requests, bytes as counted on the wire, and the bodies that were spared."""
    document = incidentio(Report("AAA"))
    page = origin.page("/feed").serve(document, etag=True)
    polls: list[Poll] = []

    async def work() -> Tally:
        app = App(origin.url("/feed"), folder=tmp_path)
        ledger = Ledger(app.state, clock=lambda: TODAY * DAY + 5)
        app.scheduler._observers = [ledger, lambda _page, poll: polls.append(poll)]
        watched = app.pages[0]
        for _ in range(3):
            await app.scheduler._poll(watched)
        page.serve(document, etag='"new"', headers={"Cache-Control": "max-age=60"})
        await app.scheduler._poll(watched)
        watched.pacing, watched.held_until = Pacing(), None
        await app.scheduler._poll(watched)
        page.always(Answer(404))
        app.fetcher.forget(watched.url)
        watched.pacing, watched.held_until = Pacing(), None
        await app.scheduler._poll(watched)
        tally = app.state.tally(watched.label, TODAY)
        await app.close()
        return tally

    asyncio.run(work())
    (tally,) = written(tmp_path).values()

    assert [poll.outcome for poll in polls] == [
        "changed",
        *["unchanged"] * 3,
        "fresh",
        "failed",
    ]
    assert (tally.changed, tally.unchanged, tally.fresh, tally.failed) == (1, 3, 1, 1)
    assert (tally.requests, tally.events) == (5, 1)
    assert tally.bytes == sum(poll.wire.bytes for poll in polls if poll.wire)
    # Of those that had not changed one was answered in full, for its validator was new.
    assert tally.spared == 3 * len(document.encode()) + EXCHANGE


def test_polls_that_asked_nothing_are_none(tmp_path: Path) -> None:
    """Its server wanted rest, or its events could not be written; what was told still counts."""
    state = MemoryState()
    ledger = Ledger(state, clock=lambda: TODAY * DAY)
    page = Page(ROW, Pacing(), "")
    ledger(page, Poll("held"))
    ledger(page, Poll("untold"))
    assert state._tallies == {}
    ledger(page, Poll("held", events=2))

    assert state.tally("a", TODAY) == Tally(events=2)


@pytest.fixture(params=[False, True], ids=["memory", "sqlite"])
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateStore]:
    """A state that knows nothing yet."""
    with closing(open_state(tmp_path if request.param else None)) as opened:
        yield opened


def test_a_tally_is_one_for_page_and_day(state: StateStore) -> None:
    """Whoever adds to it adds to the same one; other pages and days have their own."""
    state.tally("a", 1).unchanged += 1
    state.tally("a", 1).unchanged += 1
    state.tally("b", 1).unchanged += 1

    assert state.tally("a", 1).unchanged == 2
    assert state.tally("a", 2) == Tally()


def test_nothing_is_written_for_a_thousand_polls(tmp_path: Path) -> None:
    """No statement while they are entered and flushed, then one transaction for all pages."""
    with closing(SqliteState(tmp_path / "state.sqlite3")) as state:
        statements: list[str] = []
        state._database.connection.set_trace_callback(statements.append)
        ledger = Ledger(state, clock=lambda: TODAY * DAY)
        pages = [Page(Provider(f"{n}", name="", feed=ROW.feed), Pacing(), "") for n in range(10)]
        for number in range(1_000):
            ledger(pages[number % 10], Poll("unchanged", spared=7))
            state.flush()
        quiet = list(statements)
        state._tallies_due = 0.0  # the hour is over
        state.flush()
        once = [line.split()[0] for line in statements]
        state.flush()

        assert quiet == []
        assert len(statements) == len(once)
        assert once == ["BEGIN", "DELETE", *["INSERT"] * 10, "COMMIT"]
    assert written(tmp_path)["3", TODAY] == Tally(unchanged=100, spared=700)


def test_the_first_sums_are_written_after_a_minute(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often something else was written before; then an hour later."""
    now = [1_000.0]
    monkeypatch.setattr(sqlite, "time", type("Clock", (), {"monotonic": lambda: now[0]}))
    with closing(SqliteState(tmp_path / "state.sqlite3")) as state:
        minutes = []
        state.finish("a", "identity", "generic-rss")
        for minute_ in range(1, 125):
            now[0] += 60
            state.tally("a", TODAY).unchanged += 1
            state.pace("b", ROW.feed, Pacing(not_before=minute_))
            before = len(state._tallies)
            state.flush()
            if before and not state._tallies:
                minutes.append(minute_)

    assert minutes == [1, 61, 121]


def test_a_run_from_cron_writes_once_at_its_end(origin: Origin, tmp_path: Path) -> None:
    """One transaction, after all pages."""
    for path in ("/a", "/b", "/c"):
        origin.page(path).serve(incidentio(Report("AAA")), etag=True)
    urls = [origin.url(path) for path in ("/a", "/b", "/c")]
    App(*urls, folder=tmp_path).once()
    app = App(*urls, folder=tmp_path)
    app.scheduler._observers = [Ledger(app.state)]
    statements: list[str] = []
    app.state._database.connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]
    app.once()

    commits = [n for n, line in enumerate(statements) if line == "COMMIT"]
    sums = [n for n, line in enumerate(statements) if line.startswith("INSERT INTO tally")]
    assert len(commits) == 1
    assert len(sums) == 3


def test_sums_add_up_over_runs(tmp_path: Path) -> None:
    """A day's polls of several runs are one row; the last good answer is the newest."""
    for read_at in (7.0, 5.0):
        with closing(SqliteState(tmp_path / "state.sqlite3")) as state:
            tally = state.tally("a", TODAY)
            tally.add(ONE)
            tally.read_at = read_at

    assert astuple(written(tmp_path)["a", TODAY]) == (*(2 * n for n in astuple(ONE)[:-1]), 7.0)


def test_a_full_disk_loses_no_sums(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What could not be written is written later, once; nor is it an error at the end."""
    with closing(SqliteState(tmp_path / "state.sqlite3")) as state:
        state.tally("a", TODAY).add(ONE)
        state._tallies_due = 0.0
        state._database.connection.execute("PRAGMA query_only = ON")
        state.flush()
        failed = written(tmp_path)
        state._database.connection.execute("PRAGMA query_only = OFF")
        state._database.insist()
        state.tally("a", TODAY).add(ONE)
        state.flush()
        state.flush()

        assert failed == {}
        assert written(tmp_path)["a", TODAY].polls == 200
        state.tally("a", TODAY).add(ONE)
        state._database.connection.execute("PRAGMA query_only = ON")
    assert len(caplog.messages) == 3  # cannot be written, can again, cannot


def test_old_days_are_dropped(tmp_path: Path) -> None:
    """The newest days are kept, and no clock that is years ahead for a moment drops them."""
    path = tmp_path / "state.sqlite3"
    for days in (range(DAYS + 20), [DAYS + 20], [TODAY], [DAYS + 21]):
        for chunk in (list(days)[:-1], list(days)[-1:]):
            with closing(SqliteState(path)) as state:
                for day in chunk:
                    state.tally("a", day).add(ONE)
    days = sorted(day for _, day in written(tmp_path))

    assert len(days) == DAYS
    assert days[-2:] == [DAYS + 21, TODAY]
    assert days[0] == 23


# `stats`.


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state with the sums of two pages over three days, the last of which is today."""
    with closing(SqliteState(tmp_path / "state.sqlite3")) as state:
        state.tally("openai", TODAY).add(ONE)
        state.tally("openai", TODAY - 1).add(ONE)
        state.tally("github", TODAY - 9).add(TWO)
    monkeypatch.setattr(stats, "time", type("Clock", (), {"time": lambda: TODAY * DAY + 99}))
    return tmp_path


def shown(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> str:
    """What `stats` prints."""
    capsys.readouterr()
    assert COMMANDS["stats"](["--state-dir", str(folder), *words]) == 0
    return capsys.readouterr().out


def found(capsys: pytest.CaptureFixture[str], folder: Path, *words: str) -> dict[str, Any]:
    """The same as an object."""
    return dict(json.loads(shown(capsys, folder, "--json", *words)))


def test_a_table(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """A line a page, the most expensive first, and one for all; how many days, and what is computed."""
    lines = shown(capsys, folder).splitlines()

    assert [" ".join(line.split()) for line in lines] == [
        "PAGE POLLS 304 FRESH NEW FAILED TOLD SPENT SPARED",
        "OpenAI 200 █████████░ 90% 8 10 2 0 80 kB █████████░ 720 kB",
        "GitHub 2 █████░░░░░ 50% 0 1 0 7 3 kB ██░░░░░░░░ 1 kB",
        "all 2 202 █████████░ 90% 8 11 2 7 83 kB █████████░ 721 kB",
        "",
        (
            "3 days with polls, 2026-02-23 to 2026-03-04 (UTC); SPARED is computed from stored"
            " sizes, see --help"
        ),
    ]


def test_json(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """The total, each page, each day; every key always present."""
    sums = found(capsys, folder)

    assert sums["total"] == {
        "polls": 202,
        "unchanged": 181,
        "fresh": 8,
        "changed": 11,
        "failed": 2,
        "requests": 196,
        "bytes": 83_000,
        "unconditional_bytes": 804_000,
        "events": 7,
        "read_at": None,
    }
    assert [page["provider"] for page in sums["pages"]] == ["openai", "github"]
    assert [day["day"] for day in sums["days"]] == ["2026-02-23", "2026-03-03", "2026-03-04"]
    assert sums["pages"][1].keys() - sums["total"].keys() == {"provider", "provider_name"}


@pytest.mark.parametrize(
    ("since", "polls"),
    [("1d", 100), ("2d", 200), ("10d", 202), ("2026-03-04", 100), ("2026-02-24", 200)],
)
def test_since(capsys: pytest.CaptureFixture[str], folder: Path, since: str, polls: int) -> None:
    """A day, or so many days with today as the last."""
    assert found(capsys, folder, "--since", since)["total"]["polls"] == polls


def test_some_pages(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """Those that are named, by any of their names; where there is nothing, that is said."""
    assert found(capsys, folder, "github")["total"]["polls"] == 2
    assert shown(capsys, folder, "claude") == "nothing was counted in this time\n"
    assert shown(capsys, folder, "--since", "2027-01-01") == "nothing was counted in this time\n"


@pytest.mark.parametrize("since", ["yesterday", "0d", "-1d", "2026-02-30", "7", "٣d"])
def test_since_when(folder: Path, since: str) -> None:
    """What, expected, got."""
    with pytest.raises(errors.UsageError, match="--since: expected a day, as in 2026-03-31, or"):
        COMMANDS["stats"](["--state-dir", str(folder), f"--since={since}"])


def test_a_picture(capsys: pytest.CaptureFixture[str], folder: Path) -> None:
    """A bar a day, those without polls included, with a title, an axis, and colours for dark ground."""
    path = folder / "spent.svg"
    shown(capsys, folder, "--svg", str(path))
    picture = fromstring(path.read_text("utf-8"))
    svg = "{http://www.w3.org/2000/svg}"
    texts = [element.text for element in picture.iter(f"{svg}text")]
    titles = [element.text for element in picture.iter(f"{svg}title")]
    heights = [
        float(e.get("height")) for e in picture.iter(f"{svg}rect") if e.get("class") == "spent"
    ]

    assert texts[0] == "Bytes by day, all 2 pages"
    assert "400 kB" in texts
    assert "2026-02-23" in texts
    assert len(titles) == 10
    assert titles[-1] == "2026-03-04: 40 kB spent, 360 kB spared"
    assert titles[1] == "2026-02-24: 0 B spent, 0 B spared"
    assert heights[-1] == pytest.approx((360 - 40 - 72) * 40 / 400, abs=0.01)
    assert "prefers-color-scheme: dark" in path.read_text("utf-8")


def test_a_picture_of_nothing_and_where_it_cannot_be(
    capsys: pytest.CaptureFixture[str], folder: Path
) -> None:
    """No polls are an empty chart; a file that cannot be written is one line."""
    shown(capsys, folder, "claude", "--svg", str(folder / "empty.svg"))
    assert fromstring((folder / "empty.svg").read_text("utf-8")) is not None
    assert "&lt;&amp;" in chart("<&", [("<", 1, 2)], size)
    with pytest.raises(errors.UsageError, match=r"--svg: /nowhere/x\.svg: cannot be written"):
        shown(capsys, folder, "--svg", "/nowhere/x.svg")


@pytest.mark.parametrize(
    ("count", "says"),
    [(0, "0 B"), (999, "999 B"), (1_000, "1 kB"), (12_345, "12.3 kB"), (999_499, "999 kB"),
     (999_500, "1 MB"), (7.7e9, "7.7 GB"), (5e12, "5 TB"), (5e16, "5e+04 TB")],
)  # fmt: skip
def test_sizes(count: float, says: str) -> None:
    """Three digits, in powers of a thousand."""
    assert size(count) == says


def test_from_watching_to_stats(origin: Origin, tmp_path: Path) -> None:
    """What `--once` has cost is there for `stats`, as it was counted by the origin."""
    page = origin.page("/feed").serve(incidentio(Report("AAA"), built=minute(1)), etag=True)
    feed = ("--feed", origin.url("/feed"))
    for _ in range(3):
        cli(tmp_path, "--once", *feed)
    done = cli(tmp_path, "stats", "--json", "--since", "1d", *feed)
    (sums,) = json.loads(done.stdout)["pages"]

    assert (done.returncode, page.count) == (0, 3)
    assert (sums["polls"], sums["unchanged"], sums["changed"], sums["events"]) == (3, 2, 1, 1)
    assert sums["bytes"] == origin.bytes_in + origin.bytes_out
    assert sums["unconditional_bytes"] - sums["bytes"] == 2 * page.requests[0].body_sent
    read_at = datetime.fromisoformat(sums["read_at"])
    assert 0 <= time.time() - read_at.astimezone(UTC).timestamp() < 60
