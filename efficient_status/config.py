"""TOML and command line → frozen settings; every error at once, each with its key.

What the file may say is in `keys`.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from efficient_status import catalogue
from efficient_status.errors import UsageError
from efficient_status.filters import from_table
from efficient_status.keys import (
    CATEGORIES,
    KEYS,
    NOTIFY_KEYS,
    PROVIDER_KEYS,
    check,
    is_platform,
    shown,
)
from efficient_status.models import Filters, Happening, Limits, Provider
from efficient_status.urls import bare, host_of, valid_url

if TYPE_CHECKING:
    from efficient_status.notify import Target

__all__ = ["KEYS", "PROVIDER_KEYS", "Settings", "Wanted", "read_file", "settle"]

Row = Mapping[str, Any]
_OF_A_TARGET = ("title", "body", "batch_seconds", "rate", "timeout")  # taken as they are
_OF_A_GROUP = ("group", "interval", "filters")  # what a row without a key may say


@dataclass(frozen=True, slots=True)
class Settings:
    """What is in force.

    Attributes:
        interval, host_spacing: seconds; host_spacing None = 1, and 0 on loopback.
        backfill: closed incidents told at first contact; None = all.
        host_in_flight: requests to one host at the same time.
        connections: hosts whose idle connections are kept.
        max_freshness: seconds that a server's max-age or Expires is honoured at most.
        follow_to_http: whether a redirect may lead from https to http.
        allow_hosts: hosts that may lead to private addresses.
        own_hosts: those of the user's own feeds, which may as well.
        log_format: of the lines on stderr.
        metrics: where Prometheus may ask, [HOST:]PORT; "" = nowhere.
        metrics_file: where they are written to, or None.
        state_dir: None = keep nothing (":memory:").
        filters: those that hold where a provider has no own.
        limits: what an origin may make us do at most.
        notify: where events are delivered, besides stdout.
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
    host_in_flight: int = 2
    connections: int = 512
    max_freshness: float = 3_600.0
    follow_to_http: bool = False
    allow_hosts: tuple[str, ...] = ()
    own_hosts: frozenset[str] = frozenset()
    log_format: str = "text"
    metrics: str = ""
    metrics_file: Path | None = None
    filters: Filters = field(default_factory=Filters)
    limits: Limits = field(default_factory=Limits)
    notify: tuple[Target, ...] = ()


# Settings that are taken as the file or the command line has them.
_PLAIN = (
    "interval",
    "host_spacing",
    "format",
    "edits",
    "utc",
    "contact",
    "http2",
    "host_in_flight",
    "connections",
    "max_freshness",
    "follow_to_http",
    "log_format",
)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the command line asks for.

    Attributes:
        commands: words that may have been meant where a provider is not known.
        otherwise: the keys that are taken where neither the command line nor the file names any.
    """

    providers: tuple[str, ...] = ()
    feeds: tuple[str, ...] = ()
    all: bool = False
    overrides: Mapping[str, Any] = field(default_factory=dict)
    groups: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = (catalogue.DEFAULT,)


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


def read_file(path: Path, reserved: Container[str] = ()) -> dict[str, Any]:
    """The file's table, every key of it valid.

    Args:
        reserved: words that no provider may be named, since they are commands.

    Raises:
        UsageError: it cannot be read, or says something else than `KEYS` allow.
    """
    import tomllib

    try:
        with path.open("rb") as file:
            table = tomllib.load(file)
    except OSError as error:
        raise UsageError([f"{path}: cannot be read ({error.strerror})"]) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise UsageError([f"{path}: is not TOML ({error})"]) from error
    problems = list(_problems(table, reserved))
    if problems:
        raise UsageError([f"{path}: {problem}" for problem in problems])
    return table


def _problems(table: Row, reserved: Container[str]) -> Iterable[str]:
    listed = table.get("providers")
    rows: list[Any] = listed if isinstance(listed, list) else []
    if not all(is_platform(row["platform"]) for row in rows if _has_platform(row)):
        catalogue.plugged()
    yield from check(table, KEYS)
    seen: set[str] = set()
    for number, row in enumerate(rows):
        place = f"providers[{number}]"
        if isinstance(row, dict):
            yield from check(row, PROVIDER_KEYS, f"{place}.")
            yield from _without_key(place, row) if "key" not in row else ()
        key = row.get("key") if isinstance(row, dict) else row
        if isinstance(key, str):
            taken = f"{place}.key: «{key}» is a command; expected another name"
            yield from [taken] if key in reserved else _place(place, key, row, seen)
    yield from _groups(table, rows)
    yield from _targets(table.get("notify"), rows)


def _has_platform(row: Any) -> bool:
    return isinstance(row, dict) and "platform" in row


def _without_key(place: str, row: Row) -> Iterable[str]:
    extra = [name for name in row if name in PROVIDER_KEYS and name not in _OF_A_GROUP]
    if "group" not in row or extra:
        yield f"{place}.key: is missing; expected {PROVIDER_KEYS['key'].expected}"


def _place(place: str, key: str, row: str | dict[str, Any], seen: set[str]) -> Iterable[str]:
    """Whether a row's key is known, or has a feed of its own, and stands only once."""
    own = isinstance(row, dict) and "feed" in row
    found = catalogue.built_in(key) if own else catalogue.find(key)
    name = key if own or not found else found[0]
    if name in seen:
        yield f"{place}: «{key}» stands twice"
    seen.add(name)
    if not own and not found:
        yield f"{place}: {catalogue.suggestion(key)}"


def _targets(listed: Any, rows: list[Any]) -> Iterable[str]:
    """Whether each target has a name of its own, one place, and pages that there are."""
    names: set[str] = set()
    for number, row in enumerate(listed if isinstance(listed, list) else ()):
        if isinstance(row, dict):
            place = f"notify[{number}]"
            wrong = list(check(row, NOTIFY_KEYS, f"{place}."))
            yield from wrong or _target(place, row, rows, names)


def _target(place: str, row: Row, rows: list[Any], names: set[str]) -> Iterable[str]:
    own = {each["key"]: str(each.get("group", "")) for each in rows
           if isinstance(each, dict) and isinstance(each.get("key"), str)}  # fmt: skip
    if "name" not in row:
        yield f"{place}.name: is missing; expected {NOTIFY_KEYS['name'].expected}"
    elif row["name"] in names:
        yield f"{place}: «{row['name']}» stands twice"
    names.add(row.get("name", ""))
    if ("target" in row) == ("exec" in row):
        yield f"{place}: expected either target or exec"
    for name in row.get("groups", ()):
        if name not in (*CATEGORIES, *own.values()):
            yield f"{place}.groups: {unknown_group(name, filter(None, own.values()))}"
    for key in row.get("providers", ()):
        if key not in own and not valid_url(key) and not catalogue.find(key):
            yield f"{place}.providers: {catalogue.suggestion(key, own)}"


def _groups(table: Row, rows: list[Any]) -> Iterable[str]:
    """Whether each group that is asked for has members."""
    asked = {f"providers[{n}].group": row.get("group") for n, row in enumerate(rows)
             if isinstance(row, dict) and "key" not in row}  # fmt: skip
    listed = table.get("groups")
    if isinstance(listed, list):
        asked |= {f"groups[{number}]": name for number, name in enumerate(listed)}
    own = [row["group"] for row in rows if isinstance(row, dict) and {"key", "group"} <= set(row)]
    for place, name in asked.items():
        if isinstance(name, str) and name not in (*CATEGORIES, *own):
            yield f"{place}: {unknown_group(name, own)}"


def unknown_group(name: str, own: Iterable[str] = ()) -> str:
    """What to say of a group that nobody is in."""
    names = [*CATEGORIES, *(str(each) for each in own)]
    near = catalogue.nearest(name, {each: each for each in names})
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(names)}"
    return f"unknown group «{name}»: {hint}"


def check_options(options: Row) -> list[str]:
    """What is wrong with values of the command line; options are named as the keys are."""
    return [
        f"--{name.replace('_', '-')}: expected {KEYS[name].expected}, got {shown(value)}"
        for name, value in options.items()
        if not KEYS[name].valid(value)
    ]


def settle(wanted: Wanted, table: Row) -> Settings:
    """The command line over the file over the defaults.

    Args:
        table: a file's valid table.

    Raises:
        UsageError: a provider or a group is not known.
    """
    values = {**table, **wanted.overrides}
    choice = _Choice(table)
    providers = choice.providers(wanted)
    settings = Settings(
        providers=providers,
        filters=choice.filters,
        allow_hosts=tuple(values.get("allow_hosts", ())),
        own_hosts=frozenset(choice.hosts),
        notify=tuple(choice.target(row, providers) for row in table.get("notify", ())),
    )
    plain: dict[str, Any] = {name: values[name] for name in _PLAIN if name in values}
    if "backfill" in values:
        plain["backfill"] = None if values["backfill"] == "all" else values["backfill"]
    if "limits" in values:
        plain["limits"] = Limits(**values["limits"])
    if "metrics" in values:
        plain["metrics"] = str(values["metrics"])
    if "metrics_file" in values:
        plain["metrics_file"] = Path(values["metrics_file"]).expanduser()
    if "state_dir" in values:
        where = values["state_dir"]
        plain["state_dir"] = None if where == ":memory:" else Path(where).expanduser()
    return replace(settings, **plain)


class _Choice:
    """Which pages are watched: the catalogue, under what the file says of it."""

    def __init__(self, table: Row) -> None:
        self._table = table
        self.filters = from_table(table.get("filters", {}))
        listed = [{"key": r} if isinstance(r, str) else r for r in table.get("providers", [])]
        self._pages = {_name(row): row for row in listed if "key" in row}
        self._own: dict[str, Row] = {}
        self.hosts: set[str] = set()  # of feeds that are not the package's
        for row in listed:
            if "key" not in row:
                for key in self._members(row["group"]):
                    self._own[key] = _over(self._own.get(key, {}), row)
        for key, row in self._pages.items():
            self._own[key] = _over(self._own.get(key, {}), row)

    def _members(self, group: str) -> list[str]:
        own = [key for key, row in self._pages.items() if row.get("group") == group]
        return [*(catalogue.members(group) if group in CATEGORIES else ()), *own]

    def providers(self, wanted: Wanted) -> tuple[Provider, ...]:
        """In order, each once."""
        keys: list[str] = [*catalogue.rows()] if wanted.all else []
        if wanted.providers or wanted.groups:
            keys += self._named(wanted)
        else:
            groups = self._table.get("groups", [])
            keys += [*self._own, *(key for group in groups for key in self._members(group))]
        feeds = [] if wanted.providers or wanted.groups else self._table.get("feeds", [])
        feeds = [*feeds, *wanted.feeds]
        if not keys and not feeds:
            keys = [*wanted.otherwise]
        pages = {key: self._provider(key) for key in dict.fromkeys(keys)}
        self.hosts |= {host_of(url) for url in feeds}
        bare = [catalogue.bare_feed(url, self.filters) for url in feeds]
        return tuple({**pages, **{each.key: each for each in bare}}.values())

    def _named(self, wanted: Wanted) -> list[str]:
        """Those that the command line names.

        Raises:
            UsageError: some are not known; all of them are told.
        """
        named = {word: self._key(word) for word in wanted.providers}
        problems = [
            catalogue.suggestion(word, self._pages, wanted.commands)
            for word, key in named.items()
            if not key
        ]
        groups = {group: self._members(group) for group in wanted.groups}
        own = {row["group"]: "" for row in self._pages.values() if "group" in row}
        problems += [unknown_group(g, own) for g, keys in groups.items() if not keys]
        if problems:
            raise UsageError(problems)
        return [*filter(None, named.values()), *(k for keys in groups.values() for k in keys)]

    def _key(self, word: str) -> str | None:
        if word in self._own:
            return word
        found = catalogue.find(word)
        return found[0] if found else None

    def target(self, row: Row, watched: Iterable[Provider]) -> Target:
        """One `[[notify]]`; of its pages those that are watched."""
        from efficient_status.notify import Target

        pages = {self._key(word) or bare(word) for word in row.get("providers", ())}
        pages |= {key for group in row.get("groups", ()) for key in self._members(group)}
        pages &= {page.key for page in watched}
        target = Target(
            name=row["name"],
            address=row.get("target", ""),
            command=tuple(row.get("exec", ())),
            pages=frozenset(pages) if {"providers", "groups"} & set(row) else None,
            filters=from_table(row.get("filters", {})),
        )
        plain = {name: row[name] for name in _OF_A_TARGET if name in row}
        if "events" in row:
            plain["events"] = frozenset(Happening(each) for each in row["events"])
        return replace(target, **plain)

    def _provider(self, key: str) -> Provider:
        """The catalogue's row under the file's."""
        own = self._own.get(key, {})
        found = catalogue.built_in(key)
        shipped = found is not None and "feed" not in own
        if found is None and "feed" not in own:
            found = catalogue.find(key)
        row = {"name": key, **(found[1] if found and found[0] == key else {}), **own}
        if not shipped:
            self.hosts.add(host_of(row["feed"]))
        if "filters" not in own:
            return catalogue.provider(key, row, self.filters)
        both = {**self._table.get("filters", {}), **own["filters"]}
        return catalogue.provider(key, row, from_table(both))


def _name(row: Row) -> str:
    """A row's key; a vendor's alias is as good, unless the row has a feed of its own."""
    found = None if "feed" in row else catalogue.find(row["key"])
    return found[0] if found else str(row["key"])


def _over(base: Row, row: Row) -> Row:
    """One row over another, filters key by key."""
    filters = {**base.get("filters", {}), **row.get("filters", {})}
    return {**base, **row, **({"filters": filters} if filters else {})}
