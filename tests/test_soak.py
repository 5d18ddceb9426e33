"""A short night of every kind of weather: exactly the events of the script, and nothing that grows.

The long one is `python -m benchmarks soak`.
"""

from __future__ import annotations

import pytest

from tests.soak.night import OFFLINE, Night, Seen, play, risen
from tests.soak.weather import SKIES

NIGHT = Night(
    pages=60,
    polls=5_000,
    beat=0.03,
    scale=10,
    looks=25,
    troubles={
        0.1: (OFFLINE, 0.4),
        0.25: ("a captive portal", 0.2),
        0.4: ("nobody reads stdout", 0.3),
        0.5: ("the disk is full", 0.2),
        0.6: ("the cache is locked", 0.2),
        0.7: ("the state is locked", 0.2),
        0.8: ("both databases are deleted", 0.0),
    },
)


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    return play(NIGHT, tmp_path_factory.mktemp("night"))


def test_a_night_of_all_weathers_tells_exactly_what_happened(seen: Seen) -> None:
    """Every version that arrived is told once, none that did not; no document is lost on the way."""
    assert (seen.status, seen.bugs) == (0, [])
    assert (seen.lost, seen.muddled) == ([], [])
    assert seen.wrong == []
    assert seen.unasked <= seen.weather["fresh"]
    assert seen.told == seen.due > NIGHT.pages
    assert {*SKIES} - {*seen.weather} <= {"too much", "bomb", "drip", "hang"}


def test_nothing_grows_in_a_night(seen: Seen) -> None:
    """Files, tasks, threads, objects and journals are as many in the morning as in the evening."""
    assert seen.looks[-1]["polls"] == NIGHT.polls
    assert risen(seen.looks, "tasks") <= 2
    assert risen(seen.looks, "files") <= 4
    assert risen(seen.looks, "threads") <= 1
    assert risen(seen.looks, "objects") < 1_500, "less than one for two polls"
    assert max(max(look["state-wal"], look["cache-wal"]) for look in seen.looks) < 4.5 * 2**20
