"""`status`: what is open, how old that knowledge is, and that looking disturbs nobody."""

from __future__ import annotations

import asyncio
import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from efficient_status import scheduler
from efficient_status.commands import COMMANDS
from efficient_status.commands.status import _shown, _standing
from efficient_status.errors import Moved, StateError, StateInUse, StateTooNew, UsageError
from efficient_status.ledger import Ledger
from efficient_status.lock import Lock
from efficient_status.models import Impact, Incident, Kind, Pacing, State, Told
from efficient_status.picture import take
from efficient_status.poller import Poll
from efficient_status.screen import Screen
from efficient_status.state.sqlite import APPLICATION_ID, MIGRATIONS, SqliteState
from tests.app import App, cli, objects, until
from tests.feeds import Report, incidentio, minute
from tests.origin import Answer, Origin

MARK = b"twelve bytes"
SLOW = Incident(
    id="1",
    title="Slow answers",
    state=State.INVESTIGATING,
    impact=Impact.MINOR,
    components=("Login", "API"),
    message="We are looking.",
    url="https://status.example.test/1",
    started_at=minute(0),
    updated_at=minute(5),
)
DOWN = replace(SLOW, id="2", title="All is down", impact=Impact.CRITICAL)
PLANNED = replace(
    SLOW,
    id="3",
    title="New disks",
    kind=Kind.MAINTENANCE,
    state=State.SCHEDULED,
    impact=Impact.MAINTENANCE,
)


def told(incident: Incident, left_at: float | None = None) -> Told:
    """An incident that was told, and is not over."""
    return Told(incident.state, MARK, MARK, left_at=left_at, open=incident)


@dataclass
class Desk:
    """A state folder, a configuration that names three pages, and who looks at them."""

    folder: Path
    capsys: pytest.CaptureFixture[str]

    def __post_init__(self) -> None:
        (self.folder / "config.toml").write_text(
            f"""state_dir = "{self.folder / "state"}"
            [[providers]]
            key = "ai"
            name = "Example AI"
            feed = "https://ai.example.test/feed"
            rules = [{{ keyword = "slow", product = "Speed" }}]
            [[providers]]
            key = "cdn"
            feed = "https://cdn.example.test/feed"
            filters = {{ min_impact = "major" }}
            [[providers]]
            key = "quiet"
            feed = "https://quiet.example.test/feed"
            """
        )

    @property
    def path(self) -> Path:
        """The state's file."""
        return self.folder / "state" / "state.sqlite3"

    def state(self) -> SqliteState:
        """The state, as a run has it."""
        (self.folder / "state").mkdir(exist_ok=True)
        return SqliteState(self.path)

    def keep(self, **incidents: list[Told]) -> None:
        """Have these told."""
        with closing(self.state()) as state:
            for key, listed in incidents.items():
                state.remember(key, {f"{n}": each for n, each in enumerate(listed)})
                state.finish(key, "identity", "generic-rss")
                state.tally(key, 20_000).read_at = time.time() - 30

    def look(self, *words: str) -> tuple[int, str]:
        """The exit status, and what is printed."""
        self.capsys.readouterr()
        status = COMMANDS["status"](["--config", str(self.folder / "config.toml"), *words])
        return status, self.capsys.readouterr().out

    def json(self, *words: str) -> tuple[int, dict[str, Any]]:
        """The same as an object, pages by their keys."""
        status, out = self.look("--json", *words)
        found = json.loads(out)
        return status, {**found, **{page["provider"]: page for page in found["pages"]}}


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Desk:
    """See `Desk`."""
    return Desk(tmp_path, capsys)


def test_what_is_open_as_json(desk: Desk) -> None:
    """Page by page, the keys of events and `open`; what is unknown or over is not there; exit 10."""
    unknown = replace(SLOW, state=State.UNKNOWN)
    over = Told(State.RESOLVED, MARK, MARK)
    desk.keep(ai=[told(PLANNED), told(SLOW), told(DOWN), told(unknown), over], quiet=[over])

    status, found = desk.json()

    assert (status, found["open"]) == (10, 2)
    assert [page["provider"] for page in found["pages"]] == ["ai", "cdn", "quiet"]
    assert [each["title"] for each in found["ai"]["incidents"]] == [
        "All is down",
        "Slow answers",
        "New disks",
    ]
    assert found["ai"]["incidents"][1] == {
        "incident": "1",
        "title": "Slow answers",
        "kind": "incident",
        "state": "investigating",
        "impact": "minor",
        "product": "Speed",
        "components": ["API", "Login"],
        "message": "We are looking.",
        "url": "https://status.example.test/1",
        "started_at": "2026-03-04T09:00:00Z",
        "updated_at": "2026-03-04T09:05:00Z",
        "left_at": None,
        "open": True,
    }
    assert found["quiet"]["incidents"] == []
    assert found["cdn"]["known_at"] is None


def test_what_is_open_as_text(desk: Desk) -> None:
    """Piped: a line an incident with all of it, the worst first, and a summary."""
    desk.keep(ai=[told(SLOW), told(DOWN)], quiet=[])
    status, out = desk.look("--utc")
    heading, first, second, _, *summary = out.splitlines()

    assert status == 10
    assert heading.split()[:4] == ["PAGE", "KNOWN", "KIND", "STATE"]
    assert "All is down" in first
    assert " ".join(second.split()).endswith(
        "incident investigating minor 2026-03-04 09:00:00 2026-03-04 09:05:00 Speed Login, API"
        " Slow answers https://status.example.test/1"
    )
    assert summary == ["2 open; never read: cdn (3 pages)", "quiet: quiet (30 s ago)"]


@pytest.mark.parametrize("width", [80, 120])
@pytest.mark.parametrize("rich", [False, True])
def test_a_terminal_gets_what_fits(desk: Desk, width: int, rich: bool) -> None:
    """Title, product with components and address stand below each other, no line too long."""
    desk.keep(ai=[told(replace(SLOW, title="Slow " * 40, started_at=minute(-60 * 24 * 40)))])
    provider = settings_of(desk).providers[0]
    pages = [_standing(provider, take(desk.path.parent))]
    lines = "".join(_shown(Screen(width, rich), pages, minute(60).timestamp(), None)).splitlines()

    assert ("\x1b" in lines[0]) is rich
    if not rich:
        assert max(map(len, lines)) <= width
        assert lines[0].split() == ["PAGE", "STATE", "SINCE", "CHANGED", "INCIDENT"]
        assert any(line.endswith("Speed (Login, API)") for line in lines)


def settings_of(desk: Desk) -> Any:
    """What is in force."""
    from efficient_status import options
    from efficient_status.commands.status import parser

    return options.settings(parser().parse_args(["--config", str(desk.folder / "config.toml")]))


def test_filters_apply(desk: Desk) -> None:
    """What is filtered out is not listed, and does not count."""
    desk.keep(cdn=[told(SLOW)])
    assert desk.json("cdn")[0] == 0
    desk.keep(cdn=[told(SLOW), told(DOWN)])
    status, found = desk.json("cdn")

    assert (status, [each["title"] for each in found["cdn"]["incidents"]]) == (10, ["All is down"])


@pytest.mark.parametrize(
    "entry", [told(PLANNED), told(SLOW, left_at=1_772_611_200.0)], ids=["scheduled", "left"]
)
def test_listed_but_not_open(desk: Desk, entry: Told) -> None:
    """What is only scheduled, or no longer on its page, is listed; nothing is open."""
    desk.keep(ai=[entry])
    status, found = desk.json()

    assert (status, found["open"], len(found["ai"]["incidents"])) == (0, 0, 1)
    assert desk.look()[1].splitlines()[-2].startswith("nothing is open; 1 ")


def test_without_any_named_all_that_are_known(desk: Desk) -> None:
    """Neither named nor configured: every page of the state, vendors by name, rows that are gone by key."""
    (desk.folder / "config.toml").write_text(f'state_dir = "{desk.path.parent}"')
    desk.keep(openai=[told(SLOW)], gone=[], **{"https://a.example.test/feed": []})

    assert [page["provider_name"] for page in desk.json()[1]["pages"]] == [
        "gone",
        "https://a.example.test/feed",
        "OpenAI",
    ]
    assert [page["provider"] for page in desk.json("github")[1]["pages"]] == ["github"]


def test_pages_that_fail(desk: Desk) -> None:
    """How often, when next, since when nothing is known, and why."""
    desk.keep(ai=[])
    with closing(desk.state()) as state:
        pacing = Pacing(time.time() + 600, failures=3, reason="HTTP 503 Service Unavailable")
        state.pace("ai", "https://ai.example.test/feed", pacing)
    status, found = desk.json("ai")
    out = desk.look("ai")[1]

    assert status == 0
    assert found["ai"]["failures"] == 3
    assert found["ai"]["reason"] == "HTTP 503 Service Unavailable"
    assert " ".join(out.splitlines()[1].split()) == (
        "Example AI 3 in 10 min 30 s ago HTTP 503 Service Unavailable"
    )
    assert out.splitlines()[3] == "nothing is open; 1 cannot be read (1 page)"


def test_why_a_poll_failed_is_kept_without_passwords(tmp_path: Path) -> None:
    """In one line, until the page is read again."""
    polls = [
        Poll("failed", error=Moved("redirects to https://me:secret@a.test/")),
        Poll("unchanged"),
    ]

    async def work() -> list[str]:
        app = App("https://a.test/feed", folder=tmp_path)
        reasons = []
        for poll in polls:
            app.scheduler._pace(app.pages[0], poll)
            app.state.flush()
            reasons.append(take(tmp_path).page(app.pages[0].label).pacing.reason)
        await app.close()
        return reasons

    assert asyncio.run(work()) == ["redirects to https://***@a.test/", ""]


# Looking disturbs nobody.


def contents(folder: Path) -> dict[str, bytes]:
    """Every file but SQLite's index of the journal, which every reader shares."""
    return {
        path.name: path.read_bytes()
        for path in sorted(folder.iterdir())
        if not path.name.endswith("-shm")
    }


def test_beside_a_run_that_watches(desk: Desk) -> None:
    """While another run holds the folder and writes: its newest, and nothing is changed."""
    desk.keep(ai=[])
    lock = Lock(desk.path.parent)
    with closing(desk.state()) as state:
        state.remember("ai", {"1": told(SLOW)})
        before = contents(desk.path.parent)
        connection = sqlite3.connect(desk.path)
        connection.execute("BEGIN IMMEDIATE")
        status, _ = desk.look()
        connection.close()

        assert status == 10
        assert contents(desk.path.parent) == before
    lock.release()


def test_nothing_is_left_behind_where_none_watches(desk: Desk) -> None:
    """No journal, no lock, not a byte."""
    desk.keep(ai=[told(SLOW)])
    before = {path.name: path.read_bytes() for path in desk.path.parent.iterdir()}

    assert desk.look()[0] == 10
    assert {path.name: path.read_bytes() for path in desk.path.parent.iterdir()} == before


def test_no_state_yet(desk: Desk) -> None:
    """One line; exit 2."""
    with pytest.raises(StateError, match="there is no state yet: watch first"):
        desk.look()
    with pytest.raises(UsageError, match="«:memory:» keeps nothing"):
        desk.look("--state-dir", ":memory:")
    with pytest.raises(StateError, match=r"cannot be read .File name too long"):
        desk.look("--state-dir", str(desk.folder / ("a" * 300)))
    done = cli(desk.folder, "status")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("version", [1, len(MIGRATIONS) - 1, len(MIGRATIONS) + 1])
def test_a_state_of_another_version(desk: Desk, version: int) -> None:
    """It is said whether it is older or newer, and what to do; nothing is changed."""
    desk.path.parent.mkdir()
    with closing(sqlite3.connect(desk.path)) as database:
        for statement in MIGRATIONS[:version]:
            database.execute(statement)
        database.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()
    before = desk.path.read_bytes()
    newer = version > len(MIGRATIONS)
    says = "newer efficient_status .*: upgrade" if newer else "older .* brings it up to date"
    with pytest.raises(StateTooNew if newer else StateError, match=says):
        desk.look()

    assert desk.path.read_bytes() == before


def _nonsense(path: Path) -> None:
    path.write_bytes(b"no database" * 99)


def _broken_row(path: Path) -> None:
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE told SET open = '{\"id\": 1'")
        database.commit()


@pytest.mark.parametrize("damage", [_nonsense, _broken_row], ids=["file", "row"])
def test_a_damaged_state_is_one_line(desk: Desk, damage: Callable[[Path], None]) -> None:
    """What cannot be read is said and left for the next run, which sets it aside."""
    desk.keep(ai=[told(SLOW)])
    damage(desk.path)
    before = desk.path.read_bytes()
    with pytest.raises(StateError, match=r"state\.sqlite3: cannot be read"):
        desk.look()

    assert desk.path.read_bytes() == before


# How old knowledge is.


def test_a_run_vouches_for_what_it_has_read(desk: Desk) -> None:
    """Between two writes of the books the lock's time says when well pages were known as they are."""
    desk.keep(ai=[], cdn=[], quiet=[])
    lock = Lock(desk.path.parent)
    now = float((desk.path.parent / "lock").read_text().split()[1])
    with closing(desk.state()) as state:
        for key in ("ai", "cdn"):
            state.tally(key, 20_000).read_at = now + 1
        state.pace("cdn", "https://cdn.example.test/feed", Pacing(failures=1))
    lock.known(now + 600)
    pages = take(desk.path.parent).pages
    lock.release()

    assert pages["ai"].known_at == now + 600
    assert pages["cdn"].known_at == now + 1  # it fails
    assert pages["quiet"].known_at < now  # this run has not read it
    assert take(desk.path.parent).pages["ai"].known_at == now + 600  # it stays true


def test_the_beat_is_as_old_as_the_oldest_answer(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of pages that are well; one that fails, or was not read yet, does not count."""
    monkeypatch.setattr(scheduler, "FLUSH_EVERY", 0.01)
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    beats: list[float] = []

    async def work() -> None:
        app = App(origin.url("/a"), origin.url("/nothing"), folder=tmp_path)
        app.scheduler._beat = beats.append
        await app.watch_while(lambda: until(lambda: len(beats) > 1))
        assert beats[-1] <= app.scheduler._pages[0].read_at or app.scheduler._pages[1].read_at
        await app.close()

    began = time.time()
    asyncio.run(work())
    assert began <= beats[0] <= beats[-1] <= time.time()


def test_a_beat_writes_no_byte(tmp_path: Path) -> None:
    """It is the time of the lock file alone; a folder that is gone is no reason to end."""
    lock = Lock(tmp_path)
    before = (tmp_path / "lock").read_bytes()
    lock.known(1_000.5)
    assert (tmp_path / "lock").stat().st_mtime == 1_000.5
    assert (tmp_path / "lock").read_bytes() == before
    (tmp_path / "lock").unlink()
    lock.known(2_000.0)
    lock.release()


# --refresh.


def test_what_refresh_shows_is_still_told(origin: Origin, tmp_path: Path) -> None:
    """It asks, shows and exits with 10; the next run tells all of it, once, without a request."""
    one, two = Report("AAA"), Report("BBB", at=minute(3))
    page = origin.page("/feed").serve(incidentio(one), etag=True)
    feed = ("--feed", origin.url("/feed"))
    cli(tmp_path, "--once", *feed)
    page.serve(incidentio(two, one), etag=True, headers={"Cache-Control": "max-age=600"})

    looked = cli(tmp_path, "status", "--refresh", "--interval", "0.001", "--json", *feed)
    again = cli(tmp_path, "status", "--json", *feed)
    asked = page.count
    told_ = cli(tmp_path, "--once", "--format", "json", *feed)
    once_more = cli(tmp_path, "--once", "--format", "json", *feed)

    shown = json.loads(looked.stdout)["pages"][0]["incidents"]
    assert (looked.returncode, looked.stderr) == (10, "")
    assert sorted(each["incident"][-3:] for each in shown) == ["AAA", "BBB"]
    assert len(json.loads(again.stdout)["pages"][0]["incidents"]) == 1  # nothing counts as told
    assert (asked, page.count) == (2, 2)
    assert [each["incident"][-3:] for each in objects(told_.stdout)] == ["BBB"]
    assert once_more.stdout == ""
    sums = json.loads(cli(tmp_path, "stats", "--json", *feed).stdout)["total"]
    assert (sums["requests"], sums["changed"], sums["events"]) == (2, 2, 2)


def test_refresh_asks_only_what_is_due(origin: Origin, tmp_path: Path) -> None:
    """A page that was asked within the interval is not; without a state, pages are met."""
    page = origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)
    words = ("status", "--refresh", "--feed", origin.url("/feed"))
    first = cli(tmp_path, *words)
    cli(tmp_path, *words)

    assert (first.returncode, first.stdout.count("Slow answers")) == (10, 1)
    assert page.count == 1


def test_refresh_says_what_it_could_not_read(origin: Origin, tmp_path: Path) -> None:
    """One line a page on stderr; exit 1 where nothing is open."""
    done = cli(tmp_path, "status", "--refresh", "--feed", origin.url("/nothing"))

    assert done.returncode == 1
    assert done.stderr.endswith("/nothing: cannot be read: HTTP 404 Not Found\n")


def test_refresh_gives_way_to_another_run(desk: Desk) -> None:
    """Its pid is named, nothing is asked; exit 3 (see `main`)."""
    lock = Lock(desk.path.parent)
    with pytest.raises(StateInUse, match=f"pid {os.getpid()}"):
        desk.look("--refresh")
    lock.release()


def test_a_ledger_enters_when_a_page_was_read(origin: Origin, tmp_path: Path) -> None:
    """Also of a page that fails later: the failure is written at once, with the last good answer."""
    page = origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)

    async def work() -> tuple[float, float]:
        app = App(origin.url("/feed"), folder=tmp_path)
        app.scheduler._observers = [Ledger(app.state)]
        watched = app.pages[0]
        await app.scheduler._poll(watched)
        read_at = watched.read_at
        page.always(Answer(404))
        await app.scheduler._poll(watched)
        known_at = take(tmp_path).page(watched.label).known_at
        await app.close()
        return read_at, known_at

    read_at, known_at = asyncio.run(work())
    assert read_at == known_at > 0
