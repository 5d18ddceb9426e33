"""The documentation, and what writes the parts of it that the program knows better.

    python -m docs                                  writes those parts anew
    python -m sphinx -W -b html -c docs . site      builds the pages

A part stands between two comments, and a test holds each to what would be written:

    <!-- part NAME: written by `python -m docs` -->
    <!-- end of NAME -->
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
_PART = re.compile(
    r"(?P<begin><!-- part (?P<name>[\w-]+): .*? -->\n\n)(?P<text>.*?)(?P<end>\n*<!-- end of (?P=name) -->)",
    re.DOTALL,
)
Parts = Mapping[str, Callable[[], str]]


def pages() -> Iterator[Path]:
    """The front door, and every page of the documentation."""
    yield ROOT / "README.md"
    yield from sorted((ROOT / "docs").glob("*.md"))


def fenced(page: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)


def parts_of(page: str) -> dict[str, str]:
    """Name → text of each part of a page."""
    return {found["name"]: found["text"].rstrip("\n") for found in _PART.finditer(page)}


def renewed(page: str, parts: Parts) -> str:
    """The page with each of its parts as it is now.

    Raises:
        KeyError: nobody knows how to write a part of that name.
    """

    def part(found: re.Match[str]) -> str:
        text = parts[found["name"]]().rstrip("\n")
        return f"{found['begin']}{text}\n\n{found['end'].lstrip()}"

    return _PART.sub(part, page)
