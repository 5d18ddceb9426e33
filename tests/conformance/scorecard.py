"""The rules, the scenario that grades each, and the way to play them.

Nothing here knows a client: what a scenario needs of one is in `stage.Client`, and what it judges
is the origin's log alone (for P14 also the events of a client that prints them).
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from tests.conformance import hosts, places, validators, waiting
from tests.conformance.grading import Grade
from tests.conformance.stage import Client, Mode, Stage

Scenario: TypeAlias = Callable[[Stage], list[Grade]]

RULES = {
    "P1": "unconditional once, at first contact",
    "P2": "ETag byte for byte",
    "P3": "Last-Modified byte for byte, never invented",
    "P4": "both validators, or the one given, never an empty one",
    "P5": "newest validators after a touch",
    "P6": "ETag and Last-Modified updated independently",
    "P7": "a 304 updates what is stored, no second request",
    "P8": "failures lose and poison no validator",
    "P9": "max-age, Expires, Age; nobody is blind",
    "P10": "Retry-After for the host, over restarts",
    "P11": "back-off doubles, over restarts",
    "P12": "one retry at most, none after a refusal",
    "P13": "301 and 308 remembered, the others not",
    "P14": "what is no feed changes nothing",
    "P15": "410 ends it, 404 slows it",
    "P16": "no cookie, referer, query; credentials stay",
    "P17": "one GET a poll, nothing else",
    "P18": "gzip offered",
    "P19": "says who it is and where to ask",
    "P20": "a second between requests to a host, spread",
    "P21": "one connection a host, idle closes are nothing",
    "P22": "overlapping runs never ask twice",
    "P23": "cron runs keep what was asked for",
}

# Longest first: they only wait, and everything else fits beside them.
SCENARIOS: dict[Scenario, tuple[str, ...]] = {
    hosts.spread: ("P20",),
    waiting.freshness: ("P9",),
    waiting.retry_after: ("P10",),
    waiting.back_off: ("P11",),
    places.moves: ("P13",),
    validators.failures: ("P8",),
    places.strays: ("P14",),
    waiting.gone: ("P15",),
    hosts.overlaps: ("P22",),
    waiting.retries: ("P12",),
    validators.touches: ("P5", "P6"),
    validators.echoes: ("P2", "P3", "P4"),
    validators.news_of_a_304: ("P7",),
    validators.first_contact: ("P1", "P17", "P18", "P19"),
    hosts.connections: ("P21",),
    places.privacy: ("P16",),
    waiting.cron: ("P23",),
}


def play(scenario: Scenario, client: Client, mode: Mode) -> list[Grade]:
    """Play one scenario with a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="conformance-"))
    try:
        with Stage(client, mode, folder) as stage:
            return scenario(stage)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Scorecard:
    """Plays scenarios beside each other, each once, and hands their grades out by rule."""

    def __init__(self, at_once: int = 128) -> None:
        self._pool = ThreadPoolExecutor(at_once, "scenario")
        self._played: dict[tuple[Scenario, str, Mode], Future[list[Grade]]] = {}

    def begin(self, client: Client, mode: Mode, rules: Iterable[str] = RULES) -> None:
        """Play what grades these rules, in the background."""
        wanted = set(rules)
        for scenario, graded in SCENARIOS.items():
            key = scenario, client.name, mode
            if wanted & set(graded) and key not in self._played:
                self._played[key] = self._pool.submit(play, scenario, client, mode)

    def grade(self, client: Client, mode: Mode, rule: str) -> Grade:
        """The grade, once its scenario has been played."""
        self.begin(client, mode, [rule])
        scenario = next(each for each, graded in SCENARIOS.items() if rule in graded)
        grades = self._played[scenario, client.name, mode].result()
        return next(grade for grade in grades if grade.rule == rule)

    def close(self) -> None:
        """Wait for what is still being played, and begin no more."""
        self._pool.shutdown(cancel_futures=True)
