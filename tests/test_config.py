"""Every key of the file and every way in which it can be wrong; who wins over whom."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from efficient_status import catalogue, config
from efficient_status.config import KEYS, PROVIDER_KEYS, Settings, Wanted, settle
from efficient_status.errors import UsageError
from efficient_status.keys import (
    CATEGORIES,
    FILTER_KEYS,
    LIMIT_KEYS,
    NOTIFY_KEYS,
    TEMPLATE_FIELDS,
)
from efficient_status.models import Filters, Happening, Impact, Kind, Limits, Provider, Rule
from efficient_status.notify import Target
from efficient_status.urls import host_of

URL = "https://status.example.test/feed"
OTHER = "https://status.other.test/feed"


def written(folder: Path, text: str | bytes) -> Path:
    """A file that says this."""
    path = folder / "config.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def problems(folder: Path, text: str | bytes) -> list[str]:
    """What is wrong with a file that says this, without its name."""
    path = written(folder, text)
    with pytest.raises(UsageError) as caught:
        config.read_file(path, reserved={"list"})
    assert all(line.startswith(f"{path}: ") for line in caught.value.problems)
    return [line.removeprefix(f"{path}: ") for line in caught.value.problems]


SECONDS = "expected a number of seconds > 0"
SPACING = "expected a number of seconds >= 0"
FORMAT = "expected «text» or «json»"
LOGS = "expected «text» or «json» or «logfmt»"
BACKFILL = "expected a whole number >= 0, or «all»"
FLAG = "expected true or false"
FOLDER = "expected a folder, or «:memory:»"
CONTACT = "expected an e-mail address or URL"
FEEDS = "expected a list of http(s) URLs"
PROVIDERS = "expected a list of catalogue keys and of tables"
GROUPS = "expected a list of categories and groups"
NAMES = "expected a list of names, * for any text"
TITLES = "expected a list of regular expressions"
KINDS = "expected a list of «incident» or «maintenance»"
WHOLE = "expected a whole number >= 1"
LEVELS = "expected «none» or «minor» or «major» or «critical»"

HINT = f"known are {', '.join(CATEGORIES)}"

BAD: list[tuple[str, str | list[str]]] = [
    ("interval = 0", f"interval: {SECONDS}, got 0"),
    ("interval = -1.5", f"interval: {SECONDS}, got -1.5"),
    ("interval = '60'", f"interval: {SECONDS}, got '60'"),
    ("interval = true", f"interval: {SECONDS}, got True"),
    ("interval = nan", f"interval: {SECONDS}, got nan"),
    ("interval = inf", f"interval: {SECONDS}, got inf"),
    (f"interval = 1{'0' * 400}", f"interval: {SECONDS}, got 1{'0' * 58}…"),
    ("host_spacing = -1", f"host_spacing: {SPACING}, got -1"),
    ("host_spacing = nan", f"host_spacing: {SPACING}, got nan"),
    ("host_spacing = false", f"host_spacing: {SPACING}, got False"),
    ("format = 'xml'", f"format: {FORMAT}, got 'xml'"),
    ("format = ['text']", f"format: {FORMAT}, got ['text']"),
    ("backfill = -1", f"backfill: {BACKFILL}, got -1"),
    ("backfill = 1.0", f"backfill: {BACKFILL}, got 1.0"),
    ("backfill = true", f"backfill: {BACKFILL}, got True"),
    ("backfill = 'some'", f"backfill: {BACKFILL}, got 'some'"),
    ("edits = 1", f"edits: {FLAG}, got 1"),
    ("utc = 'yes'", f"utc: {FLAG}, got 'yes'"),
    ("log_format = 'xml'", f"log_format: {LOGS}, got 'xml'"),
    ("metrics = 65536", "metrics: expected [HOST:]PORT, got 65536"),
    ("metrics = true", "metrics: expected [HOST:]PORT, got True"),
    ("metrics = ':9797'", "metrics: expected [HOST:]PORT, got ':9797'"),
    ("metrics = '::1:9797'", "metrics: expected [HOST:]PORT, got '::1:9797'"),
    ("metrics = 'localhost'", "metrics: expected [HOST:]PORT, got 'localhost'"),
    ("metrics_file = ''", "metrics_file: expected a file, got ''"),
    ("http2 = 0", f"http2: {FLAG}, got 0"),
    ("host_in_flight = 0", "host_in_flight: expected a whole number >= 1, got 0"),
    ("connections = 2.5", "connections: expected a whole number >= 1, got 2.5"),
    ("connections = true", "connections: expected a whole number >= 1, got True"),
    ("max_freshness = -1", "max_freshness: expected a number of seconds >= 0, got -1"),
    (
        "allow_hosts = 'a'",
        "allow_hosts: expected a list of host names, addresses, networks, got 'a'",
    ),
    ("follow_to_http = 1", f"follow_to_http: {FLAG}, got 1"),
    ("state_dir = ''", f"state_dir: {FOLDER}, got ''"),
    ("state_dir = 5", f"state_dir: {FOLDER}, got 5"),
    ("state_dir = '~no-such-user/x'", f"state_dir: {FOLDER}, got '~no-such-user/x'"),
    ('state_dir = "a\\u0000b"', f"state_dir: {FOLDER}, got 'a\\x00b'"),
    ("contact = ' '", f"contact: {CONTACT}, got ' '"),
    ('contact = "a\\nb"', f"contact: {CONTACT}, got 'a\\nb'"),
    ("contact = 'ä@example.test'", f"contact: {CONTACT}, got 'ä@example.test'"),
    ("feeds = 'x'", f"feeds: {FEEDS}, got 'x'"),
    ("feeds = ['ftp://a.test']", f"feeds: {FEEDS}, got ['ftp://a.test']"),
    ("feeds = [1]", f"feeds: {FEEDS}, got [1]"),
    ("providers = 'openai'", f"providers: {PROVIDERS}, got 'openai'"),
    ("providers = [5]", f"providers: {PROVIDERS}, got [5]"),
    ("providers = {}", f"providers: {PROVIDERS}, got {{}}"),
    ("filters = []", "filters: expected a table of filters, got []"),
    ("filters.components = 'x'", f"filters.components: {NAMES}, got 'x'"),
    ("filters.products = ['']", f"filters.products: {NAMES}, got ['']"),
    ("filters.kinds = ['outage']", f"filters.kinds: {KINDS}, got ['outage']"),
    ("filters.min_impact = 'maintenance'", f"filters.min_impact: {LEVELS}, got 'maintenance'"),
    ("filters.min_impact = 2", f"filters.min_impact: {LEVELS}, got 2"),
    ("filters.include_titles = ['(']", f"filters.include_titles: {TITLES}, got ['(']"),
    ("filters.exclude_titles = [5]", f"filters.exclude_titles: {TITLES}, got [5]"),
    ("filters.x = 5", f"filters.x: unknown key; known are {', '.join(FILTER_KEYS)}"),
    ("limits = 5", "limits: expected a table of limits, got 5"),
    ("limits.seconds = 0", f"limits.seconds: {SECONDS}, got 0"),
    ("limits.connect_seconds = '5'", f"limits.connect_seconds: {SECONDS}, got '5'"),
    ("limits.wire_bytes = 0", f"limits.wire_bytes: {WHOLE}, got 0"),
    ("limits.wire_bytes = 2e6", f"limits.wire_bytes: {WHOLE}, got 2000000.0"),
    (f"limits.decoded_bytes = {2**41}", f"limits.decoded_bytes: {WHOLE}, got {2**41}"),
    ("limits.header_bytes = 0", f"limits.header_bytes: {WHOLE}, got 0"),
    ("limits.headers = '9'", f"limits.headers: {WHOLE}, got '9'"),
    ("limits.redirects = -1", "limits.redirects: expected a whole number >= 0, got -1"),
    ("limits.depth = true", f"limits.depth: {WHOLE}, got True"),
    ("limits.items = 0", f"limits.items: {WHOLE}, got 0"),
    ("limits.text = 0", f"limits.text: {WHOLE}, got 0"),
    ("limits.tag = 0", f"limits.tag: {WHOLE}, got 0"),
    ("limits.values = 1.5", f"limits.values: {WHOLE}, got 1.5"),
    ("limits.parts = '9'", f"limits.parts: {WHOLE}, got '9'"),
    ("limits.x = 5", f"limits.x: unknown key; known are {', '.join(LIMIT_KEYS)}"),
    ("notify = 'json://token'", "notify: expected a list of tables, got ***"),
    ("groups = 'ai'", f"groups: {GROUPS}, got 'ai'"),
    (
        "groups = ['a b']",
        [f"groups: {GROUPS}, got ['a b']", f"groups[0]: unknown group «a b»: {HINT}"],
    ),
    ("groups = ['cluod']", "groups[0]: unknown group «cluod»: did you mean cloud?"),
    ("groups = ['ai', 'qqqq']", f"groups[1]: unknown group «qqqq»: {HINT}"),
    ("[[providers]]\ngroup = 'x-x'", f"providers[0].group: unknown group «x-x»: {HINT}"),
    (
        "providers = ['claude', 'anthropic']",
        "providers[1]: «anthropic» stands twice",
    ),
    ("providers = ['list']", "providers[0].key: «list» is a command; expected another name"),
    ("interval_ = 5", f"interval_: unknown key; known are {', '.join(KEYS)}"),
    (
        "providers = ['opnai']",
        "providers[0]: unknown provider «opnai»: did you mean openai?",
    ),
    (
        "providers = [{ key = 'opnai', interval = 5 }]",
        "providers[0]: unknown provider «opnai»: did you mean openai?",
    ),
    ("providers = ['openai', 'github', 'openai']", "providers[2]: «openai» stands twice"),
    (
        f"providers = ['openai', {{ key = 'openai', feed = '{URL}' }}]",
        "providers[1]: «openai» stands twice",
    ),
]


@pytest.mark.parametrize(("text", "problem"), BAD, ids=[text for text, _ in BAD])
def test_bad_value(tmp_path: Path, text: str, problem: str | list[str]) -> None:
    """A wrong value is told with its key, what was expected and what was found."""
    assert problems(tmp_path, text) == ([problem] if isinstance(problem, str) else problem)


RULES = "expected a list of { keyword = …, product = … }"
NUMBER = "expected a number of seconds > 0"
NAME = "expected a short name without blanks"
PLATFORM = f"expected {PROVIDER_KEYS['platform'].expected}"
BAD_ROWS = [
    ("key = 'a b'", f"key: {NAME}, got 'a b'"),
    ("key = ''", f"key: {NAME}, got ''"),
    ("key = 5", f"key: {NAME}, got 5"),
    ("group = 'a b'", "group: expected a category, or a name without blanks, got 'a b'"),
    ("filters = 5", "filters: expected a table of filters, got 5"),
    ("filters = { kinds = 5 }", f"filters.kinds: {KINDS}, got 5"),
    ("name = ''", "name: expected a display name, got ''"),
    ("feed = 'example.test'", "feed: expected an http(s) URL, got 'example.test'"),
    ("feed = 5", "feed: expected an http(s) URL, got 5"),
    ("platform = 'catchet'", f"platform: {PLATFORM}, got 'catchet'"),
    ("platform = []", f"platform: {PLATFORM}, got []"),
    ("product = false", "product: expected the product told where no rule matches, got False"),
    ("rules = 'x'", f"rules: {RULES}, got 'x'"),
    ("rules = ['x']", f"rules: {RULES}, got ['x']"),
    ("rules = [{ keyword = 'x' }]", f"rules: {RULES}, got [{{'keyword': 'x'}}]"),
    (
        "rules = [{ keyword = 'x', product = 5 }]",
        f"rules: {RULES}, got [{{'keyword': 'x', 'product': 5}}]",
    ),
    (
        "rules = [{ keyword = '', product = 'X' }]",
        f"rules: {RULES}, got [{{'keyword': '', 'product': 'X'}}]",
    ),
    ("interval = 0", f"interval: {NUMBER}, got 0"),
    ("interval = inf", f"interval: {NUMBER}, got inf"),
    ("interval = true", f"interval: {NUMBER}, got True"),
    ("url = 'x'", f"url: unknown key; known are {', '.join(PROVIDER_KEYS)}"),
]


@pytest.mark.parametrize(("line", "problem"), BAD_ROWS, ids=[line for line, _ in BAD_ROWS])
def test_bad_row(tmp_path: Path, line: str, problem: str) -> None:
    """A wrong value of a provider's table is told with the table's number and its key."""
    name = line.partition(" ")[0]
    rest = {"key": "key = 'own'", "feed": f"feed = '{URL}'"}
    rest.pop(name, None)
    row = "\n".join(["[[providers]]", line, *rest.values()])

    assert problems(tmp_path, row) == [f"providers[0].{problem}"]


TEMPLATE = f"expected text with {{field}}s out of {', '.join(TEMPLATE_FIELDS)}"
ADDRESS = "expected an Apprise URL, «env:NAME» or «file:PATH»"
BAD_TARGETS = [
    ("name = 'a b'", f".name: {NAME}, got 'a b'"),
    ("target = 'slack//token'", f".target: {ADDRESS}, got ***"),
    ("target = 'env:'", f".target: {ADDRESS}, got ***"),
    ("exec = 'true'", ".exec: expected a list of a program and its arguments, got 'true'"),
    ("exec = []", ".exec: expected a list of a program and its arguments, got []"),
    ("providers = 'openai'", ".providers: expected a list of vendors' keys, or URLs of feeds, got 'openai'"),
    ("providers = ['opnai']", ".providers: unknown provider «opnai»: did you mean openai?"),
    ("groups = 5", f".groups: {GROUPS}, got 5"),
    ("groups = ['cluod']", ".groups: unknown group «cluod»: did you mean cloud?"),
    ("events = ['old']", ".events: expected a list of «new» or «update» or «resolved» or «edit», got ['old']"),
    ("filters = { kinds = 5 }", f".filters.kinds: {KINDS}, got 5"),
    ("title = '{what}'", f".title: {TEMPLATE}, got '{{what}}'"),
    ("title = '{'", f".title: {TEMPLATE}, got '{{'"),
    ("title = 5", f".title: {TEMPLATE}, got 5"),
    ("body = '{title.__class__}'", f".body: {TEMPLATE}, got '{{title.__class__}}'"),
    ("body = '{title[0]}'", f".body: {TEMPLATE}, got '{{title[0]}}'"),
    ("body = '{title!r}'", f".body: {TEMPLATE}, got '{{title!r}}'"),
    ("body = '{title:>999999999}'", f".body: {TEMPLATE}, got '{{title:>999999999}}'"),
    ("body = '{}'", f".body: {TEMPLATE}, got '{{}}'"),
    ("batch_seconds = -1", f".batch_seconds: {SPACING}, got -1"),
    ("rate = 0", f".rate: {WHOLE}, got 0"),
    ("timeout = 0", f".timeout: {NUMBER}, got 0"),
    ("url = 5", f".url: unknown key; known are {', '.join(NOTIFY_KEYS)}"),
    ("target = 'json://a'", ": expected either target or exec"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "problem"), BAD_TARGETS, ids=[line for line, _ in BAD_TARGETS])
def test_bad_target(tmp_path: Path, line: str, problem: str) -> None:
    """A wrong value of a notification's table is told with its number and key, secrets apart."""
    rest = {"name": "name = 'ops'", "exec": "exec = ['true']"}
    rest.pop(line.partition(" ")[0], None)

    assert problems(tmp_path, "\n".join(["[[notify]]", line, *rest.values()])) == [
        f"notify[0]{problem}"
    ]


def test_a_target_needs_a_name_of_its_own(tmp_path: Path) -> None:
    """It is what stands in the outbox."""
    assert problems(tmp_path, "[[notify]]\nexec = ['true']") == [
        f"notify[0].name: is missing; {NAME}"
    ]
    one = "[[notify]]\nname = 'a'\nexec = ['true']\n"
    assert problems(tmp_path, one + one) == ["notify[1]: «a» stands twice"]


def test_every_key_has_a_bad_value() -> None:
    """The two tables above know every key."""
    told = [problem if isinstance(problem, str) else problem[0] for _, problem in BAD]
    assert set(KEYS) <= {problem.partition(":")[0].partition("[")[0] for problem in told}
    assert {f"filters.{name}" for name in FILTER_KEYS} <= {p.partition(":")[0] for p in told}
    assert {f"limits.{name}" for name in LIMIT_KEYS} <= {p.partition(":")[0] for p in told}
    assert set(PROVIDER_KEYS) <= {problem.partition(":")[0] for _, problem in BAD_ROWS}
    targets = {problem.partition(":")[0].split(".")[1] for _, problem in BAD_TARGETS[:-1]}
    assert set(NOTIFY_KEYS) <= targets


def test_a_row_without_a_key(tmp_path: Path) -> None:
    """A provider's table needs a key."""
    [problem] = problems(tmp_path, f"[[providers]]\nfeed = '{URL}'")

    assert problem == f"providers[0].key: is missing; {NAME}"


def test_all_problems_at_once(tmp_path: Path) -> None:
    """Every mistake of a file is told in one go, in the order of the file."""
    text = f"""
        interval = 0
        colour = true
        feeds = [1]
        [[providers]]
        key = "own"
        [[providers]]
        name = ""
        feed = "{URL}"
        shape = 1
    """
    assert [line.partition(":")[0] for line in problems(tmp_path, text)] == [
        "interval",
        "colour",
        "feeds",
        "providers[0]",
        "providers[1].name",
        "providers[1].shape",
        "providers[1].key",
    ]


@pytest.mark.parametrize("text", [b"interval", b"= 5", b"a = '\xff'", b"a = 1\na = 2", b"\0"])
def test_not_toml(tmp_path: Path, text: bytes) -> None:
    """A file that is no TOML, or no UTF-8, is one clear line."""
    [problem] = problems(tmp_path, text)

    assert problem.startswith("is not TOML (")
    assert "\n" not in problem


@pytest.mark.parametrize(
    ("name", "reason"),
    [("missing.toml", "No such file or directory"), (".", "Is a directory")],
)
def test_unreadable_file(tmp_path: Path, name: str, reason: str) -> None:
    """A file that cannot be read is told with its name and the reason."""
    path = tmp_path / name
    with pytest.raises(UsageError) as caught:
        config.read_file(path)

    assert caught.value.problems == [f"{path}: cannot be read ({reason})"]


def test_every_limit_has_a_key() -> None:
    """What the table may say is what the limits are."""
    assert list(LIMIT_KEYS) == list(Limits.__slots__)


FULL = f"""
    interval = 30
    host_spacing = 0.5
    format = "json"
    backfill = "all"
    edits = true
    utc = true
    state_dir = "/tmp/elsewhere"
    contact = "ops@example.test"
    http2 = false
    host_in_flight = 1
    connections = 64
    max_freshness = 600
    follow_to_http = true
    allow_hosts = ["status.corp.test"]
    log_format = "logfmt"
    metrics = 9797
    metrics_file = "/srv/own.prom"
    feeds = ["{OTHER}"]
    groups = ["own-group"]
    filters = {{ min_impact = "minor", kinds = ["incident"] }}
    limits = {{ seconds = 5, redirects = 0 }}
    [[providers]]
    key = "openai"
    [[providers]]
    key = "linear"
    interval = 300
    [[providers]]
    key = "own"
    name = "Own"
    feed = "{URL}"
    platform = "statuspage"
    product = "Thing"
    rules = [{{ keyword = "chat", product = "Chat" }}]
    interval = 90.5
    group = "own-group"
    filters = {{ min_impact = "major" }}
    [[notify]]
    name = "chat"
    target = "env:CHAT_URL"
    providers = ["linear", "{OTHER}", "github"]
    groups = ["own-group"]
    events = ["new", "resolved"]
    filters = {{ min_impact = "critical" }}
    title = "{{title}}"
    body = "{{message}}"
    batch_seconds = 0
    rate = 1
    timeout = 2.5
    [[notify]]
    name = "all"
    exec = ["true"]
"""


def test_a_full_file(tmp_path: Path) -> None:
    """Every key of the file reaches the settings."""
    known = catalogue.load()
    table = config.read_file(written(tmp_path, FULL))
    common = Filters(kinds=(Kind.INCIDENT,), min_impact=Impact.MINOR)

    assert set(table) == set(KEYS)
    assert settle(Wanted(), table) == Settings(
        providers=(
            replace(known["openai"], filters=common),
            replace(known["linear"], interval=300, filters=common),
            Provider(
                key="own",
                name="Own",
                feed=URL,
                dialect="statuspage",
                product="Thing",
                rules=(Rule("chat", "Chat"),),
                interval=90.5,
                filters=Filters(kinds=(Kind.INCIDENT,), min_impact=Impact.MAJOR),
            ),
            catalogue.bare_feed(OTHER, common),
        ),
        interval=30,
        host_spacing=0.5,
        format="json",
        backfill=None,
        edits=True,
        utc=True,
        state_dir=Path("/tmp/elsewhere"),
        contact="ops@example.test",
        http2=False,
        host_in_flight=1,
        connections=64,
        max_freshness=600,
        follow_to_http=True,
        allow_hosts=("status.corp.test",),
        log_format="logfmt",
        metrics="9797",
        metrics_file=Path("/srv/own.prom"),
        own_hosts=frozenset({host_of(URL), host_of(OTHER)}),
        filters=common,
        limits=Limits(seconds=5, redirects=0),
        notify=(
            Target(
                "chat",
                address="env:CHAT_URL",
                pages=frozenset({"linear", OTHER, "own"}),  # github is not watched
                events=frozenset({Happening.NEW, Happening.RESOLVED}),
                filters=Filters(min_impact=Impact.CRITICAL),
                title="{title}",
                body="{message}",
                batch_seconds=0,
                rate=1,
                timeout=2.5,
            ),
            Target("all", command=("true",)),
        ),
    )


def test_defaults() -> None:
    """An empty file and an empty command line are the contract's defaults."""
    settings = settle(Wanted(), {})

    assert (settings.interval, settings.host_spacing, settings.format) == (60, None, "text")
    assert (settings.backfill, settings.edits, settings.utc, settings.http2) == (
        1,
        False,
        False,
        True,
    )
    assert settings.state_dir == config.default_state_dir()


@pytest.mark.parametrize(
    ("name", "file", "line"),
    [
        ("interval", 30, 5.0),
        ("host_spacing", 3, 0.0),
        ("format", "text", "json"),
        ("edits", False, True),
        ("utc", False, True),
        ("backfill", 5, 0),
    ],
)
def test_precedence(name: str, file: Any, line: Any) -> None:
    """The command line wins over the file, and the file over the default."""
    both = settle(Wanted(overrides={name: line}), {name: file})
    file_only = settle(Wanted(), {name: file})

    assert (getattr(both, name), getattr(file_only, name)) == (line, file)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (":memory:", None),
        ("/srv/state", Path("/srv/state")),
        ("state", Path("state")),
        ("~/state", Path.home() / "state"),
    ],
)
def test_state_dir(value: str, expected: Path | None) -> None:
    """`:memory:` keeps nothing, `~` is the home folder."""
    assert settle(Wanted(), {"state_dir": value}).state_dir == expected
    assert settle(Wanted(overrides={"state_dir": value}), {}).state_dir == expected


OWN: dict[str, Any] = {"key": "own", "feed": URL}
EVERY = "<the catalogue>"


@pytest.mark.parametrize(
    ("wanted", "table", "expected"),
    [
        (Wanted(), {}, ["openai"]),
        (Wanted(), {"providers": []}, ["openai"]),
        (Wanted(), {"interval": 5}, ["openai"]),
        (Wanted(("github",)), {}, ["github"]),
        (Wanted(("github", "openai", "github")), {}, ["github", "openai"]),
        (Wanted(feeds=(URL,)), {}, [URL]),
        (Wanted(feeds=(URL, URL)), {}, [URL]),
        (Wanted(("github",), (URL,)), {}, ["github", URL]),
        (Wanted(), {"providers": ["github"]}, ["github"]),
        (Wanted(), {"providers": [OWN]}, ["own"]),
        (Wanted(), {"feeds": [URL]}, [URL]),
        (Wanted(), {"providers": ["github", OWN], "feeds": [OTHER]}, ["github", "own", OTHER]),
        (Wanted(feeds=(OTHER,)), {"providers": [OWN]}, ["own", OTHER]),
        (Wanted(feeds=(OTHER,)), {"feeds": [URL]}, [URL, OTHER]),
        (Wanted(("openai",)), {"providers": [OWN], "feeds": [OTHER]}, ["openai"]),
        (Wanted(("own",)), {"providers": ["github", OWN]}, ["own"]),
        (Wanted(("own",), (OTHER,)), {"providers": [OWN]}, ["own", OTHER]),
        (Wanted(all=True), {}, [EVERY]),
        (Wanted(("openai",), all=True), {}, [EVERY]),
        (Wanted(feeds=(URL,), all=True), {}, [EVERY, URL]),
        (Wanted(all=True), {"providers": ["openai", OWN], "feeds": [OTHER]}, [EVERY, "own", OTHER]),
    ],
)
def test_what_is_watched(wanted: Wanted, table: dict[str, Any], expected: list[str]) -> None:
    """PROVIDERs replace what the file lists, `--feed` and `--all` add; openai where nothing is."""
    names = []
    for name in expected:
        names += list(catalogue.load()) if name == EVERY else [name]

    assert [provider.key for provider in settle(wanted, table).providers] == names


def test_unknown_providers_are_all_named() -> None:
    """Every PROVIDER that is not known is told, with what is near, the file's own included."""
    with pytest.raises(UsageError) as caught:
        settle(Wanted(("opnai", "github", "onw", "qqqqqqq")), {"providers": [OWN]})

    assert caught.value.problems == [
        "unknown provider «opnai»: did you mean openai?",
        "unknown provider «onw»: did you mean own or ona?",
        "unknown provider «qqqqqqq»: give its feed with --feed URL",
    ]


@pytest.mark.parametrize("beside", [[], ["github"]], ids=["alone", "beside another row"])
@pytest.mark.parametrize(
    ("row", "changed"),
    [
        ({}, {}),
        ({"interval": 300}, {"interval": 300}),
        ({"name": "O"}, {"name": "O"}),
        ({"feed": URL}, {"feed": URL}),
        ({"platform": "generic"}, {"dialect": "generic"}),
        ({"product": "P"}, {"product": "P"}),
        ({"rules": [{"keyword": "k", "product": "K"}]}, {"rules": (Rule("k", "K"),)}),
        ({"rules": []}, {"rules": ()}),
        ({"filters": {"kinds": ["incident"]}}, {"filters": Filters(kinds=(Kind.INCIDENT,))}),
        ({"group": "mine"}, {}),
    ],
)
def test_overrides_of_a_catalogue_row(
    row: dict[str, Any], changed: dict[str, Any], beside: list[str]
) -> None:
    """A table with a catalogue's key changes what it says and keeps the rest of the row."""
    settings = settle(Wanted(), {"providers": [{"key": "openai", **row}, *beside]})
    base = catalogue.load()["openai"]
    fields = {name: getattr(base, name) for name in base.__dataclass_fields__}

    assert settings.providers[0] == Provider(**{**fields, **changed})


def test_own_row_is_called_by_its_key() -> None:
    """A page of the user's own without a name is shown by its key."""
    [provider] = settle(Wanted(), {"providers": [OWN]}).providers

    assert provider == Provider(key="own", name="own", feed=URL)


AI = catalogue.members("ai")
MINE: dict[str, Any] = {**OWN, "group": "mine"}


@pytest.mark.parametrize(
    ("wanted", "table", "expected"),
    [
        (Wanted(), {"groups": ["ai"]}, AI),
        (Wanted(groups=("ai",)), {}, AI),
        (Wanted(groups=("ai",)), {"providers": ["github"], "feeds": [URL]}, AI),
        (Wanted(("github",), groups=("ai",)), {}, ["github", *AI]),
        (
            Wanted(("claude",), groups=("ai",)),
            {},
            ["anthropic", *(k for k in AI if k != "anthropic")],
        ),
        (Wanted(groups=("mine",)), {"providers": ["github", MINE]}, ["own"]),
        (Wanted(groups=("ai",)), {"providers": [{**OWN, "group": "ai"}]}, [*AI, "own"]),
        (Wanted(), {"providers": [{"group": "ai"}, "github"]}, [*AI, "github"]),
        (Wanted(), {"providers": ["github"], "groups": ["ai"]}, ["github", *AI]),
        (Wanted(("github",)), {"groups": ["ai"]}, ["github"]),
        (Wanted(("claude", "anthropic")), {}, ["anthropic"]),
    ],
)
def test_groups(wanted: Wanted, table: dict[str, Any], expected: list[str]) -> None:
    """A group is a category's vendors, and the rows of the file that say so."""
    assert [provider.key for provider in settle(wanted, table).providers] == expected


def test_unknown_groups_are_all_named() -> None:
    """Together with providers that are not known."""
    with pytest.raises(UsageError) as caught:
        settle(Wanted(("opnai",), groups=("ia", "mnie", "mine")), {"providers": [MINE]})

    assert caught.value.problems == [
        "unknown provider «opnai»: did you mean openai?",
        f"unknown group «ia»: {HINT}, mine",
        "unknown group «mnie»: did you mean mine?",
    ]


def test_a_row_for_a_group_holds_for_each_of_it() -> None:
    """What a vendor's own row says wins over its group's, filters key by key."""
    rows: list[Any] = [
        {"key": "claude", "name": "C", "filters": {"min_impact": "critical"}},
        {"group": "ai", "interval": 300, "filters": {"kinds": ["incident"], "min_impact": "minor"}},
    ]
    pages = {p.key: p for p in settle(Wanted(), {"providers": rows}).providers}

    assert list(pages) == AI
    assert (pages["openai"].interval, pages["openai"].filters.min_impact) == (300, Impact.MINOR)
    assert (pages["anthropic"].interval, pages["anthropic"].name) == (300, "C")
    assert pages["anthropic"].filters == Filters(kinds=(Kind.INCIDENT,), min_impact=Impact.CRITICAL)


def test_a_row_for_a_group_cannot_rename_it(tmp_path: Path) -> None:
    """A name, a feed, rules are one page's."""
    [problem] = problems(tmp_path, f"[[providers]]\ngroup = 'ai'\nfeed = '{URL}'")

    assert problem == f"providers[0].key: is missing; {NAME}"


def test_an_alias_is_as_good_as_the_key(tmp_path: Path) -> None:
    """Unless the row has a feed of its own: then it is a page of the user's own."""
    both = f"providers = ['claude', {{ key = 'gpt', feed = '{URL}' }}]"
    table = config.read_file(written(tmp_path, both))

    assert [(p.key, p.feed) for p in settle(Wanted(), table).providers] == [
        ("anthropic", catalogue.load()["anthropic"].feed),
        ("gpt", URL),
    ]


def test_platforms_that_are_read_as_json_are_platforms(tmp_path: Path) -> None:
    """They are known without being loaded for every run."""
    row = f"providers = [{{ key = 'own', feed = '{URL}', platform = 'salesforce' }}]"
    assert config.read_file(written(tmp_path, row))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, []),
        ({"interval": 0.05, "host_spacing": 0, "backfill": "all", "format": "json"}, []),
        ({"interval": "soon"}, [f"--interval: {SECONDS}, got 'soon'"]),
        ({"interval": float("nan")}, [f"--interval: {SECONDS}, got nan"]),
        (
            {"host_spacing": -1.0, "backfill": "-1", "format": "xml", "state_dir": ""},
            [
                f"--host-spacing: {SPACING}, got -1.0",
                f"--backfill: {BACKFILL}, got '-1'",
                f"--format: {FORMAT}, got 'xml'",
                f"--state-dir: {FOLDER}, got ''",
            ],
        ),
    ],
)
def test_options(options: dict[str, Any], expected: list[str]) -> None:
    """Values of the command line are held to the same rules, and named as options."""
    assert config.check_options(options) == expected


@pytest.mark.parametrize(
    ("platform", "value", "expected"),
    [
        ("linux", "/xdg", Path("/xdg/efficient-status")),
        ("linux", "", Path.home() / ".local/state/efficient-status"),
        ("linux", "relative", Path.home() / ".local/state/efficient-status"),
        ("darwin", "/xdg", Path.home() / "Library/Application Support/efficient-status"),
    ],
)
def test_state_folder(
    monkeypatch: pytest.MonkeyPatch, platform: str, value: str, expected: Path
) -> None:
    """State lies where the platform wants it; a relative XDG folder is ignored, as XDG says."""
    monkeypatch.setenv("XDG_STATE_HOME", value)
    monkeypatch.setattr(sys, "platform", platform)

    assert config.default_state_dir() == expected


def test_default_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The file in the XDG folder is read where it exists."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    before = config.default_file()
    (tmp_path / "efficient-status").mkdir()
    path = written(tmp_path / "efficient-status", "")

    assert (before, config.default_file()) == (None, path)


def test_default_file_at_home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Without XDG_CONFIG_HOME it is looked for in ~/.config."""
    monkeypatch.delenv("XDG_CONFIG_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    folder = tmp_path / ".config" / "efficient-status"
    folder.mkdir(parents=True)

    before = config.default_file()
    path = written(folder, "")

    assert (before, config.default_file()) == (None, path)
