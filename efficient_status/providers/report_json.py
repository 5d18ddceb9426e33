"""What a JSON dialect makes of one raw object, and what becomes of it.  Pure.

A dialect fills a `Report` with the document's own strings.  Its mark (the frontier, see
DESIGN.md) leaves out every date and the order of components, so that a moved stamp or a
permuted list is no news; only a report whose mark is unknown is made an `Incident`, and only
then is markup read and a date parsed.

The document decides the types, never we: every access goes through the functions below, and
what is missing, null or of another type is empty.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import NamedTuple

from efficient_status.harmless import one_line
from efficient_status.models import Impact, Incident, Kind, Limits, State, fingerprint
from efficient_status.providers.document import Item, beyond
from efficient_status.providers.markup import plain_html, web_url
from efficient_status.providers.words import moment, utc

Object = dict[str, object]

_EPOCHS = range(221_845_392_000)  # seconds; until the year 9000
_MILLISECONDS = 100_000_000_000  # an epoch above this (the year 5138) counts milliseconds


class Page(NamedTuple):
    """What a document says of its page.

    Attributes:
        link: of the page; what relative links start from.
        absence_closes: see `models.Feed`.
    """

    name: str = ""
    link: str = ""
    absence_closes: bool = False


class Report(NamedTuple):
    """One incident, strings as the document has them.

    Attributes:
        id: of the incident; empty is an error that costs the object.
        body: the newest update's text, plain or HTML.
        update: what tells the newest update from the one before (its id, its state).
        updates: how many updates the document shows.
        link: may be relative to the page's; empty = the page.
        started, updated, stamp: raw dates, see `models.Incident`.
    """

    id: str
    title: str
    state: State = State.UNKNOWN
    kind: Kind = Kind.INCIDENT
    impact: Impact | None = None
    components: Iterable[str] = ()
    body: str = ""
    update: str = ""
    updates: int | None = None
    link: str = ""
    started: object = None
    updated: object = None
    stamp: object = None

    def check(self, limits: Limits) -> None:
        """Whether it is within bounds.

        Raises:
            Unreadable: a text is too long, or there are too many components; it costs the object.
        """
        size = max(len(text) for text in (self.id, self.title, self.body, self.update, self.link))
        if size > limits.text:
            raise beyond("text", limits.text, "characters in one field", size)
        names = set(self.components)
        size = max((len(name) for name in names), default=0)
        if size > limits.text:
            raise beyond("text", limits.text, "characters in one name", size)
        if len(names) > limits.parts:
            raise beyond("parts", limits.parts, "components", len(names))

    @property
    def size(self) -> int:
        """Characters that are looked at."""
        return len(self.title) + len(self.body) + sum(map(len, self.components))

    def mark(self) -> bytes:
        """Fingerprint of all that can be news."""
        if not self.id:
            raise ValueError("it has no id")
        return fingerprint(
            *("json", self.id, self.title, self.state, self.kind, self.impact or "", self.update),
            *(self.body, str(self.updates)),
            *sorted(set(self.components)),
        )

    def incident(self, page: str, source: str) -> Incident:
        """Everything made plain, safe and UTC.

        Args:
            page: link of the page, which stands in for a missing one.
            source: where the document came from, for relative links of an unknown page.
        """
        item = Item(id=self.id)
        if not item.identify(""):
            raise ValueError("its id is empty")
        message = prose(self.body)
        updated = when(self.updated)
        return Incident(
            id=item.id,
            title=one_line(self.title) or one_line(message, 120) or item.id[:200],
            kind=self.kind,
            state=self.state,
            impact=self.impact,
            components=tuple(sorted({one_line(name, 200) for name in self.components} - {""})),
            message=message,
            url=web_url(self.link, page or source) if self.link else web_url(page),
            started_at=when(self.started),
            updated_at=updated,
            updates=self.updates,
            stamp=when(self.stamp) or updated,
            marks=(self.mark(),),
        )


def prose(text: str) -> str:
    """Plain text of a field that may be HTML or plain, of which both keep their lines."""
    return plain_html("<br>".join(text.splitlines()))


def when(value: object) -> datetime | None:
    """A date as JSON has them: RFC 3339, or an epoch in seconds or milliseconds; else None."""
    if isinstance(value, str):
        digits = value[:100].strip()
        if not (digits.isdecimal() and digits.isascii()):
            return utc(moment(value))
        value = int(digits) if len(digits) < 18 else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    seconds = value / 1_000 if value > _MILLISECONDS else value
    if not _EPOCHS.start <= seconds < _EPOCHS.stop:  # NaN too
        return None
    return datetime.fromtimestamp(seconds, UTC)


def is_object(value: object, *names: str) -> bool:
    """Whether this is an object with all these members."""
    return isinstance(value, dict) and all(name in value for name in names)


def is_list_of(value: object, *names: str) -> bool:
    """Whether this is a list that begins with an object of these members."""
    return isinstance(value, list) and bool(value) and is_object(value[0], *names)


def as_object(value: object) -> Object:
    """The value, which must be an object."""
    if not isinstance(value, dict):
        raise ValueError(f"expected an object, got {type(value).__name__}")  # noqa: TRY004
    return value


def member(value: object, name: str) -> Object:
    """A member that is an object; else an empty one."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, dict) else {}


def array(value: object, name: str) -> list[object]:
    """A member that is a list; else an empty one."""
    found = value.get(name) if isinstance(value, dict) else None
    return found if isinstance(found, list) else []


def objects(value: object, name: str) -> list[Object]:
    """The objects in a member that is a list."""
    return [each for each in array(value, name) if isinstance(each, dict)]


def string(value: object, *names: str) -> str:
    """The first of these members that is a text which is not empty, or a whole number."""
    for name in names:
        found = value.get(name) if isinstance(value, dict) else None
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
        if isinstance(found, str) and found:
            return found
    return ""


def strings(value: object, name: str) -> list[str]:
    """The texts in a member that is a list."""
    return [each for each in array(value, name) if isinstance(each, str)]


def names(value: object, name: str, key: str = "name") -> list[str]:
    """The names of the objects in a member that is a list."""
    return [found for each in objects(value, name) if (found := string(each, key))]


def flat(resource: Object) -> Object:
    """A resource of JSON:API: its attributes and its id, one beside the other."""
    return {**member(resource, "attributes"), "id": string(resource, "id")}


def newest(updates: list[Object], *keys: str) -> Object:
    """The update with the latest time under these keys, the first of equals; {} of none.

    A single list may have either order; its times do not lie about which is the newest.
    """
    return max(updates, key=lambda each: _seconds(each, keys), default={})


def _seconds(update: Object, keys: tuple[str, ...]) -> float:
    times = (when(update.get(key)) for key in keys)
    return next((time.timestamp() for time in times if time), -1.0)
