"""What a judge needs: the verdict, and ways to read a log of requests. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.origin import Request

SLACK = 0.05  # seconds by which two clocks of one machine may differ


@dataclass(frozen=True)
class Grade:
    """The verdict on one rule.

    Attributes:
        passed: None where the rule does not apply to the client in this mode.
        evidence: one short line, with the counts.
    """

    rule: str
    passed: bool | None
    evidence: str


def faults(rule: str, found: Sequence[str], seen: str) -> Grade:
    """Passed if nothing was found; else what was, shortened."""
    if not found:
        return Grade(rule, True, seen)
    more = f" (+{len(found) - 2} more)" if len(found) > 2 else ""
    return Grade(rule, False, "; ".join(found[:2]) + more)


def after_first(requests: Sequence[Request], status: int = 200) -> list[Request]:
    """The requests after the first one that was answered so."""
    for number, request in enumerate(requests):
        if request.status == status:
            return list(requests[number + 1 :])
    return []


def plain(requests: Iterable[Request]) -> int:
    """How many were unconditional."""
    return sum(not request.conditional for request in requests)


def gaps(requests: Iterable[Request]) -> list[float]:
    """Seconds from each request to the next."""
    times = sorted(request.at for request in requests)
    return [later - earlier for earlier, later in pairwise(times)]


def text(value: bytes | None) -> str:
    """A header's value for people."""
    return "nothing" if value is None else value.decode("latin-1")
