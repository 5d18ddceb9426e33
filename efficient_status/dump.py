"""Settings → TOML that is read as the same settings.  Passwords in URLs are masked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from efficient_status.config import Settings
from efficient_status.harmless import HARMFUL
from efficient_status.models import Filters, Happening, Provider
from efficient_status.urls import bare, without_credentials

if TYPE_CHECKING:
    from efficient_status.notify import Target


def toml(settings: Settings) -> str:
    """What is in force."""
    feeds = [each for each in settings.providers if each.key == bare(each.feed)]
    table: dict[str, Any] = {
        "interval": settings.interval,
        "host_spacing": settings.host_spacing,
        "format": settings.format,
        "backfill": "all" if settings.backfill is None else settings.backfill,
        "edits": settings.edits,
        "utc": settings.utc,
        "state_dir": ":memory:" if settings.state_dir is None else str(settings.state_dir),
        "contact": settings.contact or None,
        "http2": settings.http2,
        "host_in_flight": settings.host_in_flight,
        "connections": settings.connections,
        "max_freshness": settings.max_freshness,
        "follow_to_http": settings.follow_to_http,
        "log_format": settings.log_format,
        "metrics": settings.metrics or None,
        "metrics_file": None if settings.metrics_file is None else str(settings.metrics_file),
        "allow_hosts": list(settings.allow_hosts) or None,
        "feeds": [without_credentials(each.feed) for each in feeds] or None,
        "filters": filters(settings.filters, Filters()) or None,
    }
    rows = [provider(each, settings.filters) for each in settings.providers if each not in feeds]
    limits = f"\n[limits]\n{lines(asdict(settings.limits))}"
    targets = [f"\n[[notify]]\n{lines(_target(each))}" for each in settings.notify]
    return "".join([lines(table), limits, *targets, *(f"\n{row(each)}" for each in rows)])


def _target(target: Target) -> Mapping[str, Any]:
    """A `[[notify]]`, every field said but what its address keeps secret."""
    from efficient_status.notify import concealed

    return {
        "name": target.name,
        "target": concealed(target.address) if target.address else None,
        "exec": [without_credentials(word) for word in target.command] or None,
        "providers": None if target.pages is None else sorted(target.pages),
        "events": [each for each in Happening if each in target.events],
        "filters": filters(target.filters, Filters()) or None,
        "title": target.title,
        "body": target.body,
        "batch_seconds": target.batch_seconds,
        "rate": target.rate,
        "timeout": target.timeout,
    }


def provider(page: Provider, common: Filters) -> Mapping[str, Any]:
    """A page as a row of the file, every field said."""
    return {
        "key": page.key,
        "name": page.name,
        "feed": without_credentials(page.feed),
        "platform": page.dialect,
        "product": page.product or None,
        "rules": [{"keyword": r.keyword, "product": r.product} for r in page.rules],
        "interval": page.interval,
        "filters": filters(page.filters, common) or None,
    }


def filters(filters: Filters, common: Filters) -> Mapping[str, Any]:
    """What differs from the filters that hold without it."""
    fields = {name: (getattr(filters, name), getattr(common, name)) for name in Filters.__slots__}
    return {
        name: mine if isinstance(mine, str) else list(mine or ())
        for name, (mine, other) in fields.items()
        if mine != other
    }


def row(table: Mapping[str, Any]) -> str:
    """One `[[providers]]`."""
    return f"[[providers]]\n{lines(table)}"


def lines(table: Mapping[str, Any]) -> str:
    """A table's keys, a line each; those that are None are left out."""
    return "".join(f"{key} = {_value(v)}\n" for key, v in table.items() if v is not None)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{key} = {_value(each)}" for key, each in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_value(each) for each in value) + "]"
    if isinstance(value, str):
        # TOML's basic strings are JSON's, but for pairs of surrogates, which it does not know.
        text = json.dumps(str(value), ensure_ascii=False)
        return HARMFUL.sub(lambda found: f"\\U{ord(found[0]):08x}", text)
    return str(value).lower() if isinstance(value, bool) else repr(value)
