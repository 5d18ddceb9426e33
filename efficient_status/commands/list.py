"""`list`: the vendors of the catalogue."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from efficient_status import catalogue, opml, options
from efficient_status.commands.speech import say
from efficient_status.errors import UsageError
from efficient_status.keys import CATEGORIES
from efficient_status.screen import Column, Row, Screen, Styled

logger = logging.getLogger("efficient_status")

_WIDE = 100  # columns of a terminal

_EPILOG = f"""\
A vendor is shown when every WORD occurs in its key, name, an alias or a category.  On a terminal
it is a table; piped, one line a vendor, with tabs between key, name, platform, categories,
aliases, page, feed.

categories: {", ".join(list(CATEGORIES)[:14])},
  {", ".join(list(CATEGORIES)[14:])}

exit status: 0 found · 1 nothing matches

examples:
  efficient-status list                        every vendor
  efficient-status list cloud                  the category, and names with «cloud» in them
  efficient-status list google --json          as a JSON array
  efficient-status list --group ai --opml      for a feed reader
  efficient-status $(efficient-status list --group ai | cut -f1)
"""


def parser() -> options.Parser:
    """What to look for, and how to show it."""
    parser = options.Parser(
        prog="efficient-status list",
        description="List the vendors of the catalogue, those of plugins included.",
        epilog=_EPILOG,
    )
    parser.add_argument("words", nargs="*", metavar="WORD", help="what to look for")
    parser.add_argument("--group", metavar="NAME", help="only vendors of this category")
    shape = parser.add_mutually_exclusive_group()
    shape.add_argument("--json", action="store_true", help="a JSON array, one line a vendor")
    shape.add_argument("--opml", action="store_true", help="subscriptions for a feed reader")
    return parser


def run(words: Sequence[str]) -> int:
    """Show what matches."""
    asked = parser().parse_intermixed_args(words)
    if asked.group not in (None, *CATEGORIES):
        raise UsageError([f"--group: expected one of {', '.join(CATEGORIES)}, got {asked.group!r}"])
    found = {
        key: row
        for key, row in catalogue.rows().items()
        if asked.group in (None, *row.get("categories", ()))
        and all(_matches(word, key, row) for word in asked.words)
    }
    if not found:
        words = " ".join(asked.words)
        near = catalogue.near(words)
        hint = f"; did you mean {' or '.join(near)}?" if near else ""
        logger.error("nothing matches «%s»%s", words, hint)
        return 1
    if asked.json:
        say(_json(found))
    elif asked.opml:
        say(opml.write(_subscription(row) for row in found.values()))
    else:
        screen = Screen.of_stdout()
        say(_tsv(found) if screen.width is None else _table(screen, found))
    return 0


def _matches(word: str, key: str, row: Mapping[str, Any]) -> bool:
    texts = [key, row["name"], *row.get("aliases", ()), *row.get("categories", ())]
    return any(word.casefold() in text.casefold() for text in texts)


def _vendor(key: str, row: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "key": key,
        "name": row["name"],
        "platform": row.get("platform", ""),
        "categories": list(row.get("categories", ())),
        "aliases": list(row.get("aliases", ())),
        "page": row.get("page", ""),
        "feed": row["feed"],
    }


def _json(rows: Mapping[str, Mapping[str, Any]]) -> str:
    lines = (json.dumps(_vendor(key, row), ensure_ascii=False) for key, row in rows.items())
    return "[\n" + ",\n".join(lines) + "\n]\n"


def _tsv(rows: Mapping[str, Mapping[str, Any]]) -> str:
    return "".join("\t".join(_cells(key, row)) + "\n" for key, row in rows.items())


def _cells(key: str, row: Mapping[str, Any]) -> list[str]:
    values = _vendor(key, row).values()
    cells = (",".join(value) if isinstance(value, list) else value for value in values)
    return [" ".join(cell.split()) for cell in cells]


_COLUMNS = (Column("KEY", whole=True), Column("NAME"), Column("CATEGORIES"), Column("PAGE"))


def _table(screen: Screen, rows: Mapping[str, Mapping[str, Any]]) -> str:
    """Key, name, categories and page; where a terminal is narrow, the page stands below."""
    wide = (screen.width or 0) >= _WIDE
    lines: list[Row] = []
    for key, row in rows.items():
        key_, name, _, categories, _, page, _ = _cells(key, row)
        cells = [Styled(key_, "strong"), name, Styled(categories.replace(",", ", "), "quiet")]
        if wide:
            lines.append([*cells, Styled(page, "quiet", page)])
        else:
            lines += [cells, Styled(f"  {page}", "quiet", page)]
    return screen.table(_COLUMNS if wide else _COLUMNS[:3], lines)


def _subscription(row: Mapping[str, Any]) -> opml.Subscription:
    return opml.Subscription(row["name"], row["feed"], row.get("page", ""))
