"""What commands that look at the state have in common: which pages, and what is known of them."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from efficient_status import catalogue, options
from efficient_status.commands import COMMANDS
from efficient_status.config import Settings
from efficient_status.errors import UsageError
from efficient_status.models import Filters, Provider
from efficient_status.urls import valid_url


def add_choice(parser: options.Parser) -> None:
    """Add the options that say which pages, and where what is known of them is kept."""
    options.add_pages(parser, default="those of the file, else all that are known")
    options.add_places(parser)


def chosen(asked: argparse.Namespace) -> tuple[Settings, Path]:
    """What is in force, and where the state is; no providers where none is named.

    Raises:
        UsageError: wrong options or configuration, or nothing is kept.
    """
    settings = options.settings(asked, reserved=COMMANDS, otherwise=())
    if settings.state_dir is None:
        raise UsageError(["state_dir: «:memory:» keeps nothing that could be looked at"])
    return settings, settings.state_dir


def with_known(settings: Settings, keys: Iterable[str]) -> Settings:
    """The same settings; where they name no provider, those with these keys."""
    if settings.providers:
        return settings
    found = tuple(_provider(key, settings.filters) for key in sorted(keys))
    return replace(settings, providers=found)


def _provider(key: str, filters: Filters) -> Provider:
    """What is known of a page of which the state has but the key."""
    found = catalogue.find(key)
    if found and found[0] == key:
        return catalogue.provider(*found, filters)
    if valid_url(key):
        return catalogue.bare_feed(key, filters)
    return Provider(key, name="", feed="", filters=filters)  # a row that was removed since
