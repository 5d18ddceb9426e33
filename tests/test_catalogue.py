"""The vendors that ship with the package: every row is held to the rules of a user's own."""

from __future__ import annotations

import tomllib
from collections import Counter
from importlib.resources import files
from typing import Any

import pytest

from efficient_status import catalogue
from efficient_status.config import PROVIDER_KEYS
from efficient_status.poller import product_of
from efficient_status.providers import DIALECTS

ROWS: dict[str, dict[str, Any]] = tomllib.loads(
    files("efficient_status").joinpath("catalogue.toml").read_text("utf-8")
)
each_row = pytest.mark.parametrize("key", ROWS)


@each_row
def test_row_is_valid(key: str) -> None:
    """Each value is one that a configuration may hold, and no key is unknown."""
    row = {"key": key, **ROWS[key]}
    page = row.pop("page", "https://status.example.test")

    assert [name for name in row if name not in PROVIDER_KEYS] == []
    assert [name for name, value in row.items() if not PROVIDER_KEYS[name].valid(value)] == []
    assert page.startswith("https://")


@each_row
def test_row_is_complete(key: str) -> None:
    """Each row has a name and an https feed of a platform that is known."""
    provider = catalogue.load()[key]

    assert provider.key == key == key.lower()
    assert provider.name.strip()
    assert provider.feed.startswith("https://")
    assert provider.dialect is None or provider.dialect in DIALECTS


@each_row
def test_row_rules(key: str) -> None:
    """Each rule has a keyword and a product, and no rule hides behind an earlier one."""
    rules = catalogue.load()[key].rules

    assert all(rule.keyword.strip() and rule.product.strip() for rule in rules)
    for number, rule in enumerate(rules):
        earlier = [each.keyword.casefold() for each in rules[:number]]
        assert not any(keyword in rule.keyword.casefold() for keyword in earlier)


def test_feeds_are_unique() -> None:
    """No page is in the catalogue twice."""
    feeds = Counter(provider.feed.casefold() for provider in catalogue.load().values())

    assert [feed for feed, times in feeds.items() if times > 1] == []


def test_the_default_is_there() -> None:
    """What is watched without a wish is in the catalogue."""
    assert catalogue.load()[catalogue.DEFAULT].name == "OpenAI"


@pytest.mark.parametrize(
    ("title", "product"),
    [
        ("Elevated Error Rate for ChatGPT Conversations", "ChatGPT"),
        ("chatgpt and Codex are slow", "ChatGPT"),
        ("CODEX tasks fail", "Codex"),
        ("Sora image uploads", "Sora"),
        ("Errors in Image generation", "Image API"),
        ("Images of ChatGPT", "ChatGPT"),
        ("Finetuning jobs are stuck", "Finetuning API"),
        ("Fine-Tuning jobs are stuck", "Finetuning API"),
        ("fine tuning jobs are stuck", "Finetuning API"),
        ("Image fine-tuning", "Image API"),
        ("Elevated errors in the Responses API", "OpenAI Platform"),
        ("", "OpenAI Platform"),
    ],
)
def test_products_of_openai(title: str, product: str) -> None:
    """OpenAI's keyword rules are the contract's, in its order."""
    assert product_of(catalogue.load()["openai"], title, "OpenAI") == product


def test_product_falls_back_to_the_name() -> None:
    """Without rules and product, the display name is the product."""
    assert (
        product_of(catalogue.bare_feed("https://status.example.test"), "x", "Example") == "Example"
    )


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("opnai", "unknown provider «opnai»: did you mean openai?"),
        ("OpenAI", "unknown provider «OpenAI»: did you mean openai?"),
        ("gitlub", "unknown provider «gitlub»: did you mean gitlab or github?"),
        ("qqqqqqq", "unknown provider «qqqqqqq»: give its feed with --feed URL"),
        ("", "unknown provider «»: give its feed with --feed URL"),
    ],
)
def test_suggestion(key: str, expected: str) -> None:
    """A key that is not known is answered with the nearest ones, or with a way out."""
    known = dict.fromkeys(["openai", "github", "gitlab"], catalogue.bare_feed("https://a.test"))

    assert catalogue.suggestion(key, known) == expected


def test_bare_feed() -> None:
    """Of a `--feed` its address is known, and serves as key."""
    provider = catalogue.bare_feed("https://status.example.test/x")

    assert (provider.key, provider.feed) == ("https://status.example.test/x",) * 2
    assert (provider.name, provider.dialect, provider.rules) == ("", None, ())
