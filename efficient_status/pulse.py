"""How the watching goes, in a line: for systemd, and for whoever asks `/healthz` and `/readyz`.

It watches the watcher: what it is shown of each poll is all it knows of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from efficient_status.figures import counted, span
from efficient_status.health import FOR_GOOD
from efficient_status.poller import Page, Poll
from efficient_status.state import StateStore


class Pulse:
    """Follows the polls of one run; made in the loop that runs them.

    Args:
        patience: seconds that a poll may take, its wait for the host's turn included, before it
            is said that nothing goes on.
        waiting: whether a reader of events is waited for, which is no fault of ours.
    """

    def __init__(
        self,
        pages: Sequence[Page],
        state: StateStore,
        *,
        patience: float,
        waiting: Callable[[], bool] = lambda: False,
    ) -> None:
        self._now = asyncio.get_running_loop().time
        self._pages = pages
        self._state = state
        self._patience = patience
        self._waiting = waiting
        self._beat = self._now()  # when a poll last ended
        self._unasked = {page.label for page in pages if not page.pacing.gone}
        self._failing = {page.label for page in pages if _fails(page)}
        self._well = False  # whether any page was found well in this run

    def observe(self, page: Page, poll: Poll) -> None:
        """See `scheduler.Observer`."""
        self._beat = self._now()
        self._unasked.discard(page.label)
        (self._failing.add if _fails(page) else self._failing.discard)(page.label)
        self._well |= poll.error is None and not page.pacing.failures

    @property
    def summary(self) -> str:
        """«watching 12 pages, 1 failing»."""
        text = f"watching {counted(len(self._pages), 'page')}"
        return f"{text}, {len(self._failing)} failing" if self._failing else text

    def stuck(self) -> str:
        """Why it cannot be said to live, though it can answer; or ""."""
        ago = self._now() - self._patience
        if self._beat > ago or self._waiting():
            return ""
        due = sum(page.due is not None and page.due < ago for page in self._pages)
        return f"no poll has ended for {span(self._now() - self._beat)}, {due} due" if due else ""

    def unready(self) -> list[str]:
        """What it cannot do for its user yet, or now; a line each."""
        lines = []
        if self._unasked:
            lines.append(f"{len(self._unasked)} of {len(self._pages)} pages are not asked yet")
        if not self._well or len(self._failing) == len(self._pages):
            lines.append("no page can be read")
        if not self._state.writable:
            lines.append("what was told cannot be written")
        return lines


def _fails(page: Page) -> bool:
    return page.pacing.gone or page.pacing.failures >= FOR_GOOD
