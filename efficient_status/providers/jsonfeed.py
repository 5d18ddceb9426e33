"""Bytes of a JSON document → plain Python values, safely.  Pure.

This file knows JSON, not platforms.  Rules: what is no JSON, nests deeper or holds more values than
`Limits` allow raises `Unreadable`, and nothing else is raised; NaN and Infinity are null; an integer
longer than any id or time stays text.  A JSONP wrapper (Apple) is taken off by its two ends.
"""

from __future__ import annotations

import re

from efficient_status.errors import Unreadable
from efficient_status.harmless import one_line
from efficient_status.models import Limits
from efficient_status.providers.decoding import decoded
from efficient_status.providers.document import beyond

# UTF-16 without a byte order mark, by the first character of a document.
_UTF16 = {b"{\0": "utf-16-le", b"[\0": "utf-16-le", b"\0{": "utf-16-be", b"\0[": "utf-16-be"}
_BLANKS = b" \t\r\n"
_HEAD = 4_096  # bytes that are looked at to tell what a document is
_CALL = re.compile(r"(?:/\*\*/\s{0,8})?[A-Za-z_$][A-Za-z0-9_$.]{0,63}\s{0,8}\(\s{0,8}(?=[{\[])")
_LONGEST_NUMBER = 20  # digits


def is_json(body: bytes) -> bool:
    """Whether a document is JSON (or JSONP), from its first character that is not blank."""
    start = body.lstrip(_BLANKS)[:_HEAD]
    if start.startswith(b"<"):  # what its declaration says is no matter of ours
        return False
    head = _characters(start)
    return head.startswith(("{", "[")) or _CALL.match(head) is not None


def parse(body: bytes, limits: Limits | None = None) -> object:
    """Read a whole JSON document.

    Raises:
        Unreadable: it is no JSON, or not safe to read.
    """
    import json

    limits = limits or Limits()
    text = _unwrapped(_characters(body.lstrip(_BLANKS)))
    _count(text, limits.values)
    try:
        document: object = json.loads(text, parse_int=_whole, parse_constant=_no_number)
    except RecursionError as error:
        raise _too_deep(limits.depth, limits.depth + 1) from error
    except ValueError as error:
        why = one_line(str(error), 120)
        raise Unreadable(f"expected a feed, got malformed JSON ({why})") from error
    if isinstance(document, (dict, list)):
        _check(document, limits.depth)
    return document


def _characters(body: bytes) -> str:
    charset = _UTF16.get(body[:2])
    return body.decode(charset, "replace") if charset else decoded(body)


def _unwrapped(text: str) -> str:
    """The argument of a JSONP call; any other text as it is."""
    call = _CALL.match(text)
    if call is None:
        return text
    end = text.rstrip(" \t\r\n;")
    return end[call.end() : -1] if end.endswith(")") else text


def _whole(digits: str) -> int | str:
    """A number, but no arithmetic on thousands of digits (CVE-2020-10735)."""
    return int(digits) if len(digits) <= _LONGEST_NUMBER else digits


def _no_number(name: str) -> None:  # noqa: ARG001 - NaN, Infinity, -Infinity
    return None


def _count(text: str, most: int) -> None:
    """Refuse what would become very many objects: `[{},{},…` takes 30 times its size.

    Commas in texts are counted too: prose has one in fifty characters, so that a document would
    have to be larger than any that is read.
    """
    count = sum(map(text.count, ",[{"))
    if count > most:
        raise beyond("values", most, "values in a JSON document", count)


def _too_deep(most: int, met: int) -> Unreadable:
    return beyond("depth", most, "JSON brackets within each other", met)


def _check(document: dict[str, object] | list[object], most: int) -> None:
    """Level by level: how deep it nests."""
    level: list[dict[str, object] | list[object]] = [document]
    for _ in range(most):
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value)
            if isinstance(child, (dict, list))
        ]
        if not level:
            return
    raise _too_deep(most, most + 1)
