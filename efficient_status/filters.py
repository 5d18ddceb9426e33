"""Which events a user wants told.  Pure.

What is filtered out is remembered like what is told, so it never turns up later as new.  A filter
only rejects what a page states: where it names no component or no impact, that is no reason to be
silent.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from efficient_status.models import Filters, Impact, Incident, Kind

_RANK = {Impact.NONE: 0, Impact.MINOR: 1, Impact.MAJOR: 2, Impact.CRITICAL: 3}


def from_table(table: Mapping[str, Any]) -> Filters:
    """A valid table as filters."""
    return Filters(
        components=tuple(table.get("components", ())),
        products=tuple(table.get("products", ())),
        kinds=tuple(Kind(kind) for kind in table.get("kinds", ())),
        min_impact=Impact(table["min_impact"]) if "min_impact" in table else None,
        include_titles=tuple(table.get("include_titles", ())),
        exclude_titles=tuple(table.get("exclude_titles", ())),
    )


def wanted(filters: Filters, incident: Incident, product: str) -> bool:
    """Whether an incident passes every filter.

    Args:
        product: by the vendor's keyword rules.
    """
    return not rejecting(filters, incident, product)


def rejecting(filters: Filters, incident: Incident, product: str) -> str:
    """The first filter that an incident does not pass, as the file calls it, or ""."""
    titles = filters.include_titles
    passed = {
        "kinds": not filters.kinds or incident.kind in filters.kinds,
        "min_impact": _serious(filters.min_impact, incident.impact),
        "products": not filters.products or _named(filters.products, [product]),
        "components": _named(filters.components, incident.components),
        "include_titles": not titles or _found(titles, incident.title),
        "exclude_titles": not _found(filters.exclude_titles, incident.title),
    }
    return next((name for name, holds in passed.items() if not holds), "")


def _serious(least: Impact | None, impact: Impact | None) -> bool:
    """A maintenance has no rank: `kinds` is there for it."""
    return least is None or impact not in _RANK or _RANK[impact] >= _RANK[least]


def _named(patterns: Iterable[str], names: Iterable[str]) -> bool:
    """Whether any name fits any pattern, whatever the case; none of either: nothing to reject."""
    wanted_names, given = list(patterns), list(names)
    return (
        not wanted_names
        or not given
        or any(_fits(pattern, name) for pattern in wanted_names for name in given)
    )


def _fits(pattern: str, name: str) -> bool:
    """Whether a name is a pattern's parts, in order, with anything for each «*».

    Walked over once: as a regular expression, «*a*b*» takes a page's long name to the third power.
    """
    name = name.casefold()
    first, *parts = pattern.casefold().split("*")
    if not parts or not name.startswith(first):
        return name == first
    at = len(first)
    for part in parts[:-1]:
        at = name.find(part, at) + len(part)
        if at < len(part):
            return False
    return name.endswith(parts[-1]) and len(name) - len(parts[-1]) >= at


def _found(patterns: Iterable[str], title: str) -> bool:
    return any(re.search(pattern, title, re.IGNORECASE) for pattern in patterns)
