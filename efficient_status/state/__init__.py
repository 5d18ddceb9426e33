"""What we have told, and when pages may be asked again: one protocol, two homes.

Promise 1 (contract): told first, remembered second, event by event.  So `remember` is one small
transaction, and `finish` marks a document as told to the end.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from efficient_status.errors import StateError
from efficient_status.models import Memory, Pacing, Tally, Told

__all__ = ["FILE", "StateStore", "copied_state", "open_state"]

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

    @property
    def writable(self) -> bool:
        """Whether the last that was to be written could be."""

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


def copied_state(folder: Path) -> StateStore:
    """What a folder's state holds now, in memory: nothing that is done to it lasts.

    It may be another run's, which goes on writing.

    Raises:
        StateError: it cannot be read, or was written by a newer version.
    """
    from efficient_status.database import MEMORY
    from efficient_status.state.sqlite import SqliteState

    state = SqliteState(MEMORY)
    try:
        if (path := folder / FILE).exists():
            state.copy(path)
    except StateError:
        state.close()
        raise
    return state


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
