"""The state as it is at one moment, for those who only look: nothing is locked, changed or waited for.

It works beside a run that holds the folder, and where none does.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from efficient_status.database import looking
from efficient_status.errors import StateError
from efficient_status.lock import held_by
from efficient_status.models import Incident, Pacing, Tally
from efficient_status.state import FILE
from efficient_status.state.sqlite import APPLICATION_ID, MIGRATIONS, incident_of, pacing_of


@dataclass(frozen=True, slots=True)
class Shown:
    """An incident that is not over, as it was told.

    Attributes:
        left_at: when the page stopped showing it, in seconds since the epoch, or None.
    """

    incident: Incident
    left_at: float | None = None


@dataclass(frozen=True, slots=True)
class KnownPage:
    """What is known of one page.

    Attributes:
        known_at: when it was last known to be as it is told, at least, in seconds since the epoch;
            0 = never, or in the first minute of the run that met it.
        met: whether a document of it was ever told to the end.
    """

    pacing: Pacing = field(default_factory=Pacing)
    known_at: float = 0.0
    shown: tuple[Shown, ...] = ()
    met: bool = False


@dataclass(frozen=True, slots=True)
class Picture:
    """What is known of all pages, by their keys.

    Attributes:
        tallies: by page and day since the epoch (UTC).
    """

    pages: Mapping[str, KnownPage] = field(default_factory=dict)
    tallies: Mapping[tuple[str, int], Tally] = field(default_factory=dict)

    def page(self, key: str) -> KnownPage:
        """What is known of a page, which may be nothing."""
        return self.pages.get(key, KnownPage())


def take(folder: Path) -> Picture:
    """Look at a state folder.

    Raises:
        StateError: there is no state, or it cannot be read, or is of another version.
    """
    path = folder / FILE
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError) as error:
        problem = "there is no state yet: watch first, or run with --once"
        raise StateError(f"{folder}: {problem}") from error
    except OSError as error:
        raise StateError(f"{folder}: cannot be read ({error.strerror})") from error
    began, beat = _heart(folder / "lock")
    with looking(path, APPLICATION_ID, len(MIGRATIONS)) as database:
        tallies = {
            (provider, day): Tally(*sums)
            for day, provider, *sums in database.execute("SELECT * FROM tally")
        }
        told = database.execute("SELECT provider, left_at, open FROM told WHERE open IS NOT NULL")
        shown: dict[str, list[Shown]] = {}
        for provider, left_at, text in told:
            try:
                incident = incident_of(text)
            except (ValueError, KeyError, TypeError) as error:
                raise StateError(f"{path}: cannot be read ({error!r})") from error
            if incident is not None:
                shown.setdefault(provider, []).append(Shown(incident, left_at))
        query = (
            "SELECT provider, dialect, not_before, failures, wait, gone, moved_to, reason FROM page"
        )
        rows = database.execute(query).fetchall()
    pacing = {provider: pacing_of(tuple(of_pacing)) for provider, _, *of_pacing in rows}
    met = {provider for provider, dialect, *_ in rows if dialect}
    known: dict[str, float] = {}
    for (provider, _), tally in tallies.items():
        known[provider] = max(known.get(provider, 0.0), tally.read_at)
    return Picture(
        {
            key: KnownPage(
                pacing.get(key, Pacing()),
                _known_at(known.get(key, 0.0), pacing.get(key, Pacing()), began, beat),
                tuple(shown.get(key, ())),
                key in met,
            )
            for key in {**pacing, **known}
        },
        tallies,
    )


def _heart(lock: Path) -> tuple[float, float]:
    """When the run that holds the folder, or did last, began; and what it last vouched for."""
    try:
        _, began = held_by(lock.read_bytes())
        return float(began), lock.stat().st_mtime
    except (OSError, ValueError):
        return 0.0, 0.0


def _known_at(read_at: float, pacing: Pacing, began: float, beat: float) -> float:
    """The books are written once an hour; in between the run vouches for what it has read.

    Failures are written at once, so where none is noted the page was well.
    """
    vouched = bool(began) and read_at >= began and not pacing.failures and not pacing.gone
    return max(read_at, beat) if vouched else read_at
