"""What a page shows, version after version, and what must be told of the versions that arrived."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from hashlib import blake2b
from typing import NamedTuple

from tests.feeds import Report, Timeline, incidentio, minute, statuspage
from tests.lives.building import atom, entry, item, rfc822, rss

PAGE = "https://status.example.test"
WINDOW = 6  # incidents that a document shows
STATES = ("Investigating", "Identified", "Monitoring", "Resolved")


class Step(NamedTuple):
    """One update of an incident."""

    state: str
    message: str
    at: int  # minutes into the script


@dataclass
class Outage:
    """One incident while the script writes it; steps oldest first."""

    id: int
    title: str
    steps: list[Step]

    @property
    def closed(self) -> bool:
        return self.steps[-1].state == "Resolved"


# Renderers: outages in the document's order, the minute of the rendering → the document.


def _incidentio(outages: list[Outage], now: int) -> str:
    reports = [
        Report(str(o.id), o.title, s.state, s.message, at=minute(s.at))
        for o in outages
        for s in o.steps[-1:]
    ]
    return incidentio(*reports, built=minute(now))


def _statuspage(outages: list[Outage], now: int) -> str:
    timelines = [
        Timeline(o.id, o.title, [(s.state, s.message, minute(s.at)) for s in reversed(o.steps)])
        for o in outages
    ]
    return statuspage(*timelines, built=minute(now))


def _instatus(outages: list[Outage], now: int) -> str:
    def text(outage: Outage) -> str:
        steps = " ".join(
            f"{at:%b} {at.day}, {at:%H:%M:%S} GMT+0 - {s.state} - {s.message}"
            for s in outage.steps
            for at in [minute(s.at)]
        )
        length = now - outage.steps[0].at
        return (
            f"Type: Incident\n  Duration: {length} minutes\n\n  Affected Components: API\n  {steps}"
        )

    head = f"<title>Example Status - Incident history</title><link>{PAGE}</link>"
    items = [
        item(o.title, text(o), id_=f"{PAGE}/incident/{o.id}", date=minute(o.steps[0].at))
        for o in outages
    ]
    return rss(*items, head=head)


def _xai(outages: list[Outage], _now: int) -> str:
    def one(outage: Outage) -> str:
        newest, first = outage.steps[-1], outage.steps[0]
        ended = f"<p>Resolved: {rfc822(minute(newest.at))}</p>" if outage.closed else ""
        state = newest.state.upper()
        html = f"<h3>Status: {state}</h3><p>Severity: major_outage</p>{ended}" + "".join(
            f"<p><strong>{rfc822(minute(s.at))}</strong></p><p>{s.message}</p>"
            for s in reversed(outage.steps)
        )
        return item(
            f"[API] {outage.title}",
            html,
            id_=f"INC{outage.id}",
            link=f"https://status.x.ai/api/INC{outage.id}",
            date=minute(first.at),
            categories=["major_outage", state.lower()],
        )

    head = "<title>xAI System Status</title><link>https://status.x.ai</link>"
    return rss(*map(one, outages), head=head)


def _generic(outages: list[Outage], _now: int) -> str:
    entries = [
        entry(f"[{s.state}] {o.title}", s.message, id_=f"urn:x:{o.id}", updated=minute(s.at))
        for o in outages
        for s in o.steps[-1:]
    ]
    return atom(*entries, head=f"<id>{PAGE}</id><title>Example news</title>")


def _gcp(outages: list[Outage], _now: int) -> str:
    """An item is an update."""
    words = {"Resolved": "RESOLVED: "}
    updates = sorted(
        ((s, o) for o in outages for s in o.steps), key=lambda each: each[0].at, reverse=True
    )
    entries = [
        entry(
            f"{words.get(s.state, '')}{o.title}",
            f"<p>{s.message}</p>",
            id_=f"tag:status.example.test,2026:feed:{o.id}.U{s.at}",
            updated=minute(s.at),
            link=f"{PAGE}/incidents/{o.id}",
        )
        for s, o in updates
    ]
    return atom(*entries, head=f"<title>Example Service Health Updates</title><id>{PAGE}/</id>")


def _meta(outages: list[Outage], _now: int) -> str:
    """What is over vanishes."""
    items = [
        item(o.title, s.message, id_=f"outage-{o.id}", link=f"{PAGE}/x", date=minute(s.at))
        for o in outages
        if not o.closed
        for s in o.steps[-1:]
    ]
    head = "<title>Grain API Status</title><link>https://metastatus.com/grain-api</link>"
    return rss(*items, head=head)


@dataclass(frozen=True)
class Habit:
    """How a platform writes.

    Attributes:
        words: of its four stages, as the program names them.
        vanishes: what is over is no longer shown, and nothing else says so.
    """

    write: Callable[[list[Outage], int], str]
    words: tuple[str, str, str, str] = ("investigating", "identified", "monitoring", "resolved")
    vanishes: bool = False


_ALWAYS = ("investigating", "investigating", "investigating", "resolved")
HABITS = (
    Habit(_incidentio),
    Habit(_statuspage),
    Habit(_instatus),
    Habit(_xai),
    Habit(_generic),
    Habit(_gcp, _ALWAYS),
    Habit(_meta, _ALWAYS, vanishes=True),
)


class Event(NamedTuple):
    """What must be, or was, told."""

    happening: str
    incident: int
    state: str
    message: str


@dataclass
class Version:
    """One state of a page.

    Attributes:
        shown: by incident, oldest newest-update first: how many steps, and the last of them.
    """

    number: int
    body: bytes
    shown: dict[int, tuple[int, Step]]

    @cached_property
    def identity(self) -> str:
        return identity(self.body)


def identity(body: bytes) -> str:
    """As `fetch.Fetched.identity`: a digest of the document."""
    return blake2b(body, digest_size=16).hexdigest()


@dataclass
class Life:
    """A page's script, written as it is played; the same seed, the same life."""

    number: int
    seed: int
    habit: Habit = field(init=False)
    versions: list[Version] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._dice = random.Random(f"{self.seed}/{self.number}/life")
        self._now = 0
        self._born = 0
        self._outages: list[Outage] = []  # in the document's order
        self._known: dict[str, Version] = {}
        self.habit = HABITS[self.number % len(HABITS)]
        for _ in range(1 + self._dice.randrange(3)):  # before it is met for the first time
            self._begin(closed=not self.habit.vanishes)
        self._publish()

    @property
    def newest(self) -> Version:
        return self.versions[-1]

    def advance(self) -> None:
        """Something happens, or only seems to."""
        running = [outage for outage in self._outages if not outage.closed]
        what = self._dice.choices(
            ("step", "begin", "late", "reword", "touch"),
            (12, 4 if len(running) < 3 else 0, 1, 1, 1),
        )[0]
        if what == "begin" or not running:
            self._begin()
        elif what == "step":
            self._step(self._dice.choice(running))
        elif what == "late":  # reported below older ones
            self._begin(closed=self._dice.random() < 0.5 and not self.habit.vanishes, late=True)
        elif what == "reword":
            self._dice.choice(self._outages).title += "!"
        self._now += 1
        self._publish()

    def variant(self, body: bytes) -> str:
        """Note another form of the newest document, which says the same; gives its identity."""
        self._known[identity(body)] = self.newest
        return identity(body)

    def version_of(self, received: str) -> Version | None:
        """The version whose identity this is; None for what is none of ours."""
        return self._known.get(received)

    def _begin(self, *, closed: bool = False, late: bool = False) -> None:
        self._born += 1
        id_ = (1000 + self.number) * 10_000 + self._born
        outage = Outage(id_, f"Mill {self._born} is slow", [])
        self._append(outage, STATES[0])
        if closed:
            self._append(outage, STATES[3])
        self._outages.insert(min(len(self._outages), 1) if late else 0, outage)
        while len(self._outages) > WINDOW:
            old = next((o for o in reversed(self._outages) if o.closed), None)
            if old is None:
                break
            self._outages.remove(old)

    def _step(self, outage: Outage) -> None:
        at = STATES.index(outage.steps[-1].state)
        self._append(outage, STATES[min(at + self._dice.randrange(3), 3)])

    def _append(self, outage: Outage, state: str) -> None:
        self._now += 1
        text = f"Step {len(outage.steps) + 1} of mill {outage.id}: we turn it."
        outage.steps.append(Step(state, text, self._now))

    def _publish(self) -> None:
        visible = [o for o in self._outages if not (o.closed and self.habit.vanishes)]
        ordered = sorted(visible, key=lambda outage: outage.steps[-1].at)
        version = Version(
            len(self.versions),
            self.habit.write(self._outages, self._now).encode(),
            {outage.id: (len(outage.steps), outage.steps[-1]) for outage in ordered},
        )
        self.versions.append(version)
        self._known[version.identity] = version

    def expected(self, received: Iterable[str]) -> dict[int, list[Event]]:
        """What must be told of these documents, in the order in which they arrived, by incident.

        A version that never arrived is not told; what arrived late, from an edge that lags, is no
        news.  At first contact what is open is told, and the newest of what is closed.
        """
        story = _Story(self.habit)
        for each in received:
            if (version := self.version_of(each)) is not None:
                story.read(version)
        return dict(story.told)


class _Story:
    """What is told while documents arrive."""

    def __init__(self, habit: Habit) -> None:
        self._habit = habit
        self._met: dict[int, tuple[int, Step]] = {}
        self._missed: defaultdict[int, int] = defaultdict(int)
        self._first = True
        self.told: defaultdict[int, list[Event]] = defaultdict(list)

    def read(self, version: Version) -> None:
        closed = [id_ for id_, (_, step) in version.shown.items() if step.state == "Resolved"]
        silent = set(closed[:-1]) if self._first else set()
        for id_, (count, step) in version.shown.items():
            before = self._met.get(id_)
            if before is None or count > before[0]:
                self._met[id_] = count, step
                if id_ not in silent:
                    self._tell(id_, before, step)
        if self._habit.vanishes:
            self._miss(version)
        self._first = False

    def _tell(self, id_: int, before: tuple[int, Step] | None, step: Step) -> None:
        ended = step.state == "Resolved"
        happening = "new" if before is None else "resolved" if ended else "update"
        state = self._habit.words[STATES.index(step.state)]
        self.told[id_].append(Event(happening, id_, state, step.message))

    def _miss(self, version: Version) -> None:
        """Being missed twice in a row is the end."""
        for id_ in self._met:
            self._missed[id_] = 0 if id_ in version.shown else self._missed[id_] + 1
            if self._missed[id_] == 2 and self.told[id_][-1].happening != "resolved":
                self.told[id_].append(Event("resolved", id_, "resolved", ""))
