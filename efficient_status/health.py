"""Which failures are worth a line, and which the network explains.

Pure: it answers with the lines to say, and says nothing.

A page is named when it has failed three polls in a row, and when it recovers, not in between,
whatever its reasons are.  When every page fails at the same time, that is one line about the
network, not a hundred: a page has failed for good, others fail too, and none was read since it
failed before.  Only an answer shows that there is a network: what is still fresh, or is left alone
because its server said so, was not asked and shows nothing; nor does a poll that began before the
network was back.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from efficient_status.errors import Gone, Moved, PageError, Refused, Unreachable, Unreadable
from efficient_status.figures import span

FOR_GOOD = 3  # polls in a row
# With which portals and proxies answer in a server's place; 511 is theirs alone (RFC 6585 6).
_OF_PORTALS = (401, 403, 404, 407, 511)


class Line(str):
    """What is said; and, for programs, what it is about.

    Attributes:
        fields: of the log record: `event`, and more by name.
    """

    __slots__ = ("fields",)
    fields: Mapping[str, Any]

    def __new__(cls, text: str, event: str, **fields: Any) -> Self:
        """Args: the text, what it is, and the fields."""
        line = super().__new__(cls, text)
        line.fields = {"event": event, **fields}
        return line


@dataclass(slots=True)
class Health:
    """Follows the pages of one run.

    Attributes:
        watched: how many pages there are.
        named: pages that were said to fail.
        offline: whether it was said that no page can be read.
        reads: how often any page was read.
    """

    watched: int = 1
    named: set[str] = field(default_factory=set)
    offline: bool = False
    reads: int = 0
    _when: dict[str, int] = field(default_factory=dict)  # page → `reads` when it last failed
    _unsaid: dict[str, Line] = field(default_factory=dict)  # page → its line, if there is a network

    def failed(
        self, page: str, error: PageError, failures: int, wait: float, began: int = -1
    ) -> list[Line]:
        """A poll failed, for the so-manieth time in a row; the next is in `wait` seconds.

        Args:
            began: what `reads` was when the poll began; -1 = just now.
        """
        if isinstance(error, Gone):
            self._forget(page)
            self.named.add(page)
            text = f"{page}: {error}: not asked any more; give it another feed, or remove it"
            return [Line(text, "gone", provider=page, **_about(error))]
        last = self._when.get(page)
        self._when[page] = self.reads
        if failures < FOR_GOOD or self.offline or page in self.named:
            return []
        # Since it failed before, no page was read; at its first failure of this run we go by the
        # number of those that fail, for two that are dead may be neighbours.
        silent = 2 * len(self._when) > self.watched if last is None else last == self.reads
        if silent and self._others_fail(page):
            self.offline = True
            self._unsaid.clear()
            text = f"no page can be read, is there a network? ({page}: {error}); still trying"
            return [Line(text, "offline", provider=page, **_about(error))]
        text = f"{page}: cannot be read: {error}; next attempt in {span(wait)}"
        line = Line(text, "failing", provider=page, failures=failures, next=wait, **_about(error))
        if last is None and not self.reads and self.watched > 1:
            self._unsaid[page] = line  # it failed in earlier runs, but so may all in this one
            return []
        if began == last != self.reads:  # the network came back while it was being asked
            return []
        self._unsaid.pop(page, None)
        self.named.add(page)
        return [line]

    def recovered(self, page: str) -> list[Line]:
        """A server answered with the page, or that it has not changed."""
        lines = []
        self.reads += 1
        self._forget(page)
        if self.offline:
            self.offline = False
            lines.append(Line("pages can be read again", "online", provider=page))
        if page in self.named:
            self.named.discard(page)
            lines.append(Line(f"{page}: can be read again", "recovered", provider=page))
        lines += self._unsaid.values()
        self.named |= self._unsaid.keys()
        self._unsaid.clear()
        return lines

    def excused(self) -> list[str]:
        """The pages that failed while the network was away, as long as it is."""
        if not self.offline:
            return []
        return [page for page, when in self._when.items() if when == self.reads]

    def _others_fail(self, page: str) -> bool:
        return any(when == self.reads for each, when in self._when.items() if each != page)

    def _forget(self, page: str) -> None:
        self._when.pop(page, None)
        self._unsaid.pop(page, None)


def _about(error: PageError) -> Mapping[str, Any]:
    return {"error": type(error).__name__.lower(), "status": error.status}


def excusable(error: PageError) -> bool:
    """Whether what lies between us and the server can be the reason, rather than the server.

    A captive portal answers with HTML, redirects and «no such page»; what asks for rest, or says
    that a server is in trouble (5xx), is taken at its word.
    """
    if isinstance(error, Refused):
        return error.status in _OF_PORTALS
    return isinstance(error, Unreachable | Unreadable | Moved)


def summary(failures: dict[str, str], asked: int) -> list[Line]:
    """`--once`: each page that could not be read, with its reason; one line a reason if all failed.

    Args:
        failures: page → reason.
        asked: how many pages a request was made for.
    """
    if asked < 2 or len(failures) < asked:
        return [
            Line(f"{page}: cannot be read: {reason}", "failing", provider=page)
            for page, reason in failures.items()
        ]
    reasons: dict[str, list[str]] = {}
    for page, reason in failures.items():
        reasons.setdefault(reason, []).append(page)
    none = f"none of the {asked} pages can be read, is there a network?"
    return [
        Line(f"{none} {reason}: {', '.join(names)}", "offline", pages=len(names))
        for reason, names in reasons.items()
    ]
