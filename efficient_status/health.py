"""Which failures are worth a line.  Pure: it answers with the lines to say, and says nothing.

A page is named when it has failed three polls in a row, and when it recovers, not in between.
When every page fails at the same time, that is one line about the network, not a hundred: when a
page has failed for good, others fail too, and none was read since its failures began.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from efficient_status.errors import Gone, PageError

FOR_GOOD = 3  # polls in a row


@dataclass(slots=True)
class Health:
    """Follows the pages of one run."""

    failing: dict[str, str] = field(default_factory=dict)  # page → reason
    named: set[str] = field(default_factory=set)
    since: dict[str, int] = field(default_factory=dict)  # page → successes when it began to fail
    successes: int = 0
    offline: bool = False

    def failed(self, page: str, error: PageError, failures: int, wait: float) -> list[str]:
        """A poll failed, for the so-manieth time in a row; the next is in `wait` seconds."""
        self.failing[page] = str(error)
        self.since.setdefault(page, self.successes)
        if isinstance(error, Gone):
            self.named.add(page)
            return [f"{page}: {error}: not asked any more; give it another feed, or remove it"]
        if failures < FOR_GOOD or self.offline or page in self.named:
            return []
        if len(self.failing) > 1 and self.since[page] == self.successes:
            self.offline = True
            return [f"no page can be read, is there a network? ({page}: {error}); still trying"]
        self.named.add(page)
        return [f"{page}: cannot be read: {error}; next attempt in {span(wait)}"]

    def recovered(self, page: str) -> list[str]:
        """A poll succeeded."""
        lines = []
        self.successes += 1
        self.failing.pop(page, None)
        self.since.pop(page, None)
        if self.offline:
            self.offline = False
            lines.append("pages can be read again")
        if page in self.named:
            self.named.discard(page)
            lines.append(f"{page}: can be read again")
        return lines


def summary(failures: dict[str, str], pages: int) -> list[str]:
    """`--once`: each page that could not be read, with its reason; one line a reason if all failed.

    Args:
        failures: page → reason.
    """
    if pages < 2 or len(failures) < pages:
        return [f"{page}: cannot be read: {reason}" for page, reason in failures.items()]
    reasons: dict[str, list[str]] = {}
    for page, reason in failures.items():
        reasons.setdefault(reason, []).append(page)
    return [
        f"none of the {pages} pages can be read, is there a network? {reason}: {', '.join(names)}"
        for reason, names in reasons.items()
    ]


def span(seconds: float) -> str:
    """A length of time for people."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} h"
