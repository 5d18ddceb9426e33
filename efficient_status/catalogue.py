"""The vendors that ship with the package: rows, read only when one is asked for."""

from __future__ import annotations

import difflib
import functools
import tomllib
from collections.abc import Iterable, Mapping
from importlib.resources import files
from typing import Any

from efficient_status.models import Provider, Rule

DEFAULT = "openai"


@functools.cache
def load() -> Mapping[str, Provider]:
    """Every vendor of the catalogue, by key."""
    text = files("efficient_status").joinpath("catalogue.toml").read_text("utf-8")
    return {key: provider(key, row) for key, row in tomllib.loads(text).items()}


def provider(key: str, row: Mapping[str, Any]) -> Provider:
    """A row, already validated, as a provider."""
    return Provider(
        key=key,
        name=row.get("name", ""),
        feed=row["feed"],
        dialect=row.get("platform"),
        product=row.get("product", ""),
        rules=rules(row.get("rules", ())),
        interval=row.get("interval"),
    )


def rules(rows: Iterable[Mapping[str, str]]) -> tuple[Rule, ...]:
    """Keyword rules, in their order."""
    return tuple(Rule(row["keyword"], row["product"]) for row in rows)


def bare_feed(url: str) -> Provider:
    """A `--feed`: all that is known of it is its address."""
    return Provider(key=url, name="", feed=url)


def suggestion(key: str, known: Mapping[str, Provider]) -> str:
    """What to say of a provider that is not known."""
    near = difflib.get_close_matches(key.lower(), known, n=3, cutoff=0.6)
    hint = f"did you mean {' or '.join(near)}?" if near else "give its feed with --feed URL"
    return f"unknown provider «{key}»: {hint}"
