"""The documents stay true: what they name exists, what exists is named, what they show is shown."""

from __future__ import annotations

import itertools
import json
import re
import shlex
import tomllib
from collections.abc import Callable, Collection, Iterator
from pathlib import Path
from typing import Any

import pytest

from docs import ROOT, fenced, pages, parts_of, reference, renewed, transcripts
from efficient_status import catalogue, config, options
from efficient_status.commands import COMMANDS, parser_of
from efficient_status.keys import CATEGORIES, LOG_FORMATS, TEMPLATE_FIELDS, VENDOR_KEYS
from efficient_status.models import Event, Happening, Impact, Incident, Kind, Limits, State
from efficient_status.outputs import FORMATS, jsonl
from efficient_status.providers import DIALECTS, Dialect
from efficient_status.providers.platforms_json import JSON_DIALECTS
from tests.app import cli
from tests.conformance.scorecard import RULES
from tests.feeds import EPOCH

PAGES = {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in pages()}
README = PAGES["README.md"]
# Documents that are pages of the site without being written for it.
OTHERS = ("CHANGELOG.md", "CONTRIBUTING.md", "DESIGN.md", "SECURITY.md", "contrib/README.md",
          "benchmarks/RESULTS.md", "benchmarks/POLITENESS.md")  # fmt: skip
DOCUMENTS = {**PAGES, **{name: (ROOT / name).read_text("utf-8") for name in OTHERS}}
PARTS = [(name, part) for name, page in PAGES.items() for part in parts_of(page)]
PARSERS = {"": options.watching(), **{word: parser_of(word) for word in COMMANDS}}
OPTIONS = {name for parser in PARSERS.values() for a in parser.actions for name in a.option_strings}
DEVELOPERS = {"test", "fuzz", "bench", "lint", "types", "docs"}  # extras that no user needs
PLUGGED = ("docs/plugins.md", "shop")  # a vendor of the package that is shown there
OURS = re.compile(r"^\S*(?:python -m efficient_status|efficient-status)(?= |$)(.*)")

every_page = pytest.mark.parametrize("page", PAGES)


def prose(page: str) -> str:
    """A page without what is written by the program, its blocks, and comments."""
    text = re.sub(r"(?s)<!-- part .*?<!-- end of [\w-]+ -->", "", PAGES[page])
    return re.sub(r"(?ms)^```.*?^```$|<!--.*?-->", "", text)


def spans(page: str) -> list[str]:
    """The code in a page's sentences."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def lines_of_ours(page: str) -> Iterator[list[str]]:
    """The words behind the program's name, of each line that is shown to be typed."""
    shown = [line for block in fenced(PAGES[page], "console") for line in block.splitlines()]
    typed = [line[2:] for line in shown if line[:2] in ("$ ", "# ")]
    for line in [*typed, *(span for span in spans(page) if " " in span)]:
        for each in line.split(" && "):
            if found := OURS.match(each):
                yield shlex.split(re.split(r" [|>]|[|]{2}", found[1])[0], comments=True)


# What is written by the program


@pytest.mark.parametrize(
    ("page", "part"), [each for each in PARTS if each[1] in reference.REFERENCE]
)
def test_the_reference_is_that_of_the_program(page: str, part: str) -> None:
    """`python -m docs` writes it anew."""
    assert parts_of(PAGES[page])[part] == reference.REFERENCE[part]().rstrip("\n")


@pytest.mark.parametrize(
    ("page", "part"), [each for each in PARTS if each[1] not in reference.REFERENCE]
)
def test_transcripts_are_what_the_program_prints(page: str, part: str) -> None:
    """But for times, ports and sizes; the demonstration is played faster."""
    quick: dict[str, Callable[[], str]] = {"demo": lambda: transcripts.demo(0.4)}
    played = {**transcripts.TRANSCRIPTS, **quick}[part]()
    assert transcripts.alike(parts_of(PAGES[page])[part]) == transcripts.alike(played)


def test_every_part_is_on_a_page() -> None:
    """Nothing is written for nobody."""
    assert {part for _, part in PARTS} == {*reference.REFERENCE, *transcripts.TRANSCRIPTS}


def test_a_part_is_renewed_in_its_place() -> None:
    """What stands around it stays, and renewing twice changes nothing."""
    page = "# A\n\n<!-- part x: y -->\n\nold\n\n<!-- end of x -->\n\nB\n"
    fresh = renewed(page, {"x": lambda: "new\n"})
    assert fresh == page.replace("old", "new")
    assert renewed(fresh, {"x": lambda: "new"}) == fresh
    assert parts_of(fresh) == {"x": "new"}


# Keys


@pytest.mark.parametrize("name", reference.TABLES)
def test_every_key_has_a_meaning_and_an_example_that_is_right(name: str) -> None:
    """And nothing that is no key has one."""
    said = reference.meanings()[name]
    keys = reference.TABLES[name]
    assert set(said) == set(keys) | (set(said) if keys is VENDOR_KEYS else set())
    for key, valid in keys.items():
        assert valid.valid(said[key]["example"]), key
        assert said[key]["meaning"].endswith("."), key


def test_all_examples_together_are_a_configuration(tmp_path: Path) -> None:
    """Every key is in it; the limits that it shows are the defaults."""
    file = tmp_path / "config.toml"
    file.write_text(reference.example(), "utf-8")
    table = config.read_file(file)
    assert set(table) == set(config.KEYS)
    assert Limits(**table["limits"]) == Limits()
    assert next(p.key for p in config.settle(config.Wanted(), table).providers) == "github"


@pytest.mark.parametrize(
    ("page", "number"),
    [(page, n) for page, text in PAGES.items() for n, _ in enumerate(fenced(text, "toml"))],
)
def test_every_block_of_toml_is_a_configuration(page: str, number: int, tmp_path: Path) -> None:
    """As it stands there; a package's metadata is run elsewhere."""
    text = fenced(PAGES[page], "toml")[number]
    if "project" in tomllib.loads(text):
        assert page == "docs/plugins.md"
        return
    file = tmp_path / "config.toml"
    file.write_text(text, "utf-8")
    assert config.settle(config.Wanted(), config.read_file(file)).providers


# Commands and options


@every_page
def test_every_line_to_type_is_understood(page: str) -> None:
    """Its command, options and vendors exist."""
    for words in lines_of_ours(page):
        command = words[0] if words and words[0] in COMMANDS else ""
        if "--help" in words or "--version" in words:
            assert set(words) <= {"--help", "--version", command}
            continue
        asked = PARSERS[command].parse_intermixed_args(words[1:] if command else words)
        for word in getattr(asked, "providers", []):
            assert catalogue.find(word) or (page, word) == PLUGGED, f"{page}: {word}"


@every_page
def test_every_option_that_is_named_exists(page: str) -> None:
    """In sentences; lines to type are parsed."""
    ours = [span for span in spans(page) if not re.match(r"(\S*python|tox|pip|systemctl)\b", span)]
    named = {name for span in ours for name in re.findall(r"(?<![\w-])--?[a-z][a-z-]*", span)}
    assert named <= OPTIONS


@pytest.mark.parametrize("page", ["README.md", "docs/command-line.md"])
def test_every_command_is_shown(page: str) -> None:
    """At the front door with words that it understands, and in the reference with all."""
    if page == "README.md":
        shown = {words[0] for words in lines_of_ours(page) if words}
        assert set(COMMANDS) <= shown
    else:
        headings = re.findall(r"^## efficient-status ?(.*)$", PAGES[page], re.MULTILINE)
        assert headings == list(PARSERS)
        assert {name for name in OPTIONS if f"`{name}`" not in PAGES[page]} == set()


def test_help_names_every_option_and_shows_examples(capsys: pytest.CaptureFixture[str]) -> None:
    """`--help` is complete, and every exit status in it is a number and a reason."""
    with pytest.raises(SystemExit) as ended:
        options.watching().parse_args(["--help"])
    assert ended.value.code == 0
    assert "examples:" in capsys.readouterr().out
    for parser in PARSERS.values():
        assert all(action.help for action in parser.actions)
        assert "examples:" in str(parser.epilog)
        assert all(n.isdigit() and when for n, when in reference.statuses(parser).items())


def test_the_two_commands_are_there() -> None:
    """What a newcomer types first, and what CI runs."""
    commands = fenced(README, "console")[1]
    assert "$ python -m pip install . && python -m efficient_status --interval 30" in commands
    assert "$ python -m pip install tox && python -m tox" in commands


# Words


def vocabulary() -> set[str]:
    """What may stand as code without a blank in it."""
    tables = {key for table in reference.TABLES.values() for key in table}
    words = {word.value for kind in (Happening, Kind, State, Impact) for word in kind}
    return {
        *tables, *words, *json_keys(), *vendor_keys(), *COMMANDS, *CATEGORIES, *FORMATS,
        *DIALECTS, *JSON_DIALECTS, *Dialect._fields, *catalogue.rows(), *ALIASES, *FOREIGN,
        *EXTRAS, *TEMPLATE_FIELDS, *LOG_FORMATS, *described(), *log_events(),
    }  # fmt: skip


PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
EXTRAS = set(PROJECT["optional-dependencies"])
ALIASES = {alias for row in catalogue.rows().values() for alias in row.get("aliases", ())}
# Files, functions, a key of days, and other people's programs.
FOREIGN = {"efficient-status", "bin", "day", "jq", "lock", "open_state", "parser", "run"}


@every_page
def test_every_word_in_code_is_one_of_the_programs(page: str) -> None:
    """Keys, values, commands, vendors, platforms."""
    words = {span for span in spans(page) if re.fullmatch(r"[a-z][a-z0-9_-]*", span)}
    assert words - vocabulary() == set()
    assigned = {m[1] for span in spans(page) if (m := re.match(r"([\w.]+) = ", span))}
    assert assigned <= {key for table in reference.TABLES.values() for key in table}


def json_keys() -> list[str]:
    event = Event(Happening.NEW, "a", "A", "A", Incident("1", "x"), EPOCH)
    return list(json.loads(jsonl.line(event)))


def vendor_keys() -> list[str]:
    from efficient_status.commands.list import _vendor

    return list(_vendor("a", {"name": "A", "feed": "https://a.test"}))


def log_events() -> set[str]:
    """What lines on stderr may be about."""
    source = "".join(path.read_text("utf-8") for path in (ROOT / "efficient_status").rglob("*.py"))
    lines = re.findall(r"\bLine\((?:[^()]|\([^()]*\))*?\"(\w+)\"[,)]", source)
    return {*re.findall(r"\"event\": \"(\w+)\"", source), *lines}


def described() -> set[str]:
    """The last part of every key in the description of JSON, which other tests hold to the program."""
    return set(re.findall(r"^\| `(?:[\w.\[\]]+\.)?(\w+)`", PAGES["docs/json.md"], re.MULTILINE))


def rows_under(page: str, heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, its head left out."""
    lines = PAGES[page].partition(f"\n## {heading}\n")[2].splitlines()
    table = itertools.takewhile(
        lambda line: line.startswith("|"),
        itertools.dropwhile(lambda line: not line.startswith("|"), lines),
    )
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in [*table][2:]]


def paths(value: Any, deep: Collection[str], at: str = "") -> Iterator[str]:
    """The way to each key, into what is said to be described deeply."""
    inner = value[0] if isinstance(value, list) and value else value
    if isinstance(inner, dict):
        stem = f"{at}[]" if isinstance(value, list) else at
        for key, each in inner.items():
            name = f"{stem}.{key}".lstrip(".") if stem != "[]" else key
            yield name
            if name in deep:
                yield from paths(each, deep, name)


@pytest.mark.parametrize(
    ("heading", "line", "deep"),
    [
        ("status", "status --json", {"pages", "pages[].incidents"}),
        ("stats", "stats --json", {"total"}),
        ("check", "check --network --json", ()),
        ("explain", "explain openai --json", ()),
    ],
)
def test_the_json_keys_of_commands_are_described(
    heading: str, line: str, deep: Collection[str], known: Path
) -> None:
    """All of them, in their order."""
    printed = json.loads(cli(known, *line.split()).stdout)
    assert [row[0].strip("`") for row in rows_under("docs/json.md", heading)] == [
        *paths(printed, deep)
    ]


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder in which a page was read once."""
    folder = tmp_path_factory.mktemp("known")
    with transcripts.openai(folder):
        assert cli(folder, "--once").returncode == 0
        yield folder


@pytest.mark.parametrize(("heading", "keys"), [("Events", json_keys()), ("list", vendor_keys())])
def test_the_json_keys_are_those_of_the_program(heading: str, keys: list[str]) -> None:
    """All of them, in their order."""
    assert [row[0].strip("`") for row in rows_under("docs/json.md", heading)] == keys


def test_every_event_of_a_log_is_named() -> None:
    """And no other is."""
    text = prose("docs/metrics.md").partition("What a line is about")[2].partition("Further")[0]
    assert set(re.findall(r"`(\w+)`", text)) - {"event"} == log_events()


def test_every_word_that_a_json_value_may_be_is_named() -> None:
    """Of events, kinds, states and impacts."""
    cells = {row[0].strip("`"): row[1] for row in rows_under("docs/json.md", "Events")}
    kinds: dict[str, Any] = {"event": Happening, "kind": Kind, "state": State, "impact": Impact}
    for key, words in kinds.items():
        assert all(f"`{word.value}`" in cells[key] for word in words)


def test_the_rules_of_politeness_are_those_that_are_graded() -> None:
    """Number and name of each, and how it is held."""
    rows = re.findall(
        r"^\| (P\d+) \| (.*?) \| (.+?) \|$", PAGES["docs/politeness.md"], re.MULTILINE
    )
    assert {number: name for number, name, _ in rows} == RULES


def test_the_numbers_at_the_front_door_are_right() -> None:
    """How many vendors and platforms; what the best of the peers holds."""
    platforms = {*DIALECTS, *JSON_DIALECTS} - {"generic"}
    assert f"Knows {len(catalogue.rows())} vendors" in README
    assert f"{len(platforms)} platforms from their" in README
    held = [
        int(row.split()[-2].partition("/")[0]) for row in reference.scorecard().splitlines()[2:]
    ]
    assert f"next best of its peers holds {sorted(held)[-3]}." in README


# The documents as a whole


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub and MyST make it."""
    plain = re.sub(r"\[([^]]*)\]\([^)]*\)|`", r"\1", heading).strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    """To a file, and to a heading in it."""
    text = re.sub(r"(?ms)^```.*?^```$", "", DOCUMENTS[document])
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"https?:", target):
            continue
        place, _, anchor = target.partition("#")
        file = ((ROOT / document).parent / place).resolve() if place else ROOT / document
        assert file.exists(), f"{document} links to {target}"
        if anchor:
            there = re.sub(r"(?ms)^```.*?^```$", "", file.read_text("utf-8"))
            headings = re.findall(r"^#+ (.*)$", there, re.MULTILINE)
            assert anchor in map(slug, headings), f"{document} links to {target}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_the_documents_name_exist(document: str) -> None:
    """No path in the prose is stale."""
    pattern = r"`((?:efficient_status|tests|fixtures|docs|benchmarks|contrib)/[\w./-]+)`"
    for path in re.findall(pattern, DOCUMENTS[document]):
        assert (ROOT / path).exists(), f"{document} names {path}"


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_metric_and_extra_that_is_named_exists(document: str) -> None:
    """In queries too."""
    text = DOCUMENTS[document]
    metrics = set(re.findall(r"`(efficient_status_\w+)`", reference.metrics()))
    named = set(re.findall(r"(?<![`/.\w-])efficient_status_\w+", text.replace("`", " ")))
    assert named <= metrics | {f"{name}_bucket" for name in metrics}
    assert set(re.findall(r"efficient-status\[(\w+)\]", text)) <= EXTRAS


@pytest.mark.parametrize("document", DOCUMENTS)
def test_what_developers_are_told_to_run_exists(document: str) -> None:
    """tox's environments, and modules of the repository."""
    tox = (ROOT / "tox.ini").read_text("utf-8")
    for name in re.findall(r"tox (?:run )?-e ([\w-]+)", DOCUMENTS[document]):
        assert f"[testenv:{name}]" in tox or name == "py", name
    modules = r"python -m ((?:efficient_status|docs|tests|benchmarks)[\w.]*)"
    for name in re.findall(modules, DOCUMENTS[document]):
        path = ROOT / name.replace(".", "/")
        assert path.with_suffix(".py").exists() or (path / "__main__.py").exists(), name


def test_every_page_is_in_the_navigation() -> None:
    """Once; and so is every document that the site takes in."""
    trees = re.findall(r"(?s)```\{toctree\}\n(.*?)```", PAGES["docs/index.md"])
    entries = [line for tree in trees for line in tree.splitlines() if line and line[0] != ":"]
    there = [(ROOT / "docs" / f"{entry}.md").resolve().relative_to(ROOT) for entry in entries]
    site = {*OTHERS, *PAGES} - {"README.md", "docs/index.md"}
    assert sorted(map(str, there)) == sorted(site)


@every_page
def test_a_page_says_what_you_will_know_after_it(page: str) -> None:
    """In its first lines; and no page raises its voice."""
    assert re.match(r"# \S", PAGES[page])
    if page not in ("README.md", "docs/index.md"):
        assert re.match(r"#.*\n\nAfter this page ", PAGES[page])
    assert not re.search(r"!(?!\[)", prose(page))


def test_the_dependencies_of_the_design_are_those_of_the_package() -> None:
    """A new one is named with its reason."""
    table = (ROOT / "DESIGN.md").read_text("utf-8").partition("## Dependencies")[2]
    named = set(re.findall(r"^\| ([a-z][\w-]+)", table, re.MULTILINE)) - {"package"}
    project = PROJECT
    extras = project["optional-dependencies"]
    of_users = [each for name in extras.keys() - DEVELOPERS for each in extras[name]]
    declared = {re.split(r"[\[><=]", each)[0] for each in (*project["dependencies"], *of_users)}
    assert named == declared
