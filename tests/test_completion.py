"""Completions: what fits, and that three shells show it."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from efficient_status import catalogue, options
from efficient_status.commands import COMMANDS, parser_of
from efficient_status.commands.completion import FILES, FOLDERS, fitting
from efficient_status.keys import CATEGORIES
from tests.app import environment

ALIASES = {alias for row in catalogue.rows().values() for alias in row.get("aliases", ())}


def words(line: str) -> list[str]:
    """What the last word of a line may become."""
    return [word for word, _ in fitting(line.split(" "))]


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_option_of_every_command_is_completed(command: str) -> None:
    """Read off the parsers, each with its help."""
    parser = parser_of(command) if command else options.watching()
    expected = {n: a.help for a in parser.actions for n in a.option_strings if n[:2] == "--"}

    assert dict(fitting([*([command] if command else []), "--"])) == expected


def test_the_first_word_is_a_command_or_a_vendor() -> None:
    """Later ones are vendors; both come with what they are."""
    found = dict(fitting([""]))

    assert set(found) == {*COMMANDS, *catalogue.rows(), *ALIASES}
    assert found["github"] == "GitHub"
    assert found["check"].startswith("Check the configuration")
    assert set(words("github ")) == {*catalogue.rows(), *ALIASES}


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("githu", ["github"]),
        ("openai claud", ["claude"]),  # an alias
        ("--format ", ["json", "text"]),
        ("--format=j", ["--format=json"]),
        ("--format = j", ["json"]),  # as bash splits it
        ("github --format j", ["json"]),
        ("--backfill ", ["all"]),
        ("--interval ", []),
        ("--interval 5 --inter", []),  # given
        ("--feed=http://a.test --fee", ["--feed"]),  # may be repeated
        ("--config ", [FILES]),
        ("--config=", [FILES]),
        ("--state-dir ", [FOLDERS]),
        ("import-opml ", [FILES]),
        ("import-opml file ", []),
        ("list --group clou", ["cloud"]),
        ("completion ", ["bash", "fish", "zsh"]),
        ("demo --u", ["--utc"]),
        ("demo --once", []),
    ],
)
def test_what_fits(line: str, expected: list[str]) -> None:
    """Options, their values, vendors, files."""
    assert words(line) == expected


def test_values_of_groups_are_the_categories() -> None:
    """With what they hold."""
    assert dict(fitting(["--group", ""])) == CATEGORIES


def test_the_rows_of_the_file_are_completed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Keys and groups of the default file, or of the one that the line names; mistakes are silent."""
    mine = tmp_path / "efficient-status" / "config.toml"
    mine.parent.mkdir()
    row = '[[providers]]\nkey = "{}"\nname = "Ours"\ngroup = "own"\nfeed = "http://a.test"\n'
    mine.write_text(row.format("zz-intern"))
    other = tmp_path / "other.toml"
    other.write_text(row.format("zz-other"))
    wrong = tmp_path / "wrong.toml"
    wrong.write_text("[[")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))

    assert fitting(["zz"]) == [("zz-intern", "Ours")]
    assert words("--group ow") == ["own"]
    assert words(f"--config {other} zz") == ["zz-other"]
    assert words(f"check --config={other} zz") == ["zz-other"]
    assert words(f"--config {wrong} githu") == ["github"]
    assert words(f"--config {tmp_path / 'none'} zz") == []


def shell(name: str, script: str, folder: Path) -> list[str]:
    """The lines that a shell prints; skipped where it is missing."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"no {name} here")
    bin_ = Path(sys.executable).parent
    done = subprocess.run(
        [path, *{"bash": ["--norc"], "zsh": ["-f"], "fish": ["--no-config"]}[name], "-c", script],
        env=environment(folder, PATH=f"{bin_}{os.pathsep}{os.environ['PATH']}", HOME=str(folder)),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_bash(tmp_path: Path) -> None:
    """The script as it is printed, sourced and asked."""
    (tmp_path / "one.toml").touch()
    (tmp_path / "a folder").mkdir()
    lines = ["--format = j", "--config o", "--state-dir ="]
    asked = "\n".join(
        f"COMP_WORDS=(efficient-status {' '.join(shlex.quote(w) for w in line.split(' '))})\n"
        "COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _efficient_status efficient-status\n"
        "printf '<%s>' \"${COMPREPLY[@]}\"; echo"
        for line in lines
    )
    found = shell("bash", f"source <(efficient-status completion bash)\n{asked}", tmp_path)

    assert found == ["<json>", "<one.toml>", "<a folder>"]


def test_zsh(tmp_path: Path) -> None:
    """The same; zsh's own functions only tell what they are given."""
    script = """
        compdef() { :; }
        _describe() { print -r -- $1: ${(P)2}; }
        _files() { print -r -- files $*; }
        compset() { :; }
        source <(efficient-status completion zsh)
        ask() { words=(efficient-status "$@"); CURRENT=$#words; _efficient-status; }
        ask list --group clou; ask --format=j; ask --config ''; ask --state-dir ''; ask --nothing
        ask demo --u; true
    """
    assert shell("zsh", script, tmp_path) == [
        "efficient-status: cloud:computing, platforms, storage",
        "efficient-status: --format=json:",
        "files",
        "files -/",
        "efficient-status: --utc:times in UTC instead of local time",
    ]


def test_fish(tmp_path: Path) -> None:
    """Fish is asked as when Tab is pressed."""
    (tmp_path / "one.toml").touch()
    script = """
        efficient-status completion fish | source
        for line in 'list --group clou' '--format=j' '--config on' 'demo --u'
            complete -C "efficient-status $line"
        end
    """
    assert shell("fish", script, tmp_path) == [
        "cloud\tcomputing, platforms, storage",
        "--format=json",
        "one.toml",
        "--utc\ttimes in UTC instead of local time",
    ]
