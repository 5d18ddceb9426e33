"""Numbers as people say them.  Pure."""

from __future__ import annotations


def counted(count: int, thing: str) -> str:
    """«1 page», «12 pages»."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def span(seconds: float) -> str:
    """A length of time for people."""
    if seconds < 120:
        return f"{seconds:.3g} s"
    return f"{seconds / 60:.0f} min" if seconds < 7_200 else f"{seconds / 3_600:.0f} h"
