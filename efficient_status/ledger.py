"""What watching costs: per page and day, from what each poll shows; `stats` reads it.

An observer of the scheduler: a few integers are added a poll, in memory, and written by the state
with what is written anyway (`StateStore.tally`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from efficient_status.models import Tally
from efficient_status.pacing import DAY
from efficient_status.state import StateStore

if TYPE_CHECKING:
    from efficient_status.poller import Page, Poll

# Bytes of an exchange beside its body, for a poll that made none because the answer was fresh: what
# a 304 takes on a connection that is kept, with HTTP/2; HTTP/1.1 takes twice that.
EXCHANGE = 350


class Ledger:
    """Keeps the books of one run."""

    def __init__(self, state: StateStore, clock: Callable[[], float] = time.time) -> None:
        self._state = state
        self._clock = clock

    def __call__(self, page: Page, poll: Poll) -> None:
        """Enter a poll; one in which its server wanted rest, or nobody read, is none."""
        outcome = poll.outcome
        if outcome in ("held", "untold"):
            if poll.events:
                self._today(page).events += poll.events
            return
        tally = self._today(page)
        if outcome == "unchanged":
            tally.unchanged += 1
        elif outcome == "fresh":
            tally.fresh += 1
            tally.spared += EXCHANGE
        elif outcome == "changed":
            tally.changed += 1
        else:
            tally.failed += 1
        if poll.wire is not None:
            tally.requests += poll.wire.attempts
            tally.bytes += poll.wire.bytes
        tally.spared += poll.spared
        tally.events += poll.events
        tally.read_at = max(tally.read_at, page.read_at)

    def _today(self, page: Page) -> Tally:
        return self._state.tally(page.label, int(self._clock() // DAY))
