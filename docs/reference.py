"""What the tables of the code say, as Markdown."""

from __future__ import annotations

import argparse
import ast
import re
import tomllib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from docs import ROOT
from efficient_status import catalogue, dump, keys, options
from efficient_status.commands import COMMANDS, parser_of
from efficient_status.config import Settings
from efficient_status.keys import CATEGORIES, Key
from efficient_status.metrics import Metrics
from efficient_status.notify import Target
from efficient_status.options import Parser
from efficient_status.providers import DIALECTS
from efficient_status.providers.platforms_json import JSON_DIALECTS
from efficient_status.state import open_state

# Table of `docs/keys.toml` → what is valid in it.
TABLES: dict[str, Mapping[str, Key]] = {
    "keys": keys.KEYS,
    "providers": keys.PROVIDER_KEYS,
    "filters": keys.FILTER_KEYS,
    "limits": keys.LIMIT_KEYS,
    "notify": keys.NOTIFY_KEYS,
    "vendors": keys.VENDOR_KEYS,
}
# Defaults that are no value of the file.
_DEFAULTS = {
    "host_spacing": "`1`, on loopback `0`",
    "state_dir": "see [files](#files)",
    "filters": "none",
    "limits": "as below",
    "providers": '`["openai"]`, where nothing else is asked for',
}
_PLATFORM_MODULES = ROOT / "efficient_status" / "providers"


def meanings() -> Mapping[str, Mapping[str, Any]]:
    """`docs/keys.toml`; rows of vendors mean what rows of the configuration do."""
    written = tomllib.loads((ROOT / "docs" / "keys.toml").read_text("utf-8"))
    return {**written, "vendors": {**written["providers"], **written["vendors"]}}


def example() -> str:
    """A configuration with every key at its example."""
    said = meanings()
    tables = {name: {key: row["example"] for key, row in said[name].items()} for name in TABLES}
    rows = [tables["providers"], {"key": "openai"}]
    target = tables["notify"]
    by_command = {"name": "log", "exec": target.pop("exec")}
    plain = {key: value for key, value in tables["keys"].items() if key not in tables}
    return "".join(
        [
            dump.lines(plain),
            f"\n[filters]\n{dump.lines(tables['filters'])}",
            f"\n[limits]\n{dump.lines(tables['limits'])}",
            *(f"\n[[notify]]\n{dump.lines(each)}" for each in (target, by_command)),
            *(f"\n{dump.row(row)}" for row in rows),
        ]
    )


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{_cell(text)}`"


# Configuration


def _keys(name: str) -> Callable[[], str]:
    def part() -> str:
        said = meanings()[name]
        defaults = _defaults().get(name, {})
        rows = [
            (
                _code(key),
                _cell(valid.expected),
                *([_default(key, defaults)] if defaults else []),
                _code(_toml(key, said[key]["example"])),
                _cell(said[key]["meaning"]),
            )
            for key, valid in TABLES[name].items()
        ]
        return _table(["key", "value", *["default"] * bool(defaults), "example", "meaning"], rows)

    return part


def _defaults() -> Mapping[str, Mapping[str, Any]]:
    """What is in force where the file says nothing."""
    table = tomllib.loads(dump.toml(replace(Settings(), state_dir=None)))
    target = asdict(Target(name=""))
    plain = {key: target[key] for key in ("title", "body", "batch_seconds", "rate", "timeout")}
    return {"keys": table, "limits": table["limits"], "notify": plain}


def _default(key: str, defaults: Mapping[str, Any]) -> str:
    if key in _DEFAULTS:
        return _DEFAULTS[key]
    return _code(_toml(key, defaults[key]).partition(" = ")[2]) if key in defaults else "none"


def _toml(key: str, value: Any) -> str:
    whole = isinstance(value, float) and value.is_integer()
    return dump.lines({key: int(value) if whole else value}).strip()


# Command line


def command_line() -> str:
    """Every parser: its usage, options, and what its help says below them."""
    return "\n\n".join(
        _command(parser) for parser in [options.watching(), *map(parser_of, COMMANDS)]
    )


def _command(parser: Parser) -> str:
    """One section; what is told of the options of watching is not told again."""
    watching = options.watching()
    common = {_row(action) for action in watching.actions if parser.prog != watching.prog}
    rows = [_row(action) for action in parser.actions]
    own = [row for row in rows if row not in common]
    shared = [option for option, *_ in rows if option not in [option for option, *_ in own]]
    notes = re.sub(r"(?s)commands \(.*?\n\n", "", (parser.epilog or "").strip())
    return "\n\n".join(
        [
            f"## {parser.prog}",
            str(parser.description),
            *([_table(["option", "value", "meaning"], own)] if own else []),
            *([f"As when watching: {', '.join(shared)}."] if shared else []),
            f"```text\n{notes}\n```",
        ]
    )


def _row(action: argparse.Action) -> tuple[str, str, str]:
    names = ", ".join(map(_code, action.option_strings)) or _code(str(action.metavar))
    value = _code(str(action.metavar)) if action.option_strings and action.nargs != 0 else ""
    return names, value, _cell(str(action.help))


def exit_statuses() -> str:
    """Each command's, as its help says them."""
    rows = []
    for parser in (options.watching(), *map(parser_of, COMMANDS)):
        for number, meaning in statuses(parser).items():
            rows.append((_code(parser.prog), number, meaning))
    return _table(["command", "status", "when"], rows)


def statuses(parser: Parser) -> Mapping[str, str]:
    """Exit status → when, as the help says it."""
    said = (parser.epilog or "").partition("exit status: ")[2].partition("\n\n")[0]
    found = [" ".join(each.split()).partition(" ") for each in said.split("·") if each]
    return {number: meaning for number, _, meaning in found}


# Platforms and vendors


def platforms() -> str:
    """A table, then what each module says of its platform."""
    every = [*sorted({*DIALECTS, *JSON_DIALECTS} - {"generic"}), "generic"]
    used = Counter(row.get("platform") for row in catalogue.rows().values())
    rows = [
        (f"[{name}](#{name})", _formats(name), str(used[name]), _incident(name), _ending(name))
        for name in every
    ]
    table = _table(["platform", "formats", "vendors", "an incident is", "and over"], rows)
    return "\n\n".join([table, *(f"## {name}\n\n{_said(name)}" for name in every)])


def _formats(name: str) -> str:
    return ", ".join(["RSS or Atom"] * (name in DIALECTS) + ["JSON"] * (name in JSON_DIALECTS))


def _incident(name: str) -> str:
    if name not in DIALECTS:
        return "an object"
    return "items with a common id" if DIALECTS[name].joins else "an item"


def _ending(name: str) -> str:
    if name in DIALECTS and DIALECTS[name].absence_closes:
        return "when it is missed twice"
    return "when the page says so"


def _said(name: str) -> str:
    feed = [name] if name in DIALECTS else []
    json = [JSON_DIALECTS[name].page.__module__] if name in JSON_DIALECTS else []
    return "\n\n".join(_docstring(module) for module in [*feed, *json])


def _docstring(module: str) -> str:
    """What a module says of itself, read but not run; angle brackets in its prose are no markup."""
    path = _PLATFORM_MODULES / f"{module.rpartition('.')[2]}.py"
    text = ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    return "\n".join(
        line if line.startswith("    ") else line.replace("<", "&lt;") for line in text.splitlines()
    )


def categories() -> str:
    """How many vendors are in each; a vendor may be in several."""
    rows = [
        (_code(name), str(len(catalogue.members(name))), meaning)
        for name, meaning in CATEGORIES.items()
    ]
    head = f"{len(catalogue.rows())} vendors, of which some are in more than one category:"
    return f"{head}\n\n{_table(['category', 'vendors', 'what they do'], rows)}"


# Metrics


def metrics() -> str:
    """Every metric, as it is exported."""
    made: Any = Metrics([], open_state(None), pending=lambda: 0.0).registry
    rows = [
        (
            _code(each._name + _SUFFIXES.get(each._type, "")),
            each._type,
            ", ".join(map(_code, each._labelnames)),
            _cell(each._documentation),
        )
        for each in made._collector_to_names
    ]
    return _table(["metric", "type", "labels", "what"], rows)


_SUFFIXES = {"counter": "_total", "info": "_info"}


# What was measured


def scorecard() -> str:
    """Each client of `benchmarks/POLITENESS.md`, with how many rules it holds."""
    rows = next(_tables_of("POLITENESS.md", "rule"))
    held = zip(rows[0][2:], rows[-1][2:], strict=True)
    return _table(["client", "rules held"], held)


def figures() -> str:
    """The figures to reach, of every section of `benchmarks/RESULTS.md`."""
    tables = list(_tables_of("RESULTS.md", "figure"))
    return _table(tables[0][0], [row for _, _, *rows in tables for row in rows])


def _tables_of(document: str, head: str) -> Iterator[list[list[str]]]:
    """The cells of the tables whose first column is headed so."""
    text = (ROOT / "benchmarks" / document).read_text("utf-8")
    for table in re.findall(rf"^\| {head} \|.*\n(?:\|.*\n)+", text, re.MULTILINE):
        yield [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]


REFERENCE: dict[str, Callable[[], str]] = {
    **{f"{name}-reference": _keys(name) for name in TABLES},
    "command-line": command_line,
    "exit-statuses": exit_statuses,
    "platforms": platforms,
    "categories": categories,
    "metrics": metrics,
    "scorecard": scorecard,
    "figures": figures,
}
