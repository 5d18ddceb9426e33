"""`list`, `check`, `import-opml`: what they print, and what they say of mistakes."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from efficient_status import catalogue, config, dump, options
from efficient_status.commands import COMMANDS
from efficient_status.config import Settings, Wanted, settle
from efficient_status.models import Provider
from efficient_status.opml import Subscription, read, write
from tests.app import cli, command, environment

URL = "https://status.example.test/feed"


def printed(capsys: pytest.CaptureFixture[str], *words: str, status: int = 0) -> str:
    """What a command prints."""
    capsys.readouterr()
    assert COMMANDS[words[0]](words[1:]) == status
    return capsys.readouterr().out


def keys(text: str) -> list[str]:
    """The first column of what `list` prints to a pipe."""
    return [line.partition("\t")[0] for line in text.splitlines()]


# list


def test_list_shows_every_vendor_with_tabs(capsys: pytest.CaptureFixture[str]) -> None:
    """One line a vendor, seven cells."""
    out = printed(capsys, "list")

    assert keys(out) == list(catalogue.rows())
    assert {line.count("\t") for line in out.splitlines()} == {6}
    assert (
        "anthropic\tAnthropic\tstatuspage\tai\tclaude\thttps://status.claude.com\t"
        "https://status.claude.com/history.atom\n"
    ) in out


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("claude",), {"anthropic"}),  # an alias
        (("HUGGING",), {"huggingface"}),  # a name, whatever its case
        (("githu",), {"github"}),  # a part of a key
        (("identity",), {"okta", "1password", "workos"}),  # a category
        (("google", "productivity"), {"google-workspace"}),  # every word
        (("--group", "ai", "claude"), {"anthropic"}),
    ],
)
def test_list_searches(
    capsys: pytest.CaptureFixture[str], words: tuple[str, ...], some: set[str]
) -> None:
    """Keys, names, aliases and categories."""
    found = keys(printed(capsys, "list", *words))

    assert some <= set(found)
    assert "stripe" not in found


def test_list_group_is_the_category_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    """Where a word would also find names."""
    assert keys(printed(capsys, "list", "--group", "ai")) == catalogue.members("ai")


def test_list_json_is_one_array(capsys: pytest.CaptureFixture[str]) -> None:
    """All that is known of a vendor."""
    [vendor] = json.loads(printed(capsys, "list", "chatgpt", "--json"))

    assert vendor["key"] == "openai"
    assert set(vendor) == {"key", "name", "platform", "categories", "aliases", "page", "feed"}
    assert vendor["categories"] == ["ai"]


def test_list_opml_is_what_readers_and_we_can_read(capsys: pytest.CaptureFixture[str]) -> None:
    """Each vendor is a subscription, and comes back as its key."""
    out = printed(capsys, "list", "--group", "cdn", "--opml")
    rows = [catalogue.rows()[key] for key in catalogue.members("cdn")]

    assert read(out.encode()) == [Subscription(r["name"], r["feed"], r["page"]) for r in rows]


@pytest.mark.parametrize(
    ("word", "said"),
    [
        ("gitub", "nothing matches «gitub»; did you mean github?"),
        ("qqqq", "nothing matches «qqqq»"),
    ],
)
def test_list_that_finds_nothing(tmp_path: Path, word: str, said: str) -> None:
    """Exit 1, as grep has it, and what is near."""
    done = cli(tmp_path, "list", word)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == f"efficient-status: {said}\n"


def test_list_on_a_terminal_is_an_aligned_table(tmp_path: Path) -> None:
    """Columns with heads, no wider than the terminal; a narrow one has the page below."""
    ours, theirs = pty.openpty()
    done = subprocess.run(
        command("list", "--group", "gaming"),
        env=environment(tmp_path, COLUMNS="80", NO_COLOR="1"),
        stdout=theirs,
        check=False,
        timeout=30,
    )
    os.close(theirs)
    lines = os.read(ours, 100_000).decode().splitlines()
    os.close(ours)

    assert done.returncode == 0
    head, *rows = lines
    assert head.split() == ["KEY", "NAME", "CATEGORIES"]
    vendors = [row for row in rows if not row.startswith(" ")]
    assert [row.split()[0] for row in vendors] == catalogue.members("gaming")
    assert all(row[head.index("NAME") - 1] == " " != row[head.index("NAME")] for row in vendors)
    assert sum(row.startswith("  https://") for row in rows) == len(vendors)
    assert max(map(len, lines)) <= 80


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    """`list | head -1`."""
    line = f"set -o pipefail; {' '.join(command('list', '--json'))} | head -c 1 >/dev/null"
    with subprocess.Popen(
        ["bash", "-c", line], env=environment(tmp_path), stderr=subprocess.PIPE
    ) as process:
        assert process.stderr is not None
        assert process.stderr.read() == b""
    assert process.returncode == 0


def test_a_full_disk_is_one_line(tmp_path: Path) -> None:
    """Exit 2, no traceback."""
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            command("list"),
            env=environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
            timeout=30,
        )

    said = b"efficient-status: stdout cannot be written (No space left on device)\n"
    assert (done.returncode, done.stderr) == (2, said)


def test_a_poor_encoding_is_no_error(tmp_path: Path) -> None:
    """What it lacks is shown as escapes."""
    done = cli(
        tmp_path, "check", "--dump", "--config", str(_named(tmp_path)), PYTHONIOENCODING="ascii"
    )

    assert done.returncode == 0
    assert r'name = "Stra\xdfe"' in done.stdout


def _named(folder: Path) -> Path:
    file = folder / "named.toml"
    file.write_text(f'providers = [{{ key = "x", name = "Straße", feed = "{URL}" }}]', "utf-8")
    return file


# check

FULL = f"""
    interval = 30.5
    host_spacing = 0
    format = "json"
    backfill = "all"
    edits = true
    utc = true
    state_dir = ":memory:"
    contact = "ops \\"night\\" <ops@example.test>"
    http2 = false
    feeds = ["https://status.other.test/feed", "{URL}?a=b"]
    groups = ["gaming"]
    filters = {{ min_impact = "minor", kinds = ["incident"], exclude_titles = ['\\btest\\b', "\\""] }}
    limits = {{ seconds = 12.5, items = 7 }}
    [[providers]]
    key = "claude"
    interval = 300
    rules = []
    filters = {{ kinds = [], components = ["API*"] }}
    [[providers]]
    key = "own"
    name = "Öwn \\\\ \\u007f"
    feed = "{URL}"
    platform = "statuspage"
    product = "Thing"
    rules = [{{ keyword = "chat", product = "Chat" }}]
    filters = {{ min_impact = "none", products = ["Chat"], include_titles = ["x"] }}
    [[notify]]
    name = "some"
    target = "env:CHAT_URL"
    groups = ["gaming"]
    providers = ["own", "https://status.other.test/feed"]
    events = ["new"]
    filters = {{ kinds = ["incident"] }}
    body = "{{newest}}\\n«{{affected}}»"
    [[notify]]
    name = "all"
    exec = ["sh", "-c", "cat"]
    rate = 1
"""


def _loaded(folder: Path, text: str, wanted: Wanted = Wanted()) -> Settings:  # noqa: B008 - frozen
    file = folder / "mine.toml"
    file.write_text(text, "utf-8")
    return settle(wanted, config.read_file(file))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("", Wanted()),
        (FULL, Wanted()),
        (FULL, Wanted(("openai", "own"), ("https://status.third.test/",))),
        (FULL, Wanted(all=True, overrides={"interval": 5.0, "state_dir": "/srv/x"})),
        ("groups = ['ai']\nbackfill = 0\nhost_spacing = 1e-3", Wanted()),
    ],
    ids=["defaults", "file", "named", "all", "group"],
)
def test_a_dump_is_read_as_the_same_settings(tmp_path: Path, text: str, wanted: Wanted) -> None:
    """What is in force, whatever it came from."""
    settings = _loaded(tmp_path, text, wanted)
    again = _loaded(tmp_path, dump.toml(settings))

    assert replace(again, own_hosts=settings.own_hosts) == settings  # its rows name their feeds
    assert dump.toml(again) == dump.toml(settings)


def test_a_dump_shows_no_password(tmp_path: Path) -> None:
    """Neither of a row nor of a feed."""
    text = f"""
        feeds = ["https://me:secret@status.example.test/a"]
        providers = [{{ key = "own", feed = "{URL.replace("//", "//me:secret@")}" }}]
        [[notify]]
        name = "a"
        target = "slack://secret/secret/secret"
        [[notify]]
        name = "b"
        exec = ["curl", "https://me:secret@example.test/"]
    """
    out = dump.toml(_loaded(tmp_path, text))

    assert "secret" not in out
    assert 'feeds = ["https://***@status.example.test/a"]' in out
    assert _loaded(tmp_path, out).providers[0].feed == "https://***@status.example.test/feed"


def test_check(tmp_path: Path) -> None:
    """Fine: one line on stderr; the dump on stdout; nothing is asked and no folder made."""
    file = tmp_path / "mine.toml"
    file.write_text('providers = ["openai", "github"]', "utf-8")

    plain = cli(tmp_path, "check", "--config", str(file))
    dumped = cli(tmp_path, "check", "--config", str(file), "--dump", "--interval", "7")

    assert (plain.returncode, plain.stdout) == (0, "")
    assert plain.stderr == "efficient-status: the configuration is right: 2 pages\n"
    assert tomllib.loads(dumped.stdout)["interval"] == 7
    assert list(tmp_path.iterdir()) == [file]


def test_check_says_every_mistake_at_once(tmp_path: Path) -> None:
    """As watching would, with file and key."""
    file = tmp_path / "mine.toml"
    file.write_text('utc = 1\ngroups = ["ia"]\nproviders = ["list", "opnai"]', "utf-8")

    done = cli(tmp_path, "check", "--config", str(file), "--format", "xml")

    assert (done.returncode, done.stdout) == (2, "")
    said = [line.removeprefix("efficient-status: ") for line in done.stderr.splitlines()]
    assert said[0].startswith("--format: ")
    assert [line.removeprefix(f"{file}: ").partition(":")[0] for line in said[1:]] == [
        "utc",
        "providers[0].key",
        "providers[1]",
        "groups[0]",
    ]


# import-opml

SUBSCRIPTIONS = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- a reader's -->
<opml version="1.1"><head><title>Mine</title></head><body>
  <outline text="Folder">
    <outline text="OpenAI" type="rss" xmlUrl="https://status.openai.com/feed.rss"/>
    <outline text="GitHub" XMLURL="HTTPS://WWW.githubstatus.com/history.rss/ " htmlUrl="x"/>
    <outline title="Our &#8220;own&#8221; page" text="no" xmlUrl="{URL}"/>
  </outline>
  <outline text="Our own page" xmlUrl="{URL}?b"/>
  <outline text="OpenAI again" xmlUrl="https://status.openai.com/feed.rss"/>
  <outline text="list" xmlUrl="{URL}?c"/>
  <outline text="github" xmlUrl="{URL}?d"/>
  <outline text="" xmlUrl="{URL}?e"/>
  <outline text="日本" xmlUrl="{URL}?f"/>
  <outline text="Old" xmlUrl="feed://status.example.test/x"/>
  <outline text="A blog of GitHub" xmlUrl="https://www.githubstatus.com/blog.rss"/>
</body></opml>
"""


def test_import_opml(tmp_path: Path) -> None:
    """Vendors as keys, other feeds as own rows, each once; and the snippet is a configuration."""
    file = tmp_path / "mine.opml"
    file.write_text(SUBSCRIPTIONS, "utf-8")

    done = cli(tmp_path, "import-opml", str(file))

    assert done.returncode == 0
    rows = tomllib.loads(done.stdout)["providers"]
    assert [row["key"] for row in rows] == [
        "openai", "github", "our-own-page", "our-own-page-2", "list-2", "github-2",
        "status.example.test", "page", "a-blog-of-github",
    ]  # fmt: skip
    assert [set(row) for row in rows[:2]] == [{"key"}, {"key"}]
    assert rows[2] == {"key": "our-own-page", "name": "Our “own” page", "feed": URL}
    assert done.stderr == (
        "efficient-status: Old: left out, 'feed://status.example.test/x' is no http(s) URL\n"
    )
    assert len(_loaded(tmp_path, done.stdout).providers) == 9


def test_import_opml_from_stdin_and_back(tmp_path: Path) -> None:
    """What `list --opml` writes comes back as the same keys."""
    listed = cli(tmp_path, "list", "--group", "payments", "--opml")
    done = subprocess.run(
        command("import-opml", "-"),
        env=environment(tmp_path),
        input=listed.stdout.encode(),
        capture_output=True,
        check=True,
        timeout=30,
    )

    rows = tomllib.loads(done.stdout.decode())["providers"]
    assert rows == [{"key": key} for key in catalogue.members("payments")]


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (b"", "is not OPML (ParseError"),
        (b"<html/>", "is not OPML (its root is <html>)"),
        (b"<opml>", "is not OPML (ParseError"),
        (b'<!DOCTYPE x [<!ENTITY a "b">]><opml>&a;</opml>', "is not OPML (EntitiesForbidden"),
        (b'<?xml version="1.0" encoding="nonsense"?><opml/>', "is not OPML ("),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_import_opml_of_something_else(tmp_path: Path, document: bytes | None, said: str) -> None:
    """Exit 2 and one line, entities refused."""
    file = tmp_path / "mine.opml"
    if document is not None:
        file.write_bytes(document)

    done = cli(tmp_path, "import-opml", str(file))

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"efficient-status: {file}: {said}")
    assert done.stderr.count("\n") == 1


def test_opml_is_escaped() -> None:
    """Names and addresses with marks of XML."""
    one = Subscription('A & "B" <C>\'s', "https://a.test/?x=1&y=<2>", "")
    assert read(write([one]).encode()) == [one]


# all


@pytest.mark.parametrize("word", COMMANDS)
def test_help_shows_examples(tmp_path: Path, word: str) -> None:
    """Each command explains itself, and every option of it."""
    done = cli(tmp_path, word, "--help")

    assert done.returncode == 0
    assert done.stdout.startswith(f"usage: efficient-status {word} ")
    examples = done.stdout.partition("examples:\n")[2].splitlines()
    assert len(examples) >= 2
    assert all("efficient-status" in line for line in examples)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("list", "--nonsense"), "unrecognized arguments: --nonsense"),
        (("list", "--json", "--opml"), "not allowed with"),
        (("list", "--group", "x"), "--group: expected one of ai, "),
        (("check", "--once"), "unrecognized arguments: --once"),
        (("import-opml",), "the following arguments are required: FILE"),
    ],
)
def test_wrong_usage(tmp_path: Path, words: tuple[str, ...], said: str) -> None:
    """Like that of watching: said, exit 2."""
    done = cli(tmp_path, *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_every_command_is_in_the_help_of_the_program() -> None:
    """So that it is found."""
    text = options.watching().format_help()
    assert [word for word in COMMANDS if f"efficient-status {word}" not in text] == []


def test_a_row_of_the_dump_says_what_a_provider_has() -> None:
    """A field that the dump forgot would be lost."""
    forgotten: dict[str, Any] = {"dialect": "platform"}
    assert {forgotten.get(name, name) for name in Provider.__slots__} == set(
        dump.provider(Provider("k", "n", URL), Provider("k", "n", URL).filters)
    )
