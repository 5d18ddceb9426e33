"""Dialects and vendors that other packages add.

An entry point of the group `efficient_status.providers` names a module (or any object) with
`DIALECTS`, as `providers.DIALECTS`, or `VENDORS`, as the rows of `catalogue.toml`, or both.  They
are loaded only when a key or a platform is asked for that the package does not know, or when all
are.  What is wrong with a plugin is one line, and costs nobody else anything.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from efficient_status.harmless import clean, one_line, shorten
from efficient_status.keys import PROVIDER_KEYS, VENDOR_KEYS, check, is_platform
from efficient_status.models import Incident
from efficient_status.providers import DIALECTS, Dialect
from efficient_status.providers.markup import MAX_MESSAGE, web_url

GROUP = "efficient_status.providers"

logger = logging.getLogger(__name__)


def load(taken: Callable[[str], bool]) -> Mapping[str, Mapping[str, Any]]:
    """Load every plugin; its dialects are in `DIALECTS` afterwards.

    Args:
        taken: whether a key or alias is already somebody's.

    Returns:
        Rows by key.
    """
    from importlib.metadata import entry_points

    found: dict[str, Mapping[str, Any]] = {}
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            plugin = entry.load()
            problems = [
                *_add_dialects(getattr(plugin, "DIALECTS", {})),
                *_add_vendors(getattr(plugin, "VENDORS", {}), found, taken),
            ]
        except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, it is not ours
            problems = [f"cannot be loaded ({type(error).__name__}: {error})"]
        for problem in problems:
            logger.warning("plugin %s: %s", entry.name, " ".join(problem.split()))
    return found


def _add_dialects(dialects: Mapping[str, Dialect]) -> Iterable[str]:
    last = DIALECTS.pop("generic")  # it takes whatever nobody else does
    try:
        for name, dialect in dialects.items():
            if is_platform(name):
                yield f"platform «{name}»: the name is taken"
            else:
                DIALECTS[name] = dialect._replace(
                    evidence=_careful(name, dialect.evidence),
                    incident=_one_item(dialect.incident),
                    joins=_or_itself(dialect.joins) if dialect.joins else None,
                )
    finally:
        DIALECTS["generic"] = last


def _careful(name: str, evidence: Callable[..., str | None]) -> Callable[..., str | None]:
    """Every document is shown to it, so its mistakes must not be every page's."""
    said: set[str] = set()

    def careful(*document: Any) -> str | None:
        try:
            return evidence(*document)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is not ours
            problem = f"{type(error).__name__}: {error}"
            if problem not in said:
                said.add(problem)
                logger.warning("platform %s: a bug in its plugin (%s)", name, problem)
            return None

    return careful


def _one_item(incident: Callable[..., Incident]) -> Callable[..., Incident]:
    """An item that cannot be read costs itself: `providers` takes a ValueError for that."""

    @functools.wraps(incident)
    def careful(*item: Any) -> Incident:
        try:
            return _safe(incident(*item))
        except Exception as error:
            raise ValueError(f"{type(error).__name__}: {error}") from error

    return careful


def _safe(incident: Incident) -> Incident:
    """What comes from a feed must never move a cursor, whoever has read it."""
    return replace(
        incident,
        id=one_line(incident.id),
        title=one_line(incident.title),
        components=tuple(sorted({one_line(name) for name in incident.components} - {""})),
        message=shorten(clean(incident.message), MAX_MESSAGE),
        url=web_url(incident.url or ""),
    )


def _or_itself(joins: Callable[[str], str]) -> Callable[[str], str]:
    """Where it fails, an item is an incident of its own."""

    def careful(id_: str) -> str:
        try:
            return joins(id_)
        except Exception:  # noqa: BLE001 - whatever it is, it is not ours
            return id_

    return careful


def _add_vendors(
    rows: Mapping[str, Mapping[str, Any]],
    found: dict[str, Mapping[str, Any]],
    taken: Callable[[str], bool],
) -> Iterable[str]:
    names = {word for key, row in found.items() for word in (key, *row.get("aliases", ()))}
    for key, row in rows.items():
        problems = list(check(row, VENDOR_KEYS, f"{key}."))
        problems += [f"{key}.feed: is missing"] if "feed" not in row else []
        problems += [
            f"vendor «{word}»: the name is taken"
            for word in (key, *row.get("aliases", ()))
            if word in names or taken(word)
        ]
        problems += [] if PROVIDER_KEYS["key"].valid(key) else [f"{key!r} is no key"]
        if not problems:
            found[key] = {"name": key, **row}
            names |= {key, *row.get("aliases", ())}
        yield from problems
