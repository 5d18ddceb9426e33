"""The documents stay true: commands, options, keys and the transcript are those of the code."""

from __future__ import annotations

import re
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

from efficient_status import catalogue, config
from efficient_status.commands import COMMANDS, parser_of
from efficient_status.keys import CATEGORIES, FILTER_KEYS, LIMIT_KEYS, NOTIFY_KEYS
from efficient_status.models import Happening, Impact, Kind, Limits, State
from efficient_status.options import watching
from efficient_status.providers import DIALECTS
from efficient_status.providers.platforms_json import JSON_DIALECTS
from tests.app import start
from tests.feeds import Report, incidentio, minute
from tests.origin import Origin

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
DEVELOPERS = {"test", "fuzz", "bench", "lint", "types"}  # extras that no user needs


def fenced(language: str) -> list[str]:
    """The README's fenced blocks of a language."""
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_options_of_the_readme_are_those_of_the_program() -> None:
    """Every option is documented, and no other is."""
    table = README.partition("### Options")[2].partition("Exit status")[0]
    documented = set(re.findall(r"(?<![\w-])(--?[a-z][a-z-]*)", table))
    known = {option for action in watching()._actions for option in action.option_strings}
    assert documented - {"-h"} == known - {"-h"}


def test_help_names_every_option_and_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` is complete."""
    with pytest.raises(SystemExit) as ended:
        watching().parse_args(["--help"])
    out = capsys.readouterr().out
    assert ended.value.code == 0
    assert "examples:" in out
    for action in watching()._actions:
        assert action.help


def test_the_configuration_example_is_valid_and_shows_every_key(tmp_path: Path) -> None:
    """The TOML of the README is loaded as it stands."""
    (example,) = fenced("toml")
    file = tmp_path / "config.toml"
    file.write_text(example, "utf-8")
    table = config.read_file(file)
    assert set(table) == set(config.KEYS)
    rows: list[Any] = table["providers"]
    keys = {key for row in rows if isinstance(row, dict) for key in row}
    assert keys == set(config.PROVIDER_KEYS)
    assert {key for row in table["notify"] for key in row} == set(NOTIFY_KEYS)
    filters = [table["filters"], *(row.get("filters", {}) for row in rows)]
    assert {name for each in filters for name in each} == set(FILTER_KEYS)
    assert set(table["limits"]) == set(LIMIT_KEYS)
    assert Limits(**table["limits"]) == Limits(), "the example shows the defaults"
    assert len(config.settle(config.Wanted(), table).providers) > 3
    assert tomllib.loads(example) == table


def test_the_json_keys_and_words_of_the_readme_are_those_of_the_code() -> None:
    """Keys in the contract's order; every word that a value may take."""
    table = README.partition("With `--format json`")[2].partition("## Reliability")[0]
    rows = [line for line in table.splitlines() if line.startswith("| `")]
    keys = [key for row in rows for key in re.findall(r"`(\w+)`", row.split("|")[1])]
    assert keys == [
        "event", "provider", "provider_name", "incident", "title", "kind", "state", "impact",
        "product", "components", "message", "url", "started_at", "updated_at", "seen_at",
    ]  # fmt: skip
    for words in (Happening, Kind, State, Impact):
        for word in words:
            assert f"`{word.value}`" in table


def listed(label: str) -> list[str]:
    """The words that a paragraph of the README lists."""
    return re.findall(r"`([\w-]+)`", README.partition(f"\n{label}: ")[2].partition(".")[0])


def test_the_catalogue_of_the_readme_is_the_catalogue() -> None:
    """How many vendors, in which categories, of which platforms."""
    assert f"{len(catalogue.rows())} vendors are in the catalogue" in README
    assert listed("Categories") == list(CATEGORIES)
    assert listed("Platforms") == [*sorted({*DIALECTS, *JSON_DIALECTS} - {"generic"}), "generic"]


def test_the_commands_of_the_readme_are_those_of_the_program() -> None:
    """Each is shown, with words that it understands."""
    shown = re.findall(
        r"^\$ python -m efficient_status (.*?)(?: +#.*|>>.*)?$", README, re.MULTILINE
    )
    lines = [line.split() for line in shown]
    assert {line[0] for line in lines if line[0] in COMMANDS} == set(COMMANDS)
    for line in lines:
        if line[0] in COMMANDS:
            parser_of(line[0]).parse_intermixed_args(line[1:])
        else:
            watching().parse_intermixed_args(line)


def test_the_transcript_is_what_the_program_prints(tmp_path: Path) -> None:
    """Three versions of a page are played to the program; only the interval is shorter."""
    shown = fenced("console")[0]
    one = Report(
        "01EXAMPLE1",
        title="Slow answers in ChatGPT",
        message="We are looking into slow answers.",
        components=("Conversations (Degraded performance)", "Login (Degraded performance)"),
        at=minute(12),
    )
    versions = [
        (one.state, one.message, one.at),
        ("Monitoring", "A fix is live.", minute(31)),
        ("Resolved", "It works again.", minute(58)),
    ]
    with Origin() as origin:
        page = origin.page("/feed.rss")
        file = tmp_path / "config.toml"
        file.write_text(
            f'providers = [{{ key = "openai", feed = "{origin.url("/feed.rss")}" }}]', "utf-8"
        )
        page.serve(_served(one), etag=True)
        process = start(tmp_path, "--interval", "0.05", "--utc", "--config", str(file))
        for state, message, at in versions:
            one.state, one.message, one.at = state, message, at
            page.serve(_served(one), etag=True)
            served = page.count
            deadline = time.monotonic() + 10
            while page.count < served + 3 and time.monotonic() < deadline:
                time.sleep(0.01)
        process.terminate()
        out, err = process.communicate(timeout=10)

    told = err.replace("every 0.05 s", "every 30 s") + out
    assert shown == f"$ python -m efficient_status --interval 30 --utc\n{told}"


def _served(report: Report) -> str:
    return incidentio(report).replace("status.example.test", "status.openai.com")


def test_the_two_commands_are_there() -> None:
    """What a newcomer types first, and what CI runs."""
    commands = fenced("console")[1]
    assert "$ python -m pip install . && python -m efficient_status --interval 30" in commands
    assert "$ python -m pip install tox && python -m tox" in commands


def test_files_that_the_documents_name_exist() -> None:
    """No path in the prose is stale."""
    for document in (
        "README.md",
        "DESIGN.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
        "SECURITY.md",
        "docs/plugins.md",
    ):
        text = (ROOT / document).read_text("utf-8")
        for path in re.findall(r"`((?:efficient_status|tests|fixtures|docs)/[\w./-]+)`", text):
            if "<" not in path:
                assert (ROOT / path).exists(), f"{document} names {path}"


def test_the_dependencies_of_the_design_are_those_of_the_package() -> None:
    """A new one is named with its reason."""
    table = (ROOT / "DESIGN.md").read_text("utf-8").partition("## Dependencies")[2]
    named = set(re.findall(r"^\| ([a-z][\w-]+)", table, re.MULTILINE)) - {"package"}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    of_users = [each for name in extras.keys() - DEVELOPERS for each in extras[name]]
    declared = {re.split(r"[\[><=]", each)[0] for each in (*project["dependencies"], *of_users)}
    assert named == declared
