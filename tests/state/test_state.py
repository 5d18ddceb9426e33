"""What we have told: one suite for every home that it can have, and what only the file can do."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficient_status.errors import StateError, StateTooNew
from efficient_status.models import Memory, Pacing, State, Told
from efficient_status.state import StateStore, open_state
from efficient_status.state.memory import MemoryState
from efficient_status.state.sqlite import APPLICATION_ID, MIGRATIONS, SqliteState

MARK = b"twelve bytes"
BARE = Told(State.UNKNOWN, MARK, MARK)
FULL = Told(
    state=State.RESOLVED,
    words=b"0123456789ab",
    look=b"\0" * 12,
    updated_at=datetime(2026, 3, 4, 9, 0, 1, 234_567, tzinfo=UTC),
    updates=3,
    stamp=datetime(2026, 3, 4, 9, 0, 1, 999_999, tzinfo=UTC),
    versions=(b"v1" * 6, b"v2" * 6),
    marks=(MARK, b"\xff" * 12, b"\0" * 12),
    left_at=1_772_611_200.25,
)
FEED, OTHER_FEED = "https://status.example.test/a", "https://status.example.test/b"
PACING = Pacing(1_772_611_200.125, 3, 240.5, True, "https://b.example.test/", "it did not answer")

HOMES: dict[str, Callable[[Path], StateStore]] = {
    "memory": lambda _folder: MemoryState(),
    "sqlite": lambda folder: SqliteState(folder / "state.sqlite3"),
}


@pytest.fixture(params=HOMES)
def state(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[StateStore]:
    """A state that knows nothing yet."""
    opened = HOMES[request.param](tmp_path)
    yield opened
    opened.close()


def test_nothing_is_known_at_first(state: StateStore) -> None:
    """Of a page that was never read nothing is known, and asking leaves nothing behind."""
    assert state.recall("a") == Memory()
    assert state.identity("a") == ""
    assert state.pacing("a", FEED) == Pacing()


@pytest.mark.parametrize("told", [BARE, FULL], ids=["bare", "full"])
def test_remember_and_recall(state: StateStore, told: Told) -> None:
    """Every field comes back as it was, microseconds, zero bytes and None included."""
    state.remember("a", {"one": told})

    assert state.recall("a") == Memory(told={"one": told})


def test_other_zones_are_the_same_moment(state: StateStore) -> None:
    """A time of another zone comes back as the same moment."""
    zone = timezone(timedelta(hours=-7))
    moment = datetime(2026, 3, 4, 2, 0, tzinfo=zone)
    state.remember("a", {"one": Told(State.UNKNOWN, MARK, MARK, updated_at=moment)})

    assert state.recall("a").told["one"].updated_at == moment


def test_remember_replaces_and_adds(state: StateStore) -> None:
    """What is remembered of an incident replaces what was, and leaves the others alone."""
    state.remember("a", {"one": FULL, "two": FULL})
    state.remember("a", {"two": BARE, "three": BARE})

    assert state.recall("a").told == {"one": FULL, "two": BARE, "three": BARE}


def test_forget(state: StateStore) -> None:
    """None forgets an incident; forgetting what is not known is no mistake."""
    state.remember("a", {"one": FULL, "two": FULL})
    state.remember("a", {"one": None, "unknown": None})
    state.remember("a", {})

    assert state.recall("a").told == {"two": FULL}


def test_finish(state: StateStore) -> None:
    """A document that was told to its end is known by its identity, until the next one."""
    state.remember("a", {"one": FULL})
    state.finish("a", "identity 1", "incidentio-rss")
    first = state.recall("a")
    state.finish("a", "identity 2", "incidentio-atom")

    assert first == Memory("identity 1", "incidentio-rss", {"one": FULL})
    assert state.recall("a") == Memory("identity 2", "incidentio-atom", {"one": FULL})
    assert state.identity("a") == "identity 2"


def test_remembered_but_not_finished(state: StateStore) -> None:
    """What was told of a document that was not finished is known; the document is not."""
    state.remember("a", {"one": FULL})

    assert state.identity("a") == ""
    assert state.recall("a").told == {"one": FULL}


@pytest.mark.parametrize("flushed", [False, True])
@pytest.mark.parametrize("pacing", [Pacing(), PACING], ids=["empty", "full"])
def test_pacing(state: StateStore, pacing: Pacing, flushed: bool) -> None:
    """Pacing is known at once, noted or written."""
    state.pace("a", FEED, Pacing(failures=99))
    state.pace("a", FEED, pacing)
    if flushed:
        state.flush()

    assert state.pacing("a", FEED) == pacing


@pytest.mark.parametrize("flushed", [False, True])
def test_another_feed_begins_anew(state: StateStore, flushed: bool) -> None:
    """A row that got another feed is not held back by what its former server said."""
    state.pace("a", FEED, PACING)
    if flushed:
        state.flush()
    anew = state.pacing("a", OTHER_FEED)
    state.pace("a", OTHER_FEED, Pacing(failures=1))
    if flushed:
        state.flush()

    assert anew == Pacing()
    assert state.pacing("a", OTHER_FEED) == Pacing(failures=1)
    assert state.pacing("a", FEED) == Pacing()


def test_pacing_and_telling_do_not_mix(state: StateStore) -> None:
    """Pacing keeps what was told, and telling keeps pacing."""
    state.pace("a", FEED, PACING)
    state.flush()
    state.finish("a", "identity", "generic-rss")
    state.pace("a", FEED, Pacing(failures=1))
    state.flush()

    assert state.recall("a") == Memory("identity", "generic-rss")
    assert state.pacing("a", FEED) == Pacing(failures=1)


def test_providers_are_apart(state: StateStore) -> None:
    """Nothing of one page is seen by another, even with the same ids."""
    state.remember("a", {"one": FULL, "two": FULL})
    state.finish("a", "identity", "generic-rss")
    state.pace("a", FEED, PACING)
    state.flush()
    state.remember("b", {"one": BARE})
    state.remember("b", {"two": None})

    assert state.recall("b") == Memory(told={"one": BARE})
    assert state.pacing("b", FEED) == Pacing()
    assert state.recall("a") == Memory("identity", "generic-rss", {"one": FULL, "two": FULL})


def test_what_was_recalled_does_not_change(state: StateStore) -> None:
    """A memory is a picture: later notes do not show in it."""
    state.remember("a", {"one": FULL})
    memory = state.recall("a")
    state.remember("a", {"one": None, "two": BARE})

    assert memory.told == {"one": FULL}


marks = st.lists(st.binary(min_size=12, max_size=12), max_size=4).map(tuple)
# To the microsecond up to the year 2242; `detect` keeps no times that are ahead of the clock.
moments = st.none() | st.integers(-(10**15), 8 * 10**15).map(
    lambda us: datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=us)
)
tolds = st.builds(
    Told,
    state=st.sampled_from(State),
    words=st.binary(max_size=12),
    look=st.binary(max_size=12),
    updated_at=moments,
    updates=st.none() | st.integers(0, 2**31),
    stamp=moments,
    versions=marks,
    marks=marks,
    left_at=st.none() | st.floats(0, 1e10),
)
ids = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
pacings = st.builds(
    Pacing,
    not_before=st.floats(0, 1e10),
    failures=st.integers(0, 2**31),
    wait=st.floats(0, 1e6),
    gone=st.booleans(),
    moved_to=ids,
    reason=ids,
)


@pytest.mark.parametrize("home", [MemoryState, lambda: SqliteState(":memory:")])
@settings(deadline=None, max_examples=50)
@given(
    notes=st.lists(st.dictionaries(ids, st.none() | tolds, max_size=4), max_size=3),
    provider=ids,
    pacing=pacings,
)
def test_round_trip(
    home: Callable[[], StateStore],
    notes: list[dict[str, Told | None]],
    provider: str,
    pacing: Pacing,
) -> None:
    """Whatever is remembered comes back, note by note."""
    expected: dict[str, Told] = {}
    with closing(home()) as state:
        for note in notes:
            state.remember(provider, note)
            merged = {**expected, **note}
            expected = {id_: told for id_, told in merged.items() if told is not None}
        state.pace(provider, FEED, pacing)
        state.flush()

        assert state.recall(provider).told == expected
        assert state.pacing(provider, FEED) == pacing


def test_open_state(tmp_path: Path) -> None:
    """A folder gets a file, no folder gets none."""
    for folder, kind in ((None, MemoryState), (tmp_path, SqliteState)):
        with closing(open_state(folder)) as state:
            assert isinstance(state, kind)

    assert [path.name for path in tmp_path.iterdir()] == ["state.sqlite3"]


# What only the file can do.


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / "state.sqlite3"


def test_survives_a_restart(path: Path) -> None:
    """What was told, and pacing that was noted, are there for the next run."""
    with closing(SqliteState(path)) as state:
        state.remember("a", {"one": FULL})
        state.finish("a", "identity", "generic-rss")
        state.pace("a", FEED, PACING)  # written by close

    with closing(SqliteState(path)) as state:
        assert state.recall("a") == Memory("identity", "generic-rss", {"one": FULL})
        assert state.identity("a") == "identity"
        assert state.pacing("a", FEED) == PACING
        assert state.pacing("a", OTHER_FEED) == Pacing()


def test_survives_a_crash(path: Path) -> None:
    """What was told is on disk as soon as it is remembered, seen by whoever opens the file."""
    with closing(SqliteState(path)) as state:
        state.remember("a", {"one": FULL})
        with closing(SqliteState(path)) as other:
            assert other.recall("a").told == {"one": FULL}


def test_nothing_is_written_until_flush(path: Path) -> None:
    """Noting pacing, and reading, write nothing; a flush without notes neither."""
    with closing(SqliteState(path)) as state:
        statements: list[str] = []
        state._database.connection.set_trace_callback(statements.append)
        before = state._database.connection.total_changes
        for failures in range(9):
            state.pace("a", FEED, Pacing(failures=failures))
        noted = state.pacing("a", FEED)
        quiet = list(statements)
        state.flush()
        after_flush = state._database.connection.total_changes
        state.flush()
        state.remember("a", {})
        state.recall("a")

        assert (noted.failures, quiet) == (8, [])
        assert after_flush == before + 1
        assert state._database.connection.total_changes == after_flush


def test_all_or_none(path: Path) -> None:
    """A note of several incidents that cannot be written whole leaves no part of itself."""
    wrong = Told(State.UNKNOWN, words="text", look=MARK)  # type: ignore[arg-type]  # the point
    with closing(SqliteState(path)) as state:
        with pytest.raises(sqlite3.IntegrityError):  # a bug, no disk
            state.remember("a", {"one": FULL, "two": wrong})

        assert state.recall("a") == Memory()
        state.remember("a", {"one": BARE})  # nor does it stand in the way of what comes after
        assert state.recall("a").told == {"one": BARE}


@contextmanager
def full(state: SqliteState) -> Iterator[None]:
    """A disk without room: the real error, at the first page that is wanted more."""
    connection = state._database.connection
    connection.execute("PRAGMA max_page_count = 1")  # what it has, it keeps
    yield
    connection.execute("PRAGMA max_page_count = 1000000")
    state._database._retry_at = 0.0


LONG = replace(FULL, versions=(MARK,) * 2_000)  # more than any page has left


def test_what_cannot_be_written_is_known(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """On a full disk what was told is known all the same, forgotten is forgotten, once said."""
    with closing(SqliteState(path)) as state:
        state.remember("a", {"one": FULL, "two": FULL})
        state.finish("a", "identity 1", "generic-rss")
        with full(state):
            state.remember("a", {"three": LONG})
            state.remember("a", {"four": LONG})
            state.remember("a", {"one": None, "four": BARE})
            state.finish("a", "identity 2", "generic-atom")
            state.pace("a", FEED, PACING)
            state.flush()
            told = {"two": FULL, "three": LONG, "four": BARE}

            assert state.recall("a") == Memory("identity 2", "generic-atom", told)
            assert state.identity("a") == "identity 2"
            assert state.pacing("a", FEED) == PACING
            with closing(SqliteState(path)) as other:
                assert other.recall("a").told == {"one": FULL, "two": FULL}

        state.flush()
        with closing(SqliteState(path)) as other:
            assert other.recall("a") == Memory("identity 2", "generic-atom", told)
            assert other.pacing("a", FEED) == PACING

    problem = "database or disk is full"
    assert caplog.messages == [
        f"{path}: cannot be written ({problem}): what was told is kept in memory until it can",
        f"{path}: can be written again",
    ]


def test_what_could_never_be_written_is_said(path: Path) -> None:
    """At the end of a run, what is not on disk is an error: the next run may repeat it."""
    state = SqliteState(path)
    state._database.connection.execute("PRAGMA max_page_count = 1")
    state.remember("a", {"one": LONG})
    with pytest.raises(StateError, match=r"state\.sqlite3: could not be written to the end"):
        state.close()


def test_writes_are_tried_again_after_a_while(path: Path) -> None:
    """While nothing can be written, not every note asks the disk."""
    with closing(SqliteState(path)) as state:
        statements: list[str] = []
        with full(state):
            state.remember("a", {"one": LONG})
            state._database.connection.set_trace_callback(statements.append)
            for n in range(100):
                state.remember("a", {f"{n}": BARE})
            state.flush()

            assert statements == []


@pytest.mark.parametrize("version", range(len(MIGRATIONS) + 1))
def test_every_version_is_brought_up(path: Path, version: int) -> None:
    """A file of every earlier version works, and keeps what it knew."""
    with closing(sqlite3.connect(path)) as database:
        for statement in MIGRATIONS[:version]:
            database.execute(statement)
        if version:
            database.execute("INSERT INTO page (provider, identity) VALUES ('a', 'known')")
        database.execute(f"PRAGMA application_id = {APPLICATION_ID if version else 0}")
        database.execute(f"PRAGMA user_version = {version}")
        database.commit()

    with closing(SqliteState(path)) as state:
        assert state.identity("a") == ("known" if version else "")
        state.remember("a", {"one": FULL})
        assert state.recall("a").told == {"one": FULL}


def test_a_newer_version_is_refused(path: Path) -> None:
    """The state of a newer version is refused and left as it is."""
    SqliteState(path).close()
    with closing(sqlite3.connect(path)) as database:
        database.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
        database.commit()
    before = path.read_bytes()
    with pytest.raises(StateTooNew):
        open_state(path.parent)

    assert path.read_bytes() == before


def test_another_programs_file_is_set_aside(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A file that is not ours is kept under another name, and said once."""
    with closing(sqlite3.connect(path)) as database:
        database.execute("CREATE TABLE theirs (a)")
        database.commit()
    with closing(SqliteState(path)) as state:
        assert state.recall("a") == Memory()
    SqliteState(path).close()

    assert len(list(path.parent.glob("state.sqlite3.damaged-*"))) == 1
    assert len(caplog.messages) == 1


@pytest.mark.parametrize("name", ["missing", "file"])
def test_a_folder_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    """A folder that is missing, or below a file, is one clear error."""
    (tmp_path / "file").touch()
    with pytest.raises(StateError, match="cannot be used"):
        open_state(tmp_path / name)


def test_files_are_private(path: Path) -> None:
    """What is watched is nobody else's business."""
    with closing(SqliteState(path)) as state:
        state.finish("a", "identity", "generic-rss")
        modes = {file.stat().st_mode & 0o777 for file in path.parent.iterdir()}

    assert modes == {0o600}
