"""TOML and command line → frozen settings; every error at once, each with its key.

The tables below are the reference of what the file may say; README shows them, and a test holds
the two together.
"""

from __future__ import annotations

import os
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple

from efficient_status import catalogue
from efficient_status.errors import UsageError
from efficient_status.models import Provider
from efficient_status.outputs import FORMATS
from efficient_status.providers import DIALECTS
from efficient_status.urls import valid_url


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force.

    Attributes:
        interval, host_spacing: seconds; host_spacing None = 1, and 0 on loopback.
        backfill: closed incidents told at first contact; None = all.
        state_dir: None = keep nothing (":memory:").
    """

    providers: tuple[Provider, ...] = ()
    interval: float = 60.0
    host_spacing: float | None = None
    format: str = "text"
    backfill: int | None = 1
    edits: bool = False
    utc: bool = False
    state_dir: Path | None = field(default_factory=lambda: default_state_dir())  # noqa: PLW0108 - defined below
    contact: str = ""
    http2: bool = True


class Key(NamedTuple):
    """What one key of the file may be.

    Attributes:
        expected: in words, for the error.
        valid: whether a TOML value is right.
    """

    expected: str
    valid: Callable[[Any], bool]


def _is_number(value: Any) -> bool:
    most = sys.float_info.max  # whole numbers of TOML know no bounds, and nan is not below any
    return isinstance(value, int | float) and not _is_flag(value) and abs(value) <= most


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_folder(value: Any) -> bool:
    try:
        return _is_text(value) and "\0" not in value and bool(Path(value).expanduser())
    except RuntimeError:  # ~nobody
        return False


def _is_contact(value: Any) -> bool:
    return _is_text(value) and value.isascii() and value.isprintable()


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_feed(value: Any) -> bool:
    return isinstance(value, str) and valid_url(value)


def _is_rules(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(rule, dict)
        and set(rule) == {"keyword", "product"}
        and all(_is_text(text) for text in rule.values())
        for rule in value
    )


KEYS: dict[str, Key] = {
    "interval": Key("a number of seconds > 0", lambda v: _is_number(v) and v > 0),
    "host_spacing": Key("a number of seconds >= 0", lambda v: _is_number(v) and v >= 0),
    "format": Key("«text» or «json»", lambda v: isinstance(v, str) and v in FORMATS),
    "backfill": Key(
        "a whole number >= 0, or «all»",
        lambda v: v == "all" or (isinstance(v, int) and not _is_flag(v) and v >= 0),
    ),
    "edits": Key("true or false", _is_flag),
    "utc": Key("true or false", _is_flag),
    "state_dir": Key("a folder, or «:memory:»", _is_folder),
    "contact": Key("an e-mail address or URL", _is_contact),
    "http2": Key("true or false", _is_flag),
    "feeds": Key(
        "a list of http(s) URLs",
        lambda v: isinstance(v, list) and all(_is_feed(each) for each in v),
    ),
    "providers": Key(
        "a list of catalogue keys and of tables",
        lambda v: isinstance(v, list) and all(isinstance(each, str | dict) for each in v),
    ),
}

PROVIDER_KEYS: dict[str, Key] = {
    "key": Key("a short name without blanks", lambda v: _is_text(v) and not set(v) & set(" \t\n")),
    "name": Key("a display name", _is_text),
    "feed": Key("an http(s) URL", _is_feed),
    "platform": Key(
        " or ".join(f"«{name}»" for name in DIALECTS),
        lambda v: isinstance(v, str) and v in DIALECTS,
    ),
    "product": Key("the product told where no rule matches", _is_text),
    "rules": Key("a list of { keyword = …, product = … }", _is_rules),
    "interval": Key("a number of seconds > 0", lambda v: _is_number(v) and v > 0),
}


def default_state_dir() -> Path:
    """The platform's user state folder."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "efficient-status"
    return _xdg("XDG_STATE_HOME", Path.home() / ".local" / "state") / "efficient-status"


def _xdg(variable: str, default: Path) -> Path:
    """A base directory; a relative one is to be ignored (XDG Base Directory Specification)."""
    base = Path(os.environ.get(variable) or ".")
    return base if base.is_absolute() else default


def default_file() -> Path | None:
    """`$XDG_CONFIG_HOME/efficient-status/config.toml`, where that exists."""
    root = _xdg("XDG_CONFIG_HOME", Path.home() / ".config")
    path = root / "efficient-status" / "config.toml"
    return path if path.is_file() else None


def read_file(path: Path) -> dict[str, Any]:
    """The file's table, every key of it valid.

    Raises:
        UsageError: it cannot be read, or says something else than `KEYS` allow.
    """
    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise UsageError([f"{path}: cannot be read ({error.strerror})"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError([f"{path}: is not TOML ({error})"]) from error
    problems = list(_problems(table))
    if problems:
        raise UsageError([f"{path}: {problem}" for problem in problems])
    return table


def _problems(table: Mapping[str, Any]) -> Iterable[str]:
    yield from _check(table, KEYS, "")
    rows = table.get("providers")
    seen: set[str] = set()
    for number, row in enumerate(rows if isinstance(rows, list) else []):
        place = f"providers[{number}]"
        key = row.get("key") if isinstance(row, dict) else row
        if isinstance(row, dict):
            yield from _check(row, PROVIDER_KEYS, f"{place}.")
            if "key" not in row:
                yield f"{place}.key: is missing; expected {PROVIDER_KEYS['key'].expected}"
        if isinstance(key, str):
            yield from _place(place, key, row, seen)


def _place(place: str, key: str, row: str | dict[str, Any], seen: set[str]) -> Iterable[str]:
    """Whether a row's key is known, or has a feed of its own, and stands only once."""
    if key in seen:
        yield f"{place}: «{key}» stands twice"
    seen.add(key)
    if isinstance(row, str) or "feed" not in row:
        known = catalogue.load()
        if key not in known:
            yield f"{place}: {catalogue.suggestion(key, known)}"


def check_options(options: Mapping[str, Any]) -> list[str]:
    """What is wrong with values of the command line; options are named as the keys are."""
    return [
        f"--{name.replace('_', '-')}: expected {KEYS[name].expected}, got {_shown(value)}"
        for name, value in options.items()
        if not KEYS[name].valid(value)
    ]


def _check(table: Mapping[str, Any], keys: Mapping[str, Key], prefix: str) -> Iterable[str]:
    for name, value in table.items():
        key = keys.get(name)
        if key is None:
            yield f"{prefix}{name}: unknown key; known are {', '.join(keys)}"
        elif not key.valid(value):
            yield f"{prefix}{name}: expected {key.expected}, got {_shown(value)}"


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:59] + "…"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for; None = not said."""

    providers: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    all: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)


def settle(wanted: Wanted, table: Mapping[str, Any]) -> Settings:
    """The command line over the file over the defaults.

    Args:
        table: a file's valid table.

    Raises:
        UsageError: a provider is not known.
    """
    values = {**table, **wanted.overrides}
    settings = Settings(providers=_providers(wanted, table))
    plain: dict[str, Any] = {
        name: values[name]
        for name in ("interval", "host_spacing", "format", "edits", "utc", "contact", "http2")
        if name in values
    }
    if "backfill" in values:
        plain["backfill"] = None if values["backfill"] == "all" else values["backfill"]
    if "state_dir" in values:
        where = values["state_dir"]
        plain["state_dir"] = None if where == ":memory:" else Path(where).expanduser()
    return replace(settings, **plain)


def _providers(wanted: Wanted, table: Mapping[str, Any]) -> tuple[Provider, ...]:
    rows = table.get("providers", [])
    bare = wanted.feeds or table.get("feeds")
    known = catalogue.load() if wanted.all or wanted.providers or rows or not bare else {}
    own = {p.key: p for p in (_row(row, known) for row in rows)}
    chosen: dict[str, Provider] = {}
    if wanted.all:
        chosen.update(known)
    if wanted.providers:
        named = {key: own.get(key) or known.get(key) for key in wanted.providers}
        unknown = [key for key, provider in named.items() if provider is None]
        if unknown:
            raise UsageError([catalogue.suggestion(key, {**known, **own}) for key in unknown])
        chosen.update({key: provider for key, provider in named.items() if provider})
    else:
        chosen.update(own)
        chosen.update({url: catalogue.bare_feed(url) for url in table.get("feeds", [])})
    chosen.update({url: catalogue.bare_feed(url) for url in wanted.feeds})
    if not chosen:
        chosen[catalogue.DEFAULT] = known[catalogue.DEFAULT]
    return tuple(chosen.values())


def _row(row: str | dict[str, Any], known: Mapping[str, Provider]) -> Provider:
    """A row of the file: a catalogue key, one with overrides, or a page of the user's own."""
    if isinstance(row, str):
        return known[row]
    if "feed" in row and row["key"] not in known:
        return catalogue.provider(row["key"], {"name": row["key"], **row})
    base = known[row["key"]]
    return replace(
        base,
        name=row.get("name", base.name),
        feed=row.get("feed", base.feed),
        dialect=row.get("platform", base.dialect),
        product=row.get("product", base.product),
        rules=catalogue.rules(row["rules"]) if "rules" in row else base.rules,
        interval=row.get("interval", base.interval),
    )
