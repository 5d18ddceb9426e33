"""Every rule of politeness, held by this client in both modes; and graders that can fail.

One test a rule, but the scenarios are played beside each other in the background: nearly all of
their time is waiting for what a server asked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.clients import EfficientStatus, Loaded
from tests.conformance.grading import Grade
from tests.conformance.scorecard import RULES, SCENARIOS, Scorecard
from tests.conformance.stage import Client, Mode
from tests.conformance.synthetic import EVERYTHING, FLAWS, Synthetic

US = EfficientStatus(Loaded)
POLITE, RUDE = Synthetic(), Synthetic(*EVERYTHING)
MODES: tuple[Mode, ...] = ("cron", "watch")
NOT_FOR_WATCH = {"P23"}  # it is about what lies between two runs


def cases(client: Client, *modes: Mode) -> list[tuple[Client, Mode, str]]:
    """A client, a mode and a rule each."""
    return [(client, mode, rule) for mode in modes for rule in RULES]


OURS = cases(US, *MODES)
SYNTHETIC = [(client, mode, rule) for client in (POLITE,) for mode in MODES for rule in RULES]
FLAWED: list[tuple[Client, Mode, str]] = [
    *cases(RUDE, "cron"),
    *((Synthetic(flaw), "cron", rule) for flaw, rule in FLAWS.items()),
]


def named(value: object) -> str:
    """Short names for parameters."""
    return getattr(value, "name", str(value))[:40]


class Cards:
    """Ours, whose processes cost time of the processor, and those that only wait."""

    def __init__(self) -> None:
        self._heavy, self._light = Scorecard(at_once=20), Scorecard(at_once=120)

    def of(self, client: Client) -> Scorecard:
        """Where this client is played."""
        return self._heavy if client is US else self._light

    def grade(self, client: Client, mode: Mode, rule: str) -> Grade:
        """See `Scorecard`."""
        return self.of(client).grade(client, mode, rule)

    def best(self, client: Client, mode: Mode, rule: str) -> Grade:
        """A rule that seems broken is played once more, alone: a crowded machine breaks some."""
        grade = self.grade(client, mode, rule)
        if grade.passed is not False:
            return grade
        alone = Scorecard(at_once=1)
        try:
            return alone.grade(client, mode, rule)
        finally:
            alone.close()

    def close(self) -> None:
        """See `Scorecard`."""
        self._heavy.close()
        self._light.close()


@pytest.fixture(scope="session")
def scorecard(request: pytest.FixtureRequest) -> Iterator[Cards]:
    """Begins to play everything that the chosen tests will ask for."""
    cards = Cards()
    for item in request.session.items:
        if "scorecard" in getattr(item, "fixturenames", ()) and hasattr(item, "callspec"):
            client, mode, rule = (item.callspec.params[name] for name in ("client", "mode", "rule"))
            cards.of(client).begin(client, mode, [rule])
    yield cards
    cards.close()


@pytest.mark.slow
@pytest.mark.parametrize(("client", "mode", "rule"), OURS, ids=named)
def test_this_client_is_polite(scorecard: Cards, client: Client, mode: Mode, rule: str) -> None:
    """Each rule of the scorecard, judged by what a server sees."""
    grade = scorecard.best(client, mode, rule)

    assert grade.passed is not False, f"{rule}, {RULES[rule]}: {grade.evidence}"
    assert (grade.passed is None) == (mode == "watch" and rule in NOT_FOR_WATCH), grade.evidence


@pytest.mark.slow
@pytest.mark.parametrize(("client", "mode", "rule"), SYNTHETIC, ids=named)
def test_graders_are_fair(scorecard: Cards, client: Client, mode: Mode, rule: str) -> None:
    """Another polite client, written from the rules alone, passes too."""
    grade = scorecard.best(client, mode, rule)

    assert grade.passed is not False, f"{rule}, {RULES[rule]}: {grade.evidence}"


@pytest.mark.slow
@pytest.mark.parametrize(("client", "mode", "rule"), FLAWED, ids=named)
def test_graders_are_strict(scorecard: Cards, client: Client, mode: Mode, rule: str) -> None:
    """One flaw fails its rule, a script with all of them fails every rule: no grade is empty."""
    grade = scorecard.grade(client, mode, rule)

    assert grade.passed is False, f"{rule}, {RULES[rule]}: {grade.evidence}"


def test_every_rule_has_one_scenario() -> None:
    """No rule is graded twice, none is left out."""
    graded = [rule for rules in SCENARIOS.values() for rule in rules]

    assert sorted(graded) == sorted(RULES)
    assert set(FLAWS.values()) <= set(RULES)
