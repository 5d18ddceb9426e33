"""The vendors: those that ship with the package, and those that plugins add.

`catalogue.toml` is what people edit; `catalogue.index` says the same, one line a row, and is what
is read: one vendor costs 0.2 ms there, and 13 ms in TOML.  A test holds the two in step;
`python -m efficient_status.catalogue` writes the index anew.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from efficient_status.models import Filters, Provider, Rule
from efficient_status.urls import bare

DEFAULT = "openai"

_HERE = Path(__file__).parent
_NONE = Filters()


@functools.cache
def _index() -> str:
    return "\n" + (_HERE / "catalogue.index").read_text("utf-8")


def _line(word: str) -> str:
    """What the index says behind a word, or ""."""
    start = _index().find(f"\n{word}\t") if word and word.isprintable() else -1
    begin = start + len(word) + 2
    return "" if start < 0 else _index()[begin : _index().index("\n", begin)]


def built_in(word: str) -> tuple[str, Mapping[str, Any]] | None:
    """A vendor that ships with the package, by key or alias: its key and its row."""
    line = _line(word)
    if line.startswith("="):
        word, line = line[1:], _line(line[1:])
    return (word, json.loads(line)) if line else None


def find(word: str) -> tuple[str, Mapping[str, Any]] | None:
    """A vendor by key or alias; plugins are loaded when it is none of the package's."""
    found = built_in(word)
    if found is None and word:
        for key, row in plugged().items():
            if word == key or word in row.get("aliases", ()):
                return key, row
    return found


@functools.cache
def plugged() -> Mapping[str, Mapping[str, Any]]:
    """The rows that plugins add; their dialects are known afterwards, too."""
    from efficient_status import plugins

    return plugins.load(taken=lambda word: bool(_line(word)))


@functools.cache
def rows() -> Mapping[str, Mapping[str, Any]]:
    """Every row, by key, those of plugins last."""
    lines = (line.partition("\t") for line in _index().splitlines())
    own = {key: json.loads(row) for key, _, row in lines if row.startswith("{")}
    return {**own, **plugged()}


@functools.cache
def load() -> Mapping[str, Provider]:
    """Every vendor as a provider, by key."""
    return {key: provider(key, row) for key, row in rows().items()}


def members(category: str) -> list[str]:
    """The keys of a category's vendors."""
    return [key for key, row in rows().items() if category in row.get("categories", ())]


def provider(key: str, row: Mapping[str, Any], filters: Filters = _NONE) -> Provider:
    """A row, already validated, as a provider."""
    return Provider(
        key=key,
        name=row.get("name", ""),
        feed=row["feed"],
        dialect=row.get("platform"),
        product=row.get("product", ""),
        rules=rules(row.get("rules", ())),
        interval=row.get("interval"),
        filters=filters,
    )


def rules(rows: Iterable[Mapping[str, str]]) -> tuple[Rule, ...]:
    """Keyword rules, in their order."""
    return tuple(Rule(row["keyword"], row["product"]) for row in rows)


def bare_feed(url: str, filters: Filters = _NONE) -> Provider:
    """A `--feed`: all that is known of it is its address; no password is in what it is called."""
    return Provider(key=bare(url), name="", feed=url, filters=filters)


def product_of(provider: Provider, title: str, name: str) -> str:
    """The product by the vendor's keyword rules over the title, first match wins."""
    folded = title.casefold()
    for rule in provider.rules:
        if rule.keyword.casefold() in folded:
            return rule.product
    return provider.product or name


def suggestion(word: str, own: Iterable[str] = (), commands: Iterable[str] = ()) -> str:
    """What to say of a provider that is not known.

    Args:
        own: keys that the user's file adds.
        commands: words that may have been meant instead.
    """
    names = near(word, own, commands)
    hint = f"did you mean {' or '.join(names)}?" if names else "give its feed with --feed URL"
    return f"unknown provider «{word}»: {hint}"


def near(word: str, own: Iterable[str] = (), commands: Iterable[str] = ()) -> list[str]:
    """Keys and aliases that look like a word, or whose display name does."""
    names = {}
    for key, row in rows().items():
        names[row["name"].casefold()] = key
        names |= {alias: alias for alias in row.get("aliases", ())}
    names |= {key: key for key in (*rows(), *own)}
    return nearest(word, {**names, **{each: f"the command {each}" for each in commands}})


def nearest(word: str, names: Mapping[str, str]) -> list[str]:
    """What the names most like a word stand for, at most three, all about equally near."""
    import difflib

    folded = word.casefold()
    near = difflib.get_close_matches(folded, names, n=3, cutoff=0.6)
    ratios = [difflib.SequenceMatcher(None, name, folded).ratio() for name in near]
    close = [n for n, ratio in zip(near, ratios, strict=True) if ratio > max(ratios) - 0.05]
    return list(dict.fromkeys(names[name] for name in close))


def compiled(toml: str) -> str:
    """The index of a catalogue: a line a row, and one an alias; as lines, they differ well."""
    import tomllib

    table = tomllib.loads(toml)
    lines = {key: json.dumps(row, ensure_ascii=False) for key, row in table.items()}
    aliases = {alias: f"={key}" for key, row in table.items() for alias in row.get("aliases", ())}
    return "".join(f"{word}\t{line}\n" for word, line in sorted({**aliases, **lines}.items()))


if __name__ == "__main__":
    text = compiled((_HERE / "catalogue.toml").read_text("utf-8"))
    (_HERE / "catalogue.index").write_text(text, "utf-8")
