"""What counts as news: every row of the decision table, and the ways in which a page fools it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from efficient_status.detect import FORGET_AFTER, Wishes, absences, detect
from efficient_status.models import Feed, Happening, Incident, Memory, State

START = datetime(2026, 3, 4, 9, 0, tzinfo=UTC)
NOW = datetime(2026, 3, 4, 18, 0, tzinfo=UTC).timestamp()
ALL = Wishes(backfill=None, edits=True)

NEW, UPDATE, RESOLVED, EDIT = Happening.NEW, Happening.UPDATE, Happening.RESOLVED, Happening.EDIT


def at(minutes: float) -> datetime:
    """So many minutes into the day."""
    return START + timedelta(minutes=minutes)


def incident(
    id_: str = "a", state: State = State.INVESTIGATING, minutes: float | None = 0
) -> Incident:
    """An incident as a page that replaces its body (incident.io) shows it."""
    when = None if minutes is None else at(minutes)
    return Incident(
        id=id_,
        title="Slow answers",
        state=state,
        components=("Chat", "Login"),
        message="We are looking.",
        updated_at=when,
        stamp=when,
    )


TIMELINE = replace(incident(), updates=1)  # Statuspage: how many entries the timeline has
REPLACED = incident()  # incident.io: the newest update only
UNDATED = replace(incident(minutes=None), updates=1)  # a feed of which nothing is known


def feed(*incidents: Incident, dialect: str = "incidentio-rss", unchanged: bytes = b"") -> Feed:
    """A document with these incidents, in this order."""
    swept = frozenset({unchanged}) if unchanged else frozenset[bytes]()
    return Feed(dialect=dialect, incidents=incidents, unchanged=swept)


def remembered(memory: Memory, document: Feed, wishes: Wishes = ALL, now: float = NOW) -> Memory:
    """The memory after a poll that was told to its end."""
    told = {**memory.told, **absences(memory, document, now)}
    told.update(
        {change.incident.id: change.told for change in detect(memory, document, wishes, now)}
    )
    kept = {id_: each for id_, each in told.items() if each is not None}
    return Memory("identity", document.dialect, kept)


def lived(*documents: Feed, wishes: Wishes = ALL) -> Memory:
    """The memory after these documents."""
    memory = Memory()
    for document in documents:
        memory = remembered(memory, document, wishes)
    return memory


def said(memory: Memory, document: Feed, wishes: Wishes = ALL, now: float = NOW) -> list[str]:
    """What is told, like `["a new", "b resolved"]`."""
    changes = detect(memory, document, wishes, now)
    return [f"{each.incident.id} {each.happening}" for each in changes if each.happening]


def story(*versions: Incident, wishes: Wishes = ALL) -> list[list[str]]:
    """What is told of one page, document by document."""
    memory, told = Memory(), []
    for version in versions:
        told.append([line.split()[1] for line in said(memory, feed(version), wishes)])
        memory = remembered(memory, feed(version), wishes)
    return told


CLOSED = [
    incident("old", State.RESOLVED, 10),
    incident("older", State.COMPLETED, 5),
    incident("oldest", State.POSTMORTEM, 1),
]


@pytest.mark.parametrize(
    ("backfill", "expected"),
    [
        (0, []),
        (1, ["old new"]),
        (2, ["older new", "old new"]),
        (9, ["oldest new", "older new", "old new"]),
        (None, ["oldest new", "older new", "old new"]),
    ],
)
def test_first_contact_backfills_the_newest_closed(
    backfill: int | None, expected: list[str]
) -> None:
    """At first contact the newest N closed incidents are told, as `new` and oldest first."""
    assert said(Memory(), feed(*CLOSED), Wishes(backfill)) == expected


@pytest.mark.parametrize("state", [state for state in State if not state.closed])
def test_first_contact_tells_what_is_open(state: State) -> None:
    """At first contact an open incident is told whatever the backfill; «unknown» is not open."""
    expected = [] if state is State.UNKNOWN else ["a new"]

    assert said(Memory(), feed(incident(state=state), *CLOSED), Wishes(backfill=0)) == expected


def test_first_contact_counts_only_closed_ones_as_backfill() -> None:
    """Open incidents do not use up the backfill, and stand among the others by age."""
    document = feed(incident("now", State.MONITORING, 20), *CLOSED, incident("b", minutes=3))

    assert said(Memory(), document, Wishes(1)) == ["b new", "old new", "now new"]


def test_first_contact_remembers_what_it_does_not_tell() -> None:
    """What was hushed at first contact is not news at the second."""
    wishes = Wishes(backfill=0)
    memory = remembered(Memory(), feed(*CLOSED), wishes)

    assert set(memory.told) == {"old", "older", "oldest"}
    assert said(memory, feed(*CLOSED), wishes) == []


def test_later_every_new_incident_is_told() -> None:
    """After first contact an unknown incident is `new` even when it is already closed."""
    memory = lived(feed(incident("known")))

    document = feed(*CLOSED, incident("known"))
    assert said(memory, document, Wishes(backfill=0)) == ["oldest new", "older new", "old new"]


def test_interrupted_first_contact_hushes_no_news() -> None:
    """What was told before a crash stays subject to updates, whatever the backfill."""
    wishes = Wishes(backfill=0)
    told = remembered(Memory(), feed(incident()), wishes).told
    crashed = Memory(told=told)  # told, but the document was not finished

    document = feed(incident(state=State.RESOLVED, minutes=5), incident("b", State.RESOLVED, 1))
    assert said(crashed, document, wishes) == ["a resolved"]


@pytest.mark.parametrize(
    ("incidents", "expected"),
    [
        ([incident("c", minutes=1), incident("a", minutes=2), incident("b", minutes=0)], "bca"),
        ([incident("c", minutes=1), incident("b", minutes=1)], "bc"),
        ([incident("c", minutes=None), incident("a", minutes=2), incident("b", minutes=3)], "bac"),
    ],
    ids=["by time", "a tie: the document, reversed", "a time is missing: the document, reversed"],
)
def test_oldest_first(incidents: list[Incident], expected: str) -> None:
    """Events come oldest first, by their newest update or else from the document's end."""
    lines = said(lived(feed(incident("known"))), feed(*incidents))

    assert lines == [f"{id_} new" for id_ in expected]


@pytest.mark.parametrize(
    "base", [TIMELINE, REPLACED, UNDATED], ids=["timeline", "replaced", "undated"]
)
@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (State.INVESTIGATING, State.IDENTIFIED, UPDATE),
        (State.MONITORING, State.RESOLVED, RESOLVED),
        (State.IN_PROGRESS, State.COMPLETED, RESOLVED),
        (State.UNKNOWN, State.RESOLVED, RESOLVED),
        (State.INVESTIGATING, State.POSTMORTEM, RESOLVED),
        (State.RESOLVED, State.POSTMORTEM, UPDATE),
        (State.RESOLVED, State.INVESTIGATING, UPDATE),
        (State.UNKNOWN, State.INVESTIGATING, UPDATE),
    ],
)
def test_another_state(base: Incident, before: State, after: State, expected: Happening) -> None:
    """Another state is an update, and `resolved` only from open to closed."""
    told = story(replace(base, state=before), replace(base, state=after))

    assert told == [[NEW], [expected]]


MORE = "We found it."


@pytest.mark.parametrize(
    ("before", "changes", "expected"),
    [
        (TIMELINE, {"updates": 2, "message": MORE, "updated_at": at(9)}, UPDATE),
        (TIMELINE, {"updates": 2}, UPDATE),
        (TIMELINE, {"message": MORE}, EDIT),
        (TIMELINE, {"message": MORE, "stamp": at(9)}, EDIT),
        (TIMELINE, {"message": MORE, "updated_at": at(9)}, UPDATE),
        (TIMELINE, {"title": "Slower answers", "stamp": at(9)}, EDIT),
        (TIMELINE, {"updates": None, "message": MORE}, EDIT),
        (REPLACED, {"message": MORE, "updated_at": at(9), "stamp": at(9)}, UPDATE),
        (REPLACED, {"message": MORE}, EDIT),
        (REPLACED, {"components": ("Chat",)}, EDIT),
        (replace(REPLACED, updated_at=None), {"message": MORE}, UPDATE),
        (UNDATED, {"updates": 2, "message": f"{MORE}\nWe are looking."}, UPDATE),
        (UNDATED, {"message": MORE}, EDIT),
        (replace(UNDATED, updates=None), {"message": MORE}, UPDATE),
    ],
)
def test_update_or_edit(before: Incident, changes: dict[str, Any], expected: Happening) -> None:
    """A new timeline entry is an update; the same entry in other words is an edit."""
    after = replace(before, **changes)

    assert story(before, after) == [[NEW], [expected]]
    assert story(before, after, wishes=Wishes()) == [[NEW], [] if expected is EDIT else [expected]]


@pytest.mark.parametrize(
    "base", [TIMELINE, REPLACED, UNDATED], ids=["timeline", "replaced", "undated"]
)
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"components": ("Login", "Chat")},
        {"message": " We are\n looking. "},
        {"title": "Slow  answers"},
        {"stamp": at(9)},
        {"updated_at": at(9), "stamp": at(9)},
        {"marks": (b"another mark",)},
        {"url": "https://status.example.test/x", "started_at": at(-5)},
    ],
    ids=["same", "order", "white space", "title's", "stamp", "both stamps", "raw form", "the rest"],
)
def test_silence(base: Incident, changes: dict[str, Any]) -> None:
    """White space, the order of components, moved stamps and the raw form alone say nothing."""
    after = replace(base, **changes)

    assert story(base, after) == [[NEW], []]


def test_a_silent_edit_is_remembered() -> None:
    """Wording that is not told is taken note of: asking for edits later repeats none."""
    edited = replace(TIMELINE, message=MORE, stamp=at(9))
    memory = lived(feed(TIMELINE), feed(edited), wishes=Wishes())

    assert said(memory, feed(edited)) == []


def test_the_raw_form_is_remembered() -> None:
    """An item that differs only in its raw form gets its new mark, so that it is swept over."""
    memory = lived(feed(replace(REPLACED, marks=(b"1",))), feed(replace(REPLACED, marks=(b"2",))))

    assert memory.marks() == {b"2"}


def test_an_edge_that_lags() -> None:
    """A version that is older than the one told is an edge that is behind: silence."""
    later = replace(REPLACED, state=State.RESOLVED, updated_at=at(9), stamp=at(9))

    assert story(REPLACED, later, REPLACED, later) == [[NEW], [RESOLVED], [], []]
    assert story(later, replace(REPLACED, message="Never told.")) == [[NEW], []]


@pytest.mark.parametrize("stamp", [None, START + timedelta(days=9)], ids=["missing", "ahead"])
def test_a_stamp_that_tells_nothing(stamp: datetime | None) -> None:
    """A version without a usable stamp does not make an edge that lags look new."""
    told = replace(REPLACED, state=State.IDENTIFIED, updated_at=at(9), stamp=at(9))
    bare = replace(told, state=State.MONITORING, stamp=stamp)
    lagging = replace(REPLACED, message="Never told.", updated_at=at(5), stamp=at(5))

    assert story(told, bare, lagging) == [[NEW], [UPDATE], []]


def test_edges_that_disagree_with_equal_stamps() -> None:
    """Edges that alternate between versions with equal stamps: each version is told once."""
    other = replace(REPLACED, state=State.IDENTIFIED)
    edited = replace(REPLACED, message=MORE)

    versions = (REPLACED, other, REPLACED, other, edited, REPLACED, edited, other)
    assert story(*versions) == [[NEW], [UPDATE], [], [], [UPDATE], [], [], []]


def test_edges_that_disagree_about_wording() -> None:
    """Edges that alternate between two wordings: the edit is told once."""
    edited = replace(TIMELINE, message=MORE)

    assert story(TIMELINE, edited, TIMELINE, edited, TIMELINE) == [[NEW], [EDIT], [], [], []]


def test_edges_that_disagree_about_length() -> None:
    """Edges without stamps that alternate between a shorter and a longer timeline: told once."""
    longer = replace(UNDATED, updates=2, message=MORE, state=State.IDENTIFIED)

    assert story(UNDATED, longer, UNDATED, longer) == [[NEW], [UPDATE], [], []]


def test_a_real_return() -> None:
    """The same state and text again, at a later time, is told."""
    fixed = replace(REPLACED, state=State.RESOLVED, message="Fixed.", updated_at=at(5), stamp=at(5))
    again = replace(REPLACED, updated_at=at(9), stamp=at(9))
    fixed_again = replace(fixed, updated_at=at(12), stamp=at(12))

    told = story(REPLACED, fixed, again, fixed_again)
    assert told == [[NEW], [RESOLVED], [UPDATE], [RESOLVED]]


@pytest.mark.parametrize("ahead", [timedelta(hours=12), timedelta(days=30), timedelta(days=2_000)])
@pytest.mark.parametrize("state", [State.INVESTIGATING, State.RESOLVED])
def test_stamps_in_the_future(ahead: timedelta, state: State) -> None:
    """A stamp ahead of the clock never makes what comes after it look old."""
    future = replace(REPLACED, updated_at=START + ahead, stamp=START + ahead)
    after = replace(REPLACED, state=state, message=MORE, updated_at=at(9), stamp=at(9))

    assert story(future, after)[1] == [RESOLVED if state.closed else UPDATE]


def test_a_clock_that_is_a_little_ahead_is_believed() -> None:
    """A stamp a few minutes ahead of our clock is kept: an edge that lags is still known."""
    soon = datetime.fromtimestamp(NOW + 200, UTC)
    later = replace(REPLACED, state=State.RESOLVED, updated_at=soon, stamp=soon)
    lagging = replace(REPLACED, message=MORE, updated_at=at(9), stamp=at(9))

    assert story(REPLACED, later, lagging) == [[NEW], [RESOLVED], []]


DOWN = replace(REPLACED, title="API is down")
UP = replace(DOWN, state=State.RESOLVED, updated_at=at(5), stamp=at(5))


@pytest.mark.parametrize("order", [(UP, DOWN), (DOWN, UP)], ids=["newest first", "oldest first"])
@pytest.mark.parametrize("met", [False, True])
def test_items_of_one_document_that_share_an_id(order: tuple[Incident, ...], met: bool) -> None:
    """An incident that is met when already closed is one `new`, of however many items."""
    memory = lived(feed(incident("known"))) if met else Memory()
    changes = [each for each in detect(memory, feed(*order), ALL, NOW) if each.happening]

    assert [(each.happening, each.incident) for each in changes] == [(NEW, UP)]
    assert said(remembered(memory, feed(*order)), feed(*order)) == []


def test_items_of_one_document_that_continue_a_known_incident() -> None:
    """Of an incident that is known, each update is told, in its order."""
    identified = replace(DOWN, state=State.IDENTIFIED, updated_at=at(3), stamp=at(3))

    assert said(lived(feed(DOWN)), feed(UP, identified, DOWN)) == ["a update", "a resolved"]


def test_shared_ids_are_hushed_at_first_contact() -> None:
    """Without backfill, an incident whose newest item is closed is not told as open."""
    assert said(Memory(), feed(UP, DOWN), Wishes(backfill=0)) == []


def test_a_vendor_that_moved_platforms() -> None:
    """Where the dialect and every id are others, only what is open is told; the rest is noted."""
    memory = lived(feed(*CLOSED))
    moved = feed(incident("x", State.RESOLVED), incident("y"), dialect="statuspage-atom")

    assert said(memory, moved, Wishes(backfill=None)) == ["y new"]
    assert set(remembered(memory, moved).told) == {"old", "older", "oldest", "x", "y"}


@pytest.mark.parametrize(
    "document",
    [
        feed(incident("x", State.RESOLVED)),
        feed(incident("x", State.RESOLVED), CLOSED[0], dialect="statuspage-atom"),
        feed(incident("x", State.RESOLVED), dialect="statuspage-atom", unchanged=b"swept"),
    ],
    ids=["same dialect", "an id survived", "an item is as it was"],
)
def test_not_moved(document: Feed) -> None:
    """Another dialect alone, or other ids alone, is no move: what is new is told."""
    assert said(lived(feed(*CLOSED)), document) == ["x new"]


def test_an_absence_starts_a_clock() -> None:
    """An incident that left the feed is remembered with the time at which it was first missed."""
    memory = lived(feed(incident("a"), incident("b")))

    gone = absences(memory, feed(incident("b")), NOW)
    assert {id_: told and told.left_at for id_, told in gone.items()} == {"a": NOW}
    assert said(memory, feed(incident("b"))) == []


@pytest.mark.parametrize(
    ("passed", "expected"),
    [(0, False), (FORGET_AFTER - 1, False), (FORGET_AFTER, False), (FORGET_AFTER + 1, True)],
)
def test_forgotten_by_age(passed: float, expected: bool) -> None:
    """An incident is forgotten 30 days after it left the feed, and not before."""
    memory = lived(feed(incident("a")), feed())

    later = absences(memory, feed(), NOW + passed)
    assert later == ({"a": None} if expected else {})
    assert FORGET_AFTER == 30 * 24 * 3600


@pytest.mark.parametrize(
    "document",
    [feed(incident("a")), feed(unchanged=b"mark")],
    ids=["read again", "swept over"],
)
def test_back_in_the_feed(document: Feed) -> None:
    """An incident that is back, read or swept over, stops its clock, and is no news."""
    memory = lived(feed(replace(incident("a"), marks=(b"mark",))), feed())

    assert memory.told["a"].left_at == NOW
    assert remembered(memory, document).told["a"].left_at is None
    assert said(memory, document) == []


def test_nothing_to_note_of_what_stays() -> None:
    """While everything known is shown, absences have nothing to write."""
    memory = lived(feed(replace(incident("a"), marks=(b"mark",)), incident("b")))

    assert absences(memory, feed(incident("b"), unchanged=b"mark"), NOW) == {}


def test_back_after_it_was_forgotten() -> None:
    """An incident that returns after it was forgotten is new again: memory is bounded."""
    memory = lived(feed(incident("a")), feed())
    memory = remembered(memory, feed(), now=NOW + FORGET_AFTER + 1)

    assert said(memory, feed(incident("a"))) == ["a new"]


def test_memory_of_one_incident_is_bounded() -> None:
    """However often an incident changes, what is kept of it stays small."""
    versions = [replace(REPLACED, message=f"{n}", updated_at=at(n), stamp=at(n)) for n in range(99)]
    memory = lived(*(feed(version) for version in versions))

    assert len(memory.told["a"].versions) <= 32


moments = st.none() | st.integers(-600, 1_200).map(at)
incidents = st.builds(
    Incident,
    id=st.sampled_from("abcde"),
    title=st.sampled_from(["Slow", "Down"]),
    state=st.sampled_from(State),
    components=st.permutations(["Chat", "Login"]).map(tuple),
    message=st.sampled_from(["", "One.", "One. Two.", "Other"]),
    updated_at=moments,
    updates=st.none() | st.integers(1, 4),
    stamp=moments,
)
documents = st.lists(incidents, max_size=8).map(lambda each: feed(*each))
distinct = st.lists(incidents, max_size=5, unique_by=lambda each: each.id)


@settings(deadline=None)
@given(st.lists(documents, max_size=4), documents)
def test_the_second_time_it_says_nothing(past: list[Feed], document: Feed) -> None:
    """Whatever came before, the same document again says nothing."""
    memory = remembered(lived(*past), document)

    assert said(memory, document) == []


@settings(deadline=None)
@given(st.lists(documents, max_size=3), distinct, st.randoms(use_true_random=False))
def test_the_order_of_items_does_not_matter(
    past: list[Feed], items: list[Incident], random: Random
) -> None:
    """A document with its items in another order tells the same of the same incidents."""
    shuffled = list(items)
    random.shuffle(shuffled)
    memory = lived(*past)

    assert sorted(said(memory, feed(*items))) == sorted(said(memory, feed(*shuffled)))
