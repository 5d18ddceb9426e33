"""`--state-dir :memory:`: everything is forgotten at the end of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from efficient_status.models import Memory, Pacing, Tally, Told


class MemoryState:
    """See `StateStore`."""

    def __init__(self) -> None:
        self._memories: dict[str, Memory] = {}
        self._pacing: dict[str, tuple[str, Pacing]] = {}
        self._tallies: dict[tuple[str, int], Tally] = {}

    def identity(self, provider: str) -> str:
        """See `StateStore`."""
        return self.recall(provider).identity

    def recall(self, provider: str) -> Memory:
        """See `StateStore`."""
        return self._memories.get(provider, Memory())

    def remember(self, provider: str, told: Mapping[str, Told | None]) -> None:
        """See `StateStore`."""
        memory = self.recall(provider)
        merged = {**memory.told, **told}
        kept = {id_: each for id_, each in merged.items() if each is not None}
        self._memories[provider] = replace(memory, told=kept)

    def finish(self, provider: str, identity: str, dialect: str) -> None:
        """See `StateStore`."""
        memory = self.recall(provider)
        self._memories[provider] = replace(memory, identity=identity, dialect=dialect)

    def pacing(self, provider: str, feed: str) -> Pacing:
        """See `StateStore`."""
        noted_feed, noted = self._pacing.get(provider, (feed, Pacing()))
        return noted if noted_feed == feed else Pacing()

    def pace(self, provider: str, feed: str, pacing: Pacing) -> None:
        """See `StateStore`."""
        self._pacing[provider] = feed, pacing

    @property
    def writable(self) -> bool:
        """See `StateStore`."""
        return True

    def tally(self, provider: str, day: int) -> Tally:
        """See `StateStore`."""
        return self._tallies.setdefault((provider, day), Tally())

    def flush(self) -> None:
        """See `StateStore`."""

    def close(self) -> None:
        """See `StateStore`."""
