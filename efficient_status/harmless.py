"""Text that can do no harm where it is printed.  Pure, and light: every start loads it."""

from __future__ import annotations

import re

MAX_TITLE = 1_000  # characters

# Characters that move a cursor, colour a screen, hide or reorder text, as a class of `re`: controls,
# lone surrogates, and what Unicode says is to be ignored where it is not understood
# (Default_Ignorable_Code_Point: bidirectional marks, blanks of no width, tags), but for what
# joins letters and picks emoji (U+200C, U+200D, U+FE00 to U+FE0F).
_HAZARDS = (
    r"\x00-\x08\v\f\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff"
    r"\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200e\u200f\u202a-\u202e"
    r"\u2060-\u206f\u3164\ufeff\uffa0\ufff0-\ufffb"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
# What stands above or below the letter before it, in the scripts that are used to flood lines.
_MARKS = (
    r"\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0e31\u0e34-\u0e3a"
    r"\u0e47-\u0e4e\u1ab0-\u1aff\u1dc0-\u1dff\u200c\u200d\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f"
)
_HAZARD = re.compile(f"[{_HAZARDS}]+")
# The same one by one, and what ends a line for some readers only: for formats that can escape.
HARMFUL = re.compile(f"[{_HAZARDS}\x85\u2028\u2029]")
_FLOOD = re.compile(f"([{_MARKS}]{{4}})[{_MARKS}]+")
_BREAKS = str.maketrans(dict.fromkeys("\t\r", " ") | dict.fromkeys("\x85\u2028\u2029", "\n"))


def clean(text: str) -> str:
    """Drop control, bidirectional and invisible characters, lone surrogates and floods of marks.

    Line breaks stay, all as line feeds.  After Unicode TR36 (security considerations) and
    CVE-2021-42574 (bidirectional overrides).
    """
    if text.isascii() and text.isprintable():
        return text
    return _FLOOD.sub(r"\1", _HAZARD.sub("", text).translate(_BREAKS))


def one_line(text: str, limit: int = MAX_TITLE) -> str:
    """Plain text on one line."""
    return shorten(" ".join(clean(text).split()), limit)


def shorten(text: str, limit: int) -> str:
    """Cut text that is longer than `limit` characters, visibly."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"
