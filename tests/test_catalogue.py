"""The vendors that ship with the package: every row is held to the rules of a user's own."""

from __future__ import annotations

import csv
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from efficient_status import catalogue
from efficient_status.commands import COMMANDS
from efficient_status.keys import CATEGORIES, PROVIDER_KEYS, VENDOR_KEYS, check, is_platform
from efficient_status.poller import product_of
from efficient_status.urls import valid_url

FOLDER = Path(catalogue.__file__).parent
TEXT = (FOLDER / "catalogue.toml").read_text("utf-8")
ROWS: dict[str, dict[str, Any]] = tomllib.loads(TEXT)
SHARED = FOLDER.parent.parent / "shared" / "catalogue.tsv"


def twice(values: list[str]) -> list[str]:
    """Those that occur more than once."""
    return [value for value, times in Counter(values).items() if times > 1]


def test_rows_are_valid() -> None:
    """Each value is one that a configuration may hold, no key is unknown, no platform either."""
    assert [problem for key, row in ROWS.items() for problem in check(row, VENDOR_KEYS, key)] == []


def test_rows_are_complete() -> None:
    """Each row says all that people look for, and asks over https at a host with a name."""
    needed = {"name", "platform", "page", "feed", "categories"}
    assert {key: needed - set(row) for key, row in ROWS.items() if not needed <= set(row)} == {}
    assert [key for key, row in ROWS.items() if not row["categories"]] == []
    for key, row in ROWS.items():
        for url in (row["feed"], row["page"]):
            parts = urlsplit(url)
            assert valid_url(url), key
            assert parts.scheme == "https", key
            assert "." in (parts.hostname or ""), key
            assert parts.netloc == parts.hostname, f"{key}: credentials, a port, or capitals"


def test_keys_and_aliases_can_be_typed_and_are_nobody_elses() -> None:
    """Lower case, no command's word, each once."""
    words = [word for key, row in ROWS.items() for word in (key, *row.get("aliases", ()))]

    assert twice(words) == []
    assert [word for word in words if word in COMMANDS or word != word.lower()] == []
    assert [word for word in words if not PROVIDER_KEYS["key"].valid(word)] == []
    assert [word for word in words if word.startswith(("-", "="))] == []


def test_the_catalogue_is_large_sorted_and_without_doubles() -> None:
    """More than 400 vendors, in the order of their keys, each feed and name once."""
    assert len(ROWS) >= 400
    assert list(ROWS) == sorted(ROWS)
    assert twice([row["feed"].casefold() for row in ROWS.values()]) == []
    assert twice([row["name"].casefold() for row in ROWS.values()]) == []


def test_every_category_has_vendors() -> None:
    """A category without any would find nothing."""
    assert {name for row in ROWS.values() for name in row["categories"]} == set(CATEGORIES)
    assert all(len(catalogue.members(name)) >= 3 for name in CATEGORIES)


def test_rules_are_all_of_use() -> None:
    """No rule hides behind an earlier one."""
    for key, row in ROWS.items():
        keywords = [rule["keyword"].casefold() for rule in row.get("rules", ())]
        for number, keyword in enumerate(keywords):
            assert not any(each in keyword for each in keywords[:number]), f"{key}: {keyword}"


def test_only_what_somebody_is_sure_of() -> None:
    """Rows of low confidence are left out, all others are in, with their feeds."""
    if not SHARED.exists():
        pytest.skip("no source of the catalogue on this machine")
    with SHARED.open(encoding="utf-8") as file:
        source = {row["key"]: row for row in csv.DictReader(file, delimiter="\t")}
    sure = {key for key, row in source.items() if row["confidence"] in ("high", "medium")}

    assert set(ROWS) & (set(source) - sure) == set()
    assert sure - set(ROWS) == set()
    assert [key for key in sure if ROWS[key]["feed"] != source[key]["feed_url"]] == []


def test_platforms_of_the_rows_are_the_programs() -> None:
    """A row of a platform that has no dialect says «generic»."""
    assert [key for key, row in ROWS.items() if not is_platform(row["platform"])] == []


def test_the_index_says_what_the_catalogue_says() -> None:
    """After a change of catalogue.toml: python -m efficient_status.catalogue."""
    index = (FOLDER / "catalogue.index").read_text("utf-8")

    assert index == catalogue.compiled(TEXT), "run: python -m efficient_status.catalogue"
    assert catalogue.rows() == ROWS
    assert catalogue.load()["github"] == catalogue.provider("github", ROWS["github"])


def test_every_vendor_is_found_by_key_and_alias() -> None:
    """A row is found without reading the others, by whatever it is called."""
    for key, row in ROWS.items():
        for word in (key, *row.get("aliases", ())):
            assert catalogue.built_in(word) == (key, row)


@pytest.mark.parametrize(
    "word", ["", "=openai", "open", "penai", "openai\t", "openai\n", "{", "\n", "OPENAI"]
)
def test_nothing_else_is_found(word: str) -> None:
    """A part of a key, or of the index's own marks, is no key."""
    assert catalogue.built_in(word) is None


def test_the_default_is_there() -> None:
    """What is watched without a wish is in the catalogue."""
    assert catalogue.load()[catalogue.DEFAULT].name == "OpenAI"


@pytest.mark.parametrize(
    ("alias", "key"),
    [
        ("claude", "anthropic"),
        ("gpt", "openai"),
        ("chatgpt", "openai"),
        ("pypi", "python"),
        ("google-cloud", "gcp"),
        ("amazon", "aws"),
        ("jira", "jira-software"),
        ("gmail", "google-workspace"),
        ("whatsapp", "meta-whatsapp"),
        ("upsun", "platformsh"),
    ],
)
def test_aliases(alias: str, key: str) -> None:
    """What people call a vendor."""
    found = catalogue.find(alias)
    assert found is not None
    assert found[0] == key


OPENAI = [
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
]
OTHERS = [
    ("github", "Disruption with Actions", "GitHub Actions"),
    ("github", "Incident with Pages", "GitHub Pages"),
    ("github", "Pages load slowly", "GitHub"),
    ("anthropic", "Elevated errors on Claude Code", "Claude Code"),
    ("anthropic", "Elevated errors on Opus", "Claude"),
    ("python", "PyPI uploads fail", "PyPI"),
    ("azure-devops", "Pipelines are delayed", "Azure Pipelines"),
]


@pytest.mark.parametrize(
    ("key", "title", "product"), [*(("openai", *each) for each in OPENAI), *OTHERS]
)
def test_products(key: str, title: str, product: str) -> None:
    """OpenAI's keyword rules are the contract's, in its order; other vendors name products, too."""
    provider = catalogue.load()[key]
    assert product_of(provider, title, provider.name) == product


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
        ("claud", "unknown provider «claud»: did you mean claude?"),
        ("hugging face", "unknown provider «hugging face»: did you mean huggingface?"),
        ("ownn", "unknown provider «ownn»: did you mean owner?"),
        ("qqqqqqq", "unknown provider «qqqqqqq»: give its feed with --feed URL"),
        ("", "unknown provider «»: give its feed with --feed URL"),
    ],
)
def test_suggestion(key: str, expected: str) -> None:
    """A key that is not known is answered with the nearest ones, or with a way out."""
    assert catalogue.suggestion(key, ["owner"]) == expected


def test_bare_feed() -> None:
    """Of a `--feed` its address is known, and serves as key."""
    provider = catalogue.bare_feed("https://status.example.test/x")

    assert (provider.key, provider.feed) == ("https://status.example.test/x",) * 2
    assert (provider.name, provider.dialect, provider.rules) == ("", None, ())
