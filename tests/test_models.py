"""The nouns."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from efficient_status.models import Incident, Memory, State, Told, fingerprint


@pytest.mark.parametrize(
    ("state", "closed", "label"),
    [
        (State.INVESTIGATING, False, "Investigating"),
        (State.IDENTIFIED, False, "Identified"),
        (State.MONITORING, False, "Monitoring"),
        (State.RESOLVED, True, "Resolved"),
        (State.SCHEDULED, False, "Scheduled"),
        (State.IN_PROGRESS, False, "In progress"),
        (State.VERIFYING, False, "Verifying"),
        (State.COMPLETED, True, "Completed"),
        (State.POSTMORTEM, True, "Postmortem"),
        (State.UNKNOWN, False, "Unknown"),
    ],
)
def test_states(state: State, closed: bool, label: str) -> None:
    """Each state knows whether it is an end, and its word on a page."""
    assert (state.closed, state.label) == (closed, label)


def test_every_state_is_in_the_table() -> None:
    """The contract's states are all there are."""
    assert {state.value for state in State} == set(
        "investigating identified monitoring resolved scheduled in_progress verifying completed"
        " postmortem unknown".split()
    )


@pytest.mark.parametrize(
    ("one", "other"),
    [(("ab", "c"), ("a", "bc")), (("a", "b"), ("b", "a")), (("a",), ("a", "")), (("",), ("", ""))],
)
def test_fingerprint_tells_apart(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    """A fingerprint is of the parts, their order and their boundaries."""
    assert fingerprint(*one) != fingerprint(*other)


def test_fingerprint_is_stable() -> None:
    """A fingerprint is the same 12 bytes in every run: it is kept on disk."""
    assert fingerprint("a", "é").hex() == "26b3cdfd795350e6ff8c551b"
    assert len(fingerprint()) == 12


def test_fingerprint_of_any_text() -> None:
    """Even a lone surrogate has a fingerprint."""
    assert len(fingerprint("\ud800")) == 12


def test_memory() -> None:
    """A page is met once its dialect is known; its marks are those of all its incidents."""
    told = Told(State.RESOLVED, b"w", b"l", marks=(b"1", b"2"))
    memory = Memory(told={"a": told, "b": Told(State.RESOLVED, b"w", b"l", marks=(b"3",))})

    assert (Memory().met, memory.met, Memory(dialect="generic-rss").met) == (False, False, True)
    assert memory.marks() == {b"1", b"2", b"3"}


def test_nouns_are_frozen() -> None:
    """What was read is never changed in place."""
    with pytest.raises(FrozenInstanceError):
        Incident("a", "b").title = "c"  # type: ignore[misc]  # the point
