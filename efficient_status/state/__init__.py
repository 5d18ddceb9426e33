"""What we have told, and when pages may be asked again: one protocol, two homes.

Promise 1 (contract): told first, remembered second, event by event.  So `remember` is one small
transaction, and `finish` marks a document as told to the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from efficient_status.models import Memory, Pacing, Tally, Told

__all__ = ["FILE", "StateStore", "open_state"]

FILE = "state.sqlite3"  # in the state folder


class StateStore(Protocol):
    """Keyed by provider; every method is immediate and raises only `StateError`."""

    def identity(self, provider: str) -> str:
        """Identity of the document last told to the end, or "": cheap, for every page at start."""
        ...

    def recall(self, provider: str) -> Memory:
        """All that was told about a page."""
        ...

    def remember(self, provider: str, told: Mapping[str, Told | None]) -> None:
        """Take note of incidents, by id, all or none; None forgets one."""
        ...

    def finish(self, provider: str, identity: str, dialect: str) -> None:
        """The document with this identity was told to the end."""
        ...

    def pacing(self, provider: str, feed: str) -> Pacing:
        """What is known of this feed's wishes; a row that got another feed begins anew."""
        ...

    def pace(self, provider: str, feed: str, pacing: Pacing) -> None:
        """Take note; it is written by the next `flush`."""
        ...

    def tally(self, provider: str, day: int) -> Tally:
        """What is to be added to a page's sums of a day (since the epoch, UTC): add to it.

        It is written by and by: with the page's pacing, an hour later at most, and by `close`.
        """
        ...

    def flush(self) -> None:
        """Write what is noted."""
        ...

    def close(self) -> None:
        """Flush and close."""
        ...


def open_state(folder: Path | None) -> StateStore:
    """The state of a folder, or one that keeps nothing.

    Raises:
        StateError: the folder cannot be used, or was written by a newer version.
    """
    if folder is None:
        from efficient_status.state.memory import MemoryState

        return MemoryState()
    from efficient_status.state.sqlite import SqliteState

    return SqliteState(folder / FILE)
