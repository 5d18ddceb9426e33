"""The nouns, all frozen.  Pure: no I/O, no clock.

They are named by where they are in the way of one poll:

    Provider (what is watched) → Feed of Incidents (what the page says now)
    → Change (what differs from the Memory of what was Told) → Event (what is printed)
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b


def fingerprint(*parts: str) -> bytes:
    """12 bytes that stand for these texts; a part boundary counts."""
    return blake2b("\0".join(parts).encode("utf-8", "replace"), digest_size=12).digest()


class State(StrEnum):
    """The life of an incident or a maintenance, in Statuspage's words."""

    INVESTIGATING = "investigating"
    IDENTIFIED = "identified"
    MONITORING = "monitoring"
    RESOLVED = "resolved"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    POSTMORTEM = "postmortem"
    UNKNOWN = "unknown"

    @property
    def closed(self) -> bool:
        """Whether nothing more is expected to happen."""
        return self in _CLOSED

    @property
    def label(self) -> str:
        """The word as status pages print it: «In progress»."""
        return self.value.replace("_", " ").capitalize()


_CLOSED = frozenset({State.RESOLVED, State.COMPLETED, State.POSTMORTEM})
MAINTENANCE_STATES = frozenset(
    {State.SCHEDULED, State.IN_PROGRESS, State.VERIFYING, State.COMPLETED}
)


class Kind(StrEnum):
    """What a page announces."""

    INCIDENT = "incident"
    MAINTENANCE = "maintenance"


class Impact(StrEnum):
    """Statuspage's indicator words."""

    NONE = "none"
    MINOR = "minor"
    MAJOR = "major"
    CRITICAL = "critical"
    MAINTENANCE = "maintenance"


class Happening(StrEnum):
    """What an event reports (contract: `event`)."""

    NEW = "new"
    UPDATE = "update"
    RESOLVED = "resolved"
    EDIT = "edit"


@dataclass(frozen=True, slots=True)
class Rule:
    """A keyword that names a product when it occurs in an incident's title, whatever the case."""

    keyword: str
    product: str


@dataclass(frozen=True, slots=True)
class Filters:
    """What of a page is told; an empty one lets everything through (see `filters`).

    Attributes:
        components, products: names, `*` for any text.
        include_titles, exclude_titles: regular expressions, found anywhere in a title.
    """

    components: tuple[str, ...] = ()
    products: tuple[str, ...] = ()
    kinds: tuple[Kind, ...] = ()
    min_impact: Impact | None = None
    include_titles: tuple[str, ...] = ()
    exclude_titles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provider:
    """One page that is watched: a row.

    Attributes:
        key: the name users type, or the feed's URL for a bare `--feed`.
        name: display name; empty where only the document can tell it.
        feed: URL of the feed.
        dialect: what the row expects the document to be; None = whatever it turns out to be.
        product: the default product; empty = the display name.
        rules: keyword rules over the title, first match wins.
        interval: least seconds between two polls that this page asks for, or None.
    """

    key: str
    name: str
    feed: str
    dialect: str | None = None
    product: str = ""
    rules: tuple[Rule, ...] = ()
    interval: float | None = None
    filters: Filters = Filters()


@dataclass(frozen=True, slots=True)
class Incident:
    """One incident or maintenance as the page shows it now; every text is plain and safe to print.

    Attributes:
        id: the feed's guid/id (or the common part where a platform makes one item an update).
        state, message, updated_at: those of the newest update.
        updates: how many timeline entries the document shows, or None where it shows only one.
        stamp: when the page last touched the item (moves on edits as well), for telling an edge
            that lags from news; None where the document does not say.
        marks: fingerprints of the raw items this was read from (see `providers.document`).
    """

    id: str
    title: str
    kind: Kind = Kind.INCIDENT
    state: State = State.UNKNOWN
    impact: Impact | None = None
    components: tuple[str, ...] = ()
    message: str = ""
    url: str | None = None
    started_at: datetime | None = None
    updated_at: datetime | None = None
    updates: int | None = None
    stamp: datetime | None = None
    marks: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Feed:
    """What one document says, in the document's order.

    Attributes:
        dialect: the platform and format it was recognised as.
        evidence: why, in a few words.
        title: the page's own title; may be empty.
        incidents: those read in full: unknown, or different from what is known.
        unchanged: marks of the items that were swept over: known, and as they were.
        faults: items that could not be read, one line each; they cost themselves, not the feed.
        partial: reading stopped at the first known item, so nothing is said of those below it.
        absence_closes: the platform drops an incident when it ends, and says so in no other way.
    """

    dialect: str
    evidence: str = ""
    title: str = ""
    incidents: tuple[Incident, ...] = ()
    unchanged: frozenset[bytes] = frozenset()
    faults: tuple[str, ...] = ()
    partial: bool = False
    absence_closes: bool = False


@dataclass(frozen=True, slots=True)
class Told:
    """What was told (or, at first contact, silently taken note of) about one incident.

    Attributes:
        state, updated_at, updates, stamp: of the newest update told.
        words: fingerprint of that update's normalised text.
        look: fingerprint of all that an event shows, wording included.
        versions: fingerprints of every update told, newest last; what is in here is never told
            again, whatever the origin's edges disagree about.
        marks: see `Incident.marks`.
        left_at: seconds since the epoch at which it was first missed in the feed, or None.
        open: the incident as it was told, while it is open; None once it is closed.
    """

    state: State
    words: bytes
    look: bytes
    updated_at: datetime | None = None
    updates: int | None = None
    stamp: datetime | None = None
    versions: tuple[bytes, ...] = ()
    marks: tuple[bytes, ...] = ()
    left_at: float | None = None
    open: Incident | None = None


@dataclass(frozen=True, slots=True)
class Memory:
    """All that was told about one page.

    Attributes:
        identity: of the representation last told to the end; empty before the first contact.
        dialect: what the page was read as.
        told: by incident id.
    """

    identity: str = ""
    dialect: str = ""
    told: Mapping[str, Told] = field(default_factory=dict)

    @property
    def met(self) -> bool:
        """Whether this page has been read before."""
        return bool(self.dialect)

    def marks(self) -> frozenset[bytes]:
        """Fingerprints of every raw item that is known as it is."""
        return frozenset(mark for told in self.told.values() for mark in told.marks)


@dataclass(frozen=True, slots=True)
class Change:
    """What detection found: an incident to be told (or only noted), and the memory of it.

    Attributes:
        happening: None when nothing is to be printed, only remembered.
    """

    happening: Happening | None
    incident: Incident
    told: Told


@dataclass(frozen=True, slots=True)
class Event:
    """One block on the console, one object a line in JSON; the contract's keys.

    Attributes:
        first: its page is being met for the first time.
    """

    happening: Happening
    provider: str
    provider_name: str
    product: str
    incident: Incident
    seen_at: datetime
    first: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """What an origin may make us do at most: the configuration's `[limits]`, key by key.

    Attributes:
        seconds: of a poll, from connecting to the last byte; a drip of bytes does not extend it.
        connect_seconds: for a connection alone.
        wire_bytes: of a body as it travels.
        decoded_bytes: of a body after decompression.
        header_bytes: of the names and values of an answer's header fields.
        headers: how many of them.
        redirects: that are followed in one poll.
        depth: of elements, or of a JSON document's brackets, within each other.
        items: of a document.
        text: characters in one element, or in one field of a JSON incident.
        tag: characters of one tag with its attributes.
        values: in a JSON document, counted by its commas and brackets.
        parts: categories or components of one incident.
    """

    seconds: float = 30.0
    connect_seconds: float = 10.0
    wire_bytes: int = 4 * 1024 * 1024
    decoded_bytes: int = 8 * 1024 * 1024
    header_bytes: int = 65_536
    headers: int = 200
    redirects: int = 5
    depth: int = 64
    items: int = 5_000
    text: int = 1_048_576
    tag: int = 65_536
    values: int = 250_000
    parts: int = 2_000


@dataclass(frozen=True, slots=True)
class Pacing:
    """When a page may be asked again; kept across restarts.

    Attributes:
        not_before: seconds since the epoch before which the server wants no request, or 0.
        failures: polls that failed in a row.
        wait: the last back-off, in seconds; the next at least doubles it.
        gone: the server said 410.
        moved_to: where a permanent redirect (301, 308) led, once a feed was read there; or "".
        reason: why the last poll failed, in one line without credentials; "" when it did not.
    """

    not_before: float = 0.0
    failures: int = 0
    wait: float = 0.0
    gone: bool = False
    moved_to: str = ""
    reason: str = ""


@dataclass(slots=True)
class Tally:
    """What a page's polls of one day (UTC) came to, and what they cost; sums (see `ledger`).

    Attributes:
        unchanged, fresh, changed, failed: polls by outcome; a fresh one asked nothing.
        requests: that were sent, redirects and retries included.
        bytes: in both directions.
        spared: bytes that the same polls would have cost more without validators and freshness.
        events: that were told.
        read_at: when the page was last known as it is, in seconds since the epoch, or 0.
    """

    unchanged: int = 0
    fresh: int = 0
    changed: int = 0
    failed: int = 0
    requests: int = 0
    bytes: int = 0
    spared: int = 0
    events: int = 0
    read_at: float = 0.0

    @property
    def polls(self) -> int:
        """All of them."""
        return self.unchanged + self.fresh + self.changed + self.failed

    def add(self, other: Tally) -> None:
        """Add the sums of other polls."""
        for name in SUMS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.read_at = max(self.read_at, other.read_at)


SUMS = tuple(each.name for each in fields(Tally) if each.name != "read_at")
