"""What a configuration may say: the one reference, key by key.

`docs/configuration.md` is written from these tables and `docs/keys.toml`.  A vendor's row of the
catalogue, or of a plugin, is held to `VENDOR_KEYS`.
"""

from __future__ import annotations

import re
import sys
import warnings
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from string import Formatter
from typing import Any, NamedTuple

from efficient_status.models import Happening, Impact, Kind
from efficient_status.outputs import FORMATS
from efficient_status.providers import DIALECTS
from efficient_status.urls import place, valid_url

CATEGORIES: dict[str, str] = {
    "ai": "models, inference, assistants",
    "cdn": "content delivery, images, edge",
    "cloud": "computing, platforms, storage",
    "code": "repositories, packages, builds",
    "commerce": "shops, shipping, tax",
    "comms": "chat, calls, mail, push",
    "crypto": "chains, exchanges, wallets",
    "data": "databases, pipelines, analytics",
    "devtools": "APIs, testing, feature flags",
    "education": "courses, training",
    "enterprise": "ERP, integration, fleets",
    "finance": "banks, books, exchanges",
    "gaming": "games and their platforms",
    "hosting": "web hosting, CMS, domains",
    "hr": "hiring, payroll",
    "identity": "sign-in, secrets, access",
    "iot": "devices and their clouds",
    "marketing": "campaigns, advertising",
    "media": "video, audio, pictures",
    "network": "DNS, VPN, tunnels",
    "observability": "metrics, logs, on-call",
    "payments": "cards, billing, pay-outs",
    "productivity": "documents, projects, office",
    "security": "protection, certificates",
    "social": "networks, communities",
    "support": "customer support, sales, CRM",
    "web": "browsers, search, public sites",
}

LOG_FORMATS = ("text", "json", "logfmt")


class Key(NamedTuple):
    """What one key may be.

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


def _is_word(value: Any) -> bool:
    return _is_text(value) and not set(value) & set(" \t\r\n")


def _is_folder(value: Any) -> bool:
    try:
        return _is_text(value) and "\0" not in value and bool(Path(value).expanduser())
    except RuntimeError:  # ~nobody
        return False


def _is_contact(value: Any) -> bool:
    return _is_text(value) and value.isascii() and value.isprintable()


def _is_flag(value: Any) -> bool:
    return isinstance(value, bool)


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not _is_flag(value) and 1 <= value <= 1_000_000


def _whole(least: int) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, int) and not _is_flag(value) and least <= value <= 2**40


def _is_feed(value: Any) -> bool:
    return isinstance(value, str) and valid_url(value)


def _is_pattern(value: Any) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # «[[» may mean something else one day
            return isinstance(value, str) and bool(re.compile(value))
    except (re.error, RecursionError, OverflowError):
        return False


def is_address(value: Any) -> bool:
    """Whether this looks like a URL of Apprise; only Apprise knows them all."""
    return isinstance(value, str) and bool(re.fullmatch(r"[A-Za-z][A-Za-z0-9+.-]*://\S+", value))


def _is_secret(value: Any) -> bool:
    named = isinstance(value, str) and re.fullmatch(r"(?s)env:\w+|file:[^\0]+", value)
    return bool(named) or is_address(value)


def _is_template(value: Any) -> bool:
    try:
        parts = list(Formatter().parse(value)) if isinstance(value, str) else [("", "", "", "")]
    except ValueError:
        return False
    # Plain names only: no attribute, index, conversion or width of what a page says.
    return all(
        name is None or (name in TEMPLATE_FIELDS and not form and not convert)
        for _, name, form, convert in parts
    )


def _is_rules(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(rule, dict)
        and set(rule) == {"keyword", "product"}
        and all(_is_text(text) for text in rule.values())
        for rule in value
    )


def _list_of(valid: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(valid(each) for each in value)


def _one_of(words: Iterable[str]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, str) and value in words


def _or(words: Iterable[str]) -> str:
    return " or ".join(f"«{word}»" for word in words)


_LEVELS = [impact.value for impact in Impact if impact is not Impact.MAINTENANCE]

FILTER_KEYS: dict[str, Key] = {
    "components": Key("a list of names, * for any text", _list_of(_is_text)),
    "products": Key("a list of names, * for any text", _list_of(_is_text)),
    "kinds": Key(f"a list of {_or(Kind)}", _list_of(_one_of([*Kind]))),
    "min_impact": Key(_or(_LEVELS), _one_of(_LEVELS)),
    "include_titles": Key("a list of regular expressions", _list_of(_is_pattern)),
    "exclude_titles": Key("a list of regular expressions", _list_of(_is_pattern)),
}

# What an origin may make us do at most; `models.Limits` has a field, with its default, for each.
LIMIT_KEYS: dict[str, Key] = {
    "seconds": Key("a number of seconds > 0", lambda v: _is_number(v) and v > 0),
    "connect_seconds": Key("a number of seconds > 0", lambda v: _is_number(v) and v > 0),
    "wire_bytes": Key("a whole number >= 1", _whole(1)),
    "decoded_bytes": Key("a whole number >= 1", _whole(1)),
    "header_bytes": Key("a whole number >= 1", _whole(1)),
    "headers": Key("a whole number >= 1", _whole(1)),
    "redirects": Key("a whole number >= 0", _whole(0)),
    "depth": Key("a whole number >= 1", _whole(1)),
    "items": Key("a whole number >= 1", _whole(1)),
    "text": Key("a whole number >= 1", _whole(1)),
    "tag": Key("a whole number >= 1", _whole(1)),
    "values": Key("a whole number >= 1", _whole(1)),
    "parts": Key("a whole number >= 1", _whole(1)),
}

KEYS: dict[str, Key] = {
    "interval": Key("a number of seconds > 0", lambda v: _is_number(v) and v > 0),
    "host_spacing": Key("a number of seconds >= 0", lambda v: _is_number(v) and v >= 0),
    "format": Key("«text» or «json»", _one_of(FORMATS)),
    "log_format": Key(_or(LOG_FORMATS), _one_of(LOG_FORMATS)),
    "metrics": Key("[HOST:]PORT", lambda v: isinstance(v, str | int) and place(str(v)) is not None),
    "metrics_file": Key("a file", _is_folder),
    "backfill": Key(
        "a whole number >= 0, or «all»",
        lambda v: v == "all" or (isinstance(v, int) and not _is_flag(v) and v >= 0),
    ),
    "edits": Key("true or false", _is_flag),
    "utc": Key("true or false", _is_flag),
    "state_dir": Key("a folder, or «:memory:»", _is_folder),
    "contact": Key("an e-mail address or URL", _is_contact),
    "http2": Key("true or false", _is_flag),
    "host_in_flight": Key("a whole number >= 1", _is_count),
    "connections": Key("a whole number >= 1", _is_count),
    "max_freshness": Key("a number of seconds >= 0", lambda v: _is_number(v) and v >= 0),
    "follow_to_http": Key("true or false", _is_flag),
    "allow_hosts": Key("a list of host names, addresses, networks", _list_of(_is_word)),
    "filters": Key("a table of filters", lambda v: isinstance(v, dict)),
    "limits": Key("a table of limits", lambda v: isinstance(v, dict)),
    "feeds": Key("a list of http(s) URLs", _list_of(_is_feed)),
    "groups": Key("a list of categories and groups", _list_of(_is_word)),
    "notify": Key("a list of tables", _list_of(lambda each: isinstance(each, dict))),
    "providers": Key(
        "a list of catalogue keys and of tables",
        _list_of(lambda each: isinstance(each, str | dict)),
    ),
}

# What a template may name: the keys of JSON Lines, and two that are put together from them.
TEMPLATE_FIELDS = (
    *("event", "provider", "provider_name", "incident", "title", "kind", "state", "impact"),
    *("product", "components", "message", "url", "started_at", "updated_at", "seen_at"),
    *("newest", "affected"),
)
_TEMPLATE = Key(f"text with {{field}}s out of {', '.join(TEMPLATE_FIELDS)}", _is_template)

NOTIFY_KEYS: dict[str, Key] = {
    "name": Key("a short name without blanks", _is_word),
    "target": Key("an Apprise URL, «env:NAME» or «file:PATH»", _is_secret),
    "exec": Key(
        "a list of a program and its arguments",
        lambda v: bool(v) and _list_of(lambda each: isinstance(each, str) and "\0" not in each)(v),
    ),
    "providers": Key("a list of vendors' keys, or URLs of feeds", _list_of(_is_word)),
    "groups": KEYS["groups"],
    "events": Key(f"a list of {_or(Happening)}", _list_of(_one_of([*Happening]))),
    "filters": KEYS["filters"],
    "title": _TEMPLATE,
    "body": _TEMPLATE,
    "batch_seconds": Key("a number of seconds >= 0", lambda v: _is_number(v) and v >= 0),
    "rate": Key("a whole number >= 1", _is_count),
    "timeout": Key("a number of seconds > 0", lambda v: _is_number(v) and v > 0),
}

PROVIDER_KEYS: dict[str, Key] = {
    "key": Key("a short name without blanks", _is_word),
    "group": Key("a category, or a name without blanks", _is_word),
    "name": Key("a display name", _is_text),
    "feed": Key("an http(s) URL", _is_feed),
    "platform": Key("the name of a platform (docs/platforms.md)", lambda v: is_platform(v)),  # noqa: PLW0108 - defined below
    "product": Key("the product told where no rule matches", _is_text),
    "rules": Key("a list of { keyword = …, product = … }", _is_rules),
    "interval": Key("a number of seconds > 0", lambda v: _is_number(v) and v > 0),
    "filters": Key("a table of filters", lambda v: isinstance(v, dict)),
}

VENDOR_KEYS: dict[str, Key] = {
    **{n: PROVIDER_KEYS[n] for n in ("name", "product", "platform", "feed", "rules", "interval")},
    "aliases": Key("a list of names without blanks", _list_of(_is_word)),
    "page": Key("an http(s) URL", _is_feed),
    "categories": Key("a list of categories", _list_of(_one_of(CATEGORIES))),
}


_TABLES = {"filters": FILTER_KEYS, "limits": LIMIT_KEYS}
_SECRET = ("target", "notify")  # values that are in no message


def is_platform(value: Any) -> bool:
    """Whether this names a platform, of a plugin that is loaded included."""
    if not isinstance(value, str):
        return False
    if value in DIALECTS:
        return True
    from efficient_status.providers.platforms_json import JSON_DIALECTS

    return value in JSON_DIALECTS


def check(table: Mapping[str, Any], keys: Mapping[str, Key], prefix: str = "") -> Iterable[str]:
    """What is wrong with a table, one line a key."""
    for name, value in table.items():
        key = keys.get(name)
        if key is None:
            yield f"{prefix}{name}: unknown key; known are {', '.join(keys)}"
        elif not key.valid(value):
            got = "***" if name in _SECRET else shown(value)
            yield f"{prefix}{name}: expected {key.expected}, got {got}"
        elif name in _TABLES:
            yield from check(value, _TABLES[name], f"{prefix}{name}.")


def shown(value: Any) -> str:
    """A value in a message, not without end, nor with what may be a password in a broken URL."""
    text = re.sub("(?s)(?<=//).*@", "***@", repr(value))
    return text if len(text) <= 60 else text[:59] + "…"
