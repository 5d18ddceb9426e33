"""What changed: memory + feed → changes.  Pure: the clock is an argument.

What counts as news, in the contract's words: an incident told for the first time (`new`), a
newest update that is another one than was told (`update`, `resolved`), and on request a change of
wording only (`edit`).  What never does: white space, the order of components, a moved stamp, an
item that is missing, an edge of the origin that lags behind what was told.

    is the incident known?           no  → new (quietly noted if closed and met at first contact)
    older than what was told?        yes → a lagging edge: silence
    this very update told before?    yes → edges disagree: silence
    another update than the last?    yes → update, or resolved when it closed
    worded differently?              yes → edit, if asked for
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from efficient_status.models import (
    Change,
    Feed,
    Happening,
    Incident,
    Memory,
    State,
    Told,
    fingerprint,
)

FORGET_AFTER = 30 * 86_400  # seconds after an incident has left the feed
FORGET_PARTIAL_AFTER = 365 * 86_400  # seconds after its last update, where feeds are read in part
# A stamp further ahead of our clock is a planned start or a typing mistake: what comes after it may
# well be dated before it, so it must not make news look old.
_FUTURE = timedelta(minutes=5)
_MAX_VERSIONS = 32
_MAX_MARKS = 200
_EPOCH = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user wants told.

    Attributes:
        backfill: how many closed incidents are told at first contact; None = all.
        edits: whether changes of wording are told.
    """

    backfill: int | None = 1
    edits: bool = False


def detect(memory: Memory, feed: Feed, wishes: Wishes, now: float) -> list[Change]:
    """Compare what the page says with what was told.

    Args:
        now: seconds since the epoch.

    Returns:
        Changes, oldest first; those without a `happening` are remembered, not told.
    """
    first = not memory.met or _moved_platform(memory, feed)
    known = dict(memory.told)  # grows: two items of one document may share an id
    changes = []
    for each in _oldest_first(feed.incidents):
        told = known.get(each.id)
        incident = _since_it_began(each, told)
        change = _compare(told, incident, wishes, now) if told else _meet(incident, now)
        if change is not None:
            change = _with_marks(change, told, feed)
            known[incident.id] = change.told
            changes.append(change)
    changes = [*_met_once(changes, memory), *_closed_by_absence(memory, feed, now)]
    return _quiet(changes, wishes.backfill if not memory.met else 0) if first else changes


def _with_marks(change: Change, before: Told | None, feed: Feed) -> Change:
    """Where a platform makes one item an update, the older items belong to the incident too."""
    still = [
        mark for mark in (before.marks if before else ()) if feed.partial or mark in feed.unchanged
    ]
    marks = tuple(dict.fromkeys([*still, *change.told.marks]))[-_MAX_MARKS:]
    return replace(change, told=replace(change.told, marks=marks))


def _closed_by_absence(memory: Memory, feed: Feed, now: float) -> list[Change]:
    """Open incidents that were missed twice, where missing is all that the platform says."""
    if not feed.absence_closes:
        return []
    moment = datetime.fromtimestamp(now, UTC)
    changes = []
    for told in memory.told.values():
        if told.open and told.left_at is not None and not _shown(told, feed):
            over = replace(told.open, state=State.RESOLVED, message="", updated_at=moment)
            changes.append(Change(Happening.RESOLVED, over, _told(over, told, now)))
    return changes


def _shown(told: Told, feed: Feed) -> bool:
    return not feed.unchanged.isdisjoint(told.marks) or (
        told.open is not None and any(told.open.id == each.id for each in feed.incidents)
    )


def _since_it_began(incident: Incident, told: Told | None) -> Incident:
    """Where its first item was not read again, its start is what was told."""
    if incident.started_at is None and told and told.open:
        return replace(incident, started_at=told.open.started_at)
    return incident


def _moved_platform(memory: Memory, feed: Feed) -> bool:
    """Whether the vendor changed platforms: another dialect, and no id survived.

    Then every id is new without being news; what is open is told all the same.
    """
    return (
        feed.dialect != memory.dialect
        and not feed.unchanged
        and not any(incident.id in memory.told for incident in feed.incidents)
    )


def _oldest_first(incidents: tuple[Incident, ...]) -> list[Incident]:
    """By the time of the newest update where all have one, else the reverse of the document."""
    ordered = list(reversed(incidents))
    if all(incident.updated_at for incident in ordered):
        ordered.sort(key=lambda incident: incident.updated_at or _EPOCH)
    return ordered


def _met_once(changes: list[Change], memory: Memory) -> list[Change]:
    """An incident that is met now is one `new`, however many items of the document tell of it."""
    newest = {change.incident.id: change for change in changes}
    return [
        change if change.incident.id in memory.told else replace(change, happening=Happening.NEW)
        for change in changes
        if change.incident.id in memory.told or change is newest[change.incident.id]
    ]


def _quiet(changes: list[Change], backfill: int | None) -> list[Change]:
    """At first contact only what is open and the newest closed ones are told, the rest noted."""
    new = [change for change in changes if change.happening is Happening.NEW]
    past = [change for change in new if not _is_open(change.incident)]
    keep = past if backfill is None else past[len(past) - min(backfill, len(past)) :]
    hush = {id(change) for change in past} - {id(change) for change in keep}
    return [replace(c, happening=None) if id(c) in hush else c for c in changes]


def _is_open(incident: Incident) -> bool:
    """Whether the page says that something is going on; «unknown» does not say so."""
    return not incident.state.closed and incident.state is not State.UNKNOWN


def _meet(incident: Incident, now: float) -> Change:
    return Change(Happening.NEW, incident, _told(incident, None, now))


def _compare(told: Told, incident: Incident, wishes: Wishes, now: float) -> Change | None:
    if lags(told, incident):
        return None
    if _is_another_update(told, incident):
        if _version(incident) in told.versions:
            return None
        closed = incident.state.closed and not told.state.closed
        happening = Happening.RESOLVED if closed else Happening.UPDATE
        return Change(happening, incident, _told(incident, told, now))
    look = _look(incident)
    if look == told.look or look in told.versions:
        # Only the raw form or the stamp is new: know it, so that it is swept over and stays told.
        versions = _versions(incident, told)
        known = replace(told, versions=versions, marks=incident.marks, left_at=None)
        return Change(None, incident, known)
    return Change(Happening.EDIT if wishes.edits else None, incident, _told(incident, told, now))


def lags(told: Told, incident: Incident) -> bool:
    """Whether this is an older version than was told, from an edge that is behind."""
    return bool(incident.stamp and told.stamp and incident.stamp < told.stamp)


def _is_another_update(told: Told, incident: Incident) -> bool:
    """Whether the newest update is another one than was told, not the same one reworded.

    A longer timeline, another state: yes.  The same words: no, whatever the stamps say.  Other
    words: yes if its time moved (or nothing could show that it did), else it is an edit.
    """
    if incident.state is not told.state:
        return True
    if incident.updates and told.updates and incident.updates > told.updates:
        return True
    if _words(incident) == told.words:
        return False
    if incident.updated_at is None or told.updated_at is None:
        return incident.updates is None or told.updates is None
    return incident.updated_at > told.updated_at


def _told(incident: Incident, before: Told | None, now: float) -> Told:
    return Told(
        state=incident.state,
        words=_words(incident),
        look=_look(incident),
        updated_at=_past(incident.updated_at, now),
        updates=incident.updates,
        stamp=_past(incident.stamp, now) or (before.stamp if before else None),
        versions=_versions(incident, before),
        marks=incident.marks,
        open=None if incident.state.closed else incident,
    )


def _past(moment: datetime | None, now: float) -> datetime | None:
    return moment if moment and moment <= datetime.fromtimestamp(now, UTC) + _FUTURE else None


def _words(incident: Incident) -> bytes:
    """Fingerprint of the newest update's text, white space aside."""
    return fingerprint("".join(incident.message.split()))


def _look(incident: Incident) -> bytes:
    """Fingerprint of all that an event shows and that wording is."""
    return fingerprint(
        "look",
        "".join(incident.title.split()),
        "".join(incident.message.split()),
        *sorted(incident.components),
    )


def _versions(incident: Incident, before: Told | None) -> tuple[bytes, ...]:
    known = before.versions if before else ()
    fresh = [each for each in (_version(incident), _look(incident)) if each not in known]
    return (*known, *fresh)[-_MAX_VERSIONS:]


def _version(incident: Incident) -> bytes:
    """Fingerprint of the newest update itself: its state, its text, its time, its place."""
    when = incident.updated_at.timestamp() if incident.updated_at else ""
    text = "".join(incident.message.split())
    return fingerprint("update", incident.state, text, str(when), str(incident.updates))


def absences(memory: Memory, feed: Feed, now: float) -> Mapping[str, Told | None]:
    """What to remember of incidents that the feed no longer shows.

    Absence is never news: the window of a feed is short.  It only starts the clock after which
    an incident is forgotten, and that goes by the page's own dates as well.

    Returns:
        By id: the incident with `left_at` set or cleared, or None = forget it.
    """
    shown = {incident.id for incident in feed.incidents}
    present = {
        id_: told
        for id_, told in memory.told.items()
        if id_ in shown or not feed.unchanged.isdisjoint(told.marks)
    }
    if feed.partial:  # what stands below was not read; only what is very old is forgotten
        age = _ages(memory.told, feed, now)
        return {
            id_: None
            for id_, told in memory.told.items()
            if told.updated_at and age(told) > FORGET_PARTIAL_AFTER
        }
    age = _ages(present, feed, now)
    remembered: dict[str, Told | None] = {}
    for id_, told in memory.told.items():
        if id_ in present:
            if told.left_at is not None:
                remembered[id_] = replace(told, left_at=None)
        elif told.left_at is None:
            remembered[id_] = replace(told, left_at=now)
        elif min(now - told.left_at, age(told)) > FORGET_AFTER:
            remembered[id_] = None
    return remembered


def _ages(known: Mapping[str, Told], feed: Feed, now: float) -> Callable[[Told], float]:
    """How many seconds an incident is older than the newest that the page shows, or than now.

    By our clock alone, one that is a year ahead for a moment would forget what may come back.
    """
    dates = [told.updated_at for told in known.values()]
    dates += [incident.updated_at for incident in feed.incidents]
    newest = max((date.timestamp() for date in dates if date), default=now)

    def age(told: Told) -> float:
        return min(newest, now) - told.updated_at.timestamp() if told.updated_at else math.inf

    return age
