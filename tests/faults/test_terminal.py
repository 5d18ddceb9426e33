"""What reaches terminals and other programs: no feed moves a cursor, no line carries a secret."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import sys
import tomllib
import unicodedata
from dataclasses import fields, replace
from datetime import UTC
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from efficient_status import dump, options
from efficient_status.errors import UsageError
from efficient_status.harmless import clean
from efficient_status.models import Event, Incident, Pacing
from efficient_status.outputs import FORMATS
from efficient_status.stderr import Stderr
from tests.app import App, cli, objects
from tests.feeds import Report, incidentio
from tests.origin import Origin
from tests.outputs.events import event

# What must never be printed, said in other words than the program's own table: categories of
# characters (controls, formats, surrogates, line and paragraph separators), and the tags' block.
JOINERS = "\u200c\u200d"  # letters of Persian, emoji of families
KEPT = re.compile(
    "[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd\U00013430-\U0001343f]"
)


def harmful(text: str) -> list[str]:
    """Characters that move a cursor, end a line, hide or reorder text."""
    return [
        each
        for each in text
        if each not in JOINERS
        and (
            unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp")
            or (unicodedata.category(each) == "Cf" and not KEPT.match(each))
            or 0xE0000 <= ord(each) <= 0xE0FFF
        )
    ]


NASTY = st.text(
    st.one_of(
        st.characters(),  # lone surrogates too
        st.sampled_from("\x1b\x07\x9b\x85\u2028\u2029\u202e\u2066\u200b\ufeff\u00ad\u034f\r\n\v\x7f"),
        st.characters(min_codepoint=0xE0000, max_codepoint=0xE0FFF),
    ),
    max_size=30,
)  # fmt: skip
TEXTS = {each.name for each in fields(Incident) if each.type == "str"} | {"url"}


@st.composite
def events(draw: Any) -> Event:
    """An event that says anything in every one of its texts."""
    changes = {name: draw(NASTY) for name in sorted(TEXTS)}
    shown = event(**changes, components=tuple(draw(st.lists(NASTY, max_size=3))))
    names = ("provider", "provider_name", "product")
    return replace(shown, **{name: draw(NASTY) for name in names})


@given(events())
@example(event(title="\x1b]0;owned\x07\x1b[2J\n\n[2026-01-01 00:00:00] Forged\n"))
@example(event(message="a\ud800b\u2028\U000e0041"))
def test_text_is_one_block_that_harms_no_terminal(shown: Event) -> None:
    """Whatever an event says: five lines at most, and nothing in them but what can be seen."""
    block = FORMATS["text"](UTC)(shown)

    lines = block.removesuffix("\n\n").split("\n")
    assert block.endswith("\n\n")
    assert 3 <= len(lines) <= 5
    assert harmful("".join(lines)) == []
    assert lines[1].startswith("Product:")
    assert lines[2].startswith("Status:")


@given(events())
@example(event(title="a\x85b\u2028c\u2029d\x1ce"))
@example(event(message="\ud800\U000e0041\U0001d173"))
def test_json_is_one_line_for_every_reader_and_says_it_all(shown: Event) -> None:
    """One line even for `str.splitlines`, nothing harmful in it, and nothing lost."""
    text = FORMATS["json"](None)(shown)

    assert text.splitlines(keepends=True) == [text]
    assert harmful(text[:-1]) == []
    found = json.loads(text)
    assert (found["title"], found["message"]) == (shown.incident.title, shown.incident.message)
    assert (found["provider"], found["product"]) == (shown.provider, shown.product)


@given(NASTY.filter(lambda text: text.encode("utf-8", "ignore").decode() == text))
def test_a_snippet_of_configuration_harms_no_terminal_and_says_it_all(title: str) -> None:
    """`import-opml` prints titles of a file that somebody else wrote."""
    text = dump.row({"name": title})

    assert harmful(text.replace("\n", "")) == []
    assert tomllib.loads(text) == {"providers": [{"name": title}]}


@given(NASTY, NASTY)
def test_a_line_to_stderr_is_one_line_that_harms_no_terminal(one: str, other: str) -> None:
    """Errors quote feeds, headers and addresses: nothing in them ends the line or moves a cursor."""
    record = logging.LogRecord("x", logging.WARNING, "x", 1, "%s: %s", (one, other), None)
    text = Stderr().format(record)

    assert text.splitlines() == [text]
    assert harmful(text) == []


def test_a_traceback_is_harmless_and_cannot_pass_for_a_line() -> None:
    """With -v: what an exception quotes is cleaned, and stands below its line, indented."""
    try:
        pytest.fail("\x1b[31m\nefficient-status: forged")
    except pytest.fail.Exception:
        trace = sys.exc_info()
    record = logging.LogRecord("x", logging.DEBUG, "x", 1, "bug", None, trace)
    first, *others = Stderr().format(record).split("\n")

    assert first == "efficient-status: bug"
    assert all(each.startswith("  ") for each in others)
    assert harmful("".join(others)) == []


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("Z" + "\u0335" * 500 + "a", "Z" + "\u0335" * 4 + "a"),
        ("\u0e2a" + "\u0e47" * 500, "\u0e2a" + "\u0e47" * 4),
        ("\U0001f3f3\ufe0f\u200d\U0001f308", "\U0001f3f3\ufe0f\u200d\U0001f308"),
        ("Vie\u0323\u0302t Nam \u05e9\u05c1\u05b8", "Vie\u0323\u0302t Nam \u05e9\u05c1\u05b8"),
        ("a\u2062b\u3164c\ufffbd\U000e0100e", "abcde"),
    ],
    ids=["overlays", "Thai", "a flag", "two marks", "invisible"],
)
def test_marks_do_not_flood_the_lines_above_and_below(text: str, safe: str) -> None:
    """What a script needs stays; hundreds of marks on one letter do not."""
    assert clean(text) == safe


SECRET = "s3cr3t"


def everything(folder: Path) -> bytes:
    """Every byte of every file in a folder, and their names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return b"".join(path.read_bytes() + os.fsencode(path) for path in files)


def test_a_password_is_sent_and_is_nowhere_else(origin: Origin, tmp_path: Path) -> None:
    """Not in events, lines, `check`, nor any state file; also where the page has moved since."""
    page = origin.page("/new").serve(incidentio(Report("AAA")), etag=True)
    origin.page("/old").redirect(origin.url("/new"))
    url = origin.url("/old").replace("http://", f"http://me:{SECRET}@")
    file = tmp_path / "mine.toml"
    file.write_text(f'feeds = ["{url}"]\nproviders = [{{ key = "own", feed = "{url}?x" }}]\n')
    other = origin.page("/other").serve(incidentio(), etag=True)
    origin.page("/old?x").redirect(f"http://other:{SECRET}@{origin.url('/other')[7:]}")
    arguments = ("--config", str(file), "--format", "json")

    runs = []
    for _ in range(2):
        runs.append(cli(tmp_path, "--once", "-v", *arguments))
        assert SECRET.encode() not in everything(tmp_path / "state")
    runs.append(cli(tmp_path, "check", "--dump", *arguments))

    assert [each["provider"] for each in objects(runs[0].stdout)] == [origin.url("/old")]
    assert "moved for good" in runs[0].stderr
    assert "***@" in runs[2].stdout
    assert not [run for run in runs if SECRET in run.stdout + run.stderr]
    assert [each.conditional for each in page.requests] == [False, True]
    # Its own, at the place that the redirect names with another one's, too.
    assert {each.header("authorization") for each in (*page.requests, *other.requests)} == {
        b"Basic bWU6czNjcjN0"
    }


def printed(text: str) -> str:
    """What stderr shows of it."""
    return Stderr().format(logging.LogRecord("x", logging.ERROR, "x", 1, text, None, None))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--feed", f"http://me:{SECRET}@a.invalid:99999/"),
        ("--feed", f"http://me:x#{SECRET}@a.invalid/"),
        ("--feed", f"http://me:x {SECRET}@a.invalid/"),
        (f"http://me:{SECRET}@a.invalid/",),
        (f"--fed=http://me:{SECRET}@a.invalid/",),
    ],
    ids=["port", "hash", "blank", "a provider", "an option"],
)
def test_a_password_in_what_is_wrong_is_not_shown(arguments: tuple[str, ...]) -> None:
    """A mistake is named, the password that it holds is not."""
    with pytest.raises(UsageError) as found:
        options.settings(options.watching().parse_intermixed_args(arguments))

    assert "a.invalid" in "".join(found.value.problems)
    assert not [each for each in found.value.problems if SECRET in printed(each)]


@pytest.mark.parametrize("scheme", ["http", "gopher"])
def test_a_password_of_a_proxy_is_not_shown(scheme: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment's proxy is down, or is none: the reason does not quote its address."""
    monkeypatch.setenv("HTTP_PROXY", f"{scheme}://me:{SECRET}@127.0.0.1:9/")
    monkeypatch.setenv("NO_PROXY", "")

    async def work() -> str:
        app = App("http://a.invalid/")
        app.pages[0].pacing = Pacing(failures=1)  # no retry
        poll = await app.scheduler._poll(app.pages[0])
        await app.close()
        return printed(str(poll.error))

    said = asyncio.run(work())
    assert "refused" in said or scheme in said
    assert SECRET not in said
