"""Lines on stderr for programs: JSON, logfmt, and priorities in systemd's journal."""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from efficient_status.errors import Refused
from efficient_status.health import Health
from efficient_status.keys import LOG_FORMATS
from efficient_status.logs import SHAPES
from efficient_status.stderr import Stderr
from tests.app import cli, environment, objects
from tests.faults.test_terminal import NASTY, SECRET, harmful
from tests.feeds import Report, incidentio
from tests.forked import Forked
from tests.origin import Answer, Origin

PAIR = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*"|[^\s"=]+)(?: |$)')


def shaped(name: str, message: str, level: int = logging.WARNING, **fields: Any) -> str:
    """What is written of a record."""
    handler = Stderr()
    handler.shape(name)
    record = logging.LogRecord("x", level, "x", 1, "%s", (message,), None)
    record.__dict__.update(fields)
    return handler.format(record)


def pairs(line: str) -> dict[str, str]:
    """A line of logfmt; it must be nothing but pairs."""
    found = PAIR.findall(line)
    assert " ".join(f"{name}={value}" for name, value in found) == line
    return {name: json.loads(v) if v[0] == '"' else v for name, v in found}


def test_a_poll_is_one_line_with_fields(origin: Origin, tmp_path: Path) -> None:
    """With -v: who, what came of it, what travelled, how long it took, how many events."""
    page = origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    arguments = ("--once", "-v", "--feed", origin.url("/a"), "--log-format", "json")
    runs = [cli(tmp_path, *arguments) for _ in range(2)]
    first, second = (objects(run.stderr) for run in runs)

    assert [[each["event"] for each in lines] for lines in (first, second)] == [["poll"]] * 2
    assert first[0] | {"seconds": 0, "bytes": 0, "time": ""} == {
        "time": "",
        "level": "debug",
        "event": "poll",
        "message": f"{origin.url('/a')}: changed, 1 told",
        "provider": origin.url("/a"),
        "outcome": "changed",
        "status": 200,
        "requests": 1,
        "bytes": 0,
        "seconds": 0,
        "late": 0.0,
        "told": 1,
        "failures": 0,
        "next": None,
    }
    assert (second[0]["outcome"], second[0]["status"], second[0]["told"]) == ("unchanged", 304, 0)
    assert first[0]["bytes"] > second[0]["bytes"] > 100
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first[0]["time"])
    assert page.count == 2


def test_a_page_that_cannot_be_read_is_named_in_a_field(origin: Origin, tmp_path: Path) -> None:
    """As logfmt: the provider's key stands alone, the reason in the message."""
    origin.page("/a").always(Answer(404))
    url = origin.url("/a")
    done = cli(tmp_path, "--once", "--feed", url, "--log-format", "logfmt")
    (said,) = (pairs(line) for line in done.stderr.splitlines())

    assert done.returncode == 1
    assert (said["level"], said["event"], said["provider"]) == ("warning", "failing", url)
    assert said["message"].startswith(f"{url}: cannot be read: ")


def test_a_failure_that_is_said_while_watching_has_its_next_attempt_in_a_field() -> None:
    """What health says of a page: error, status, failures, and seconds until it is asked again."""
    health = Health(watched=2, reads=1)
    health.failed("a", Refused("503", status=503), 2, 60)
    health.recovered("b")
    (line,) = health.failed("a", Refused("503", status=503), 3, 240.0, health.reads)

    assert line.endswith("next attempt in 4 min")
    assert line.fields == {
        "event": "failing",
        "provider": "a",
        "failures": 3,
        "next": 240.0,
        "error": "refused",
        "status": 503,
    }
    assert [(each, each.fields["event"]) for each in health.recovered("a")] == [
        ("a: can be read again", "recovered")
    ]


def test_mistakes_are_said_in_the_format_that_was_asked_for(tmp_path: Path) -> None:
    """A container's log stays JSON when its configuration is wrong."""
    done = cli(tmp_path, "--log-format", "json", "--interval", "0")

    assert done.returncode == 2
    (line,) = objects(done.stderr)
    assert (line["level"], line["event"], line["exit"]) == ("error", "wrong", 2)
    assert line["message"].startswith("--interval: ")


def test_the_format_may_stand_in_the_file(origin: Origin, tmp_path: Path) -> None:
    """`log_format`, as the option."""
    origin.page("/a").serve(incidentio(), etag=True)
    file = tmp_path / "mine.toml"
    file.write_text(f'log_format = "logfmt"\nfeeds = ["{origin.url("/a")}"]', "utf-8")
    done = cli(tmp_path, "--once", "-v", "--config", str(file))

    assert [pairs(line)["event"] for line in done.stderr.splitlines()] == ["poll"]


@given(NASTY, st.none() | st.booleans() | st.integers() | NASTY)
def test_structured_lines_are_one_line_that_harms_no_terminal(text: str, value: object) -> None:
    """Whatever others' servers say: no field ends the line, forges another or moves a cursor."""
    for name in SHAPES:
        line = shaped(name, text, field=value)
        assert line.splitlines() == [line]
        assert harmful(line) == []
    found = json.loads(shaped("json", text, field=value))
    assert list(found) == ["time", "level", "event", "message", "field"]
    assert list(pairs(shaped("logfmt", text, field=value)))[:4] == list(found)[:4]


@pytest.mark.parametrize("name", LOG_FORMATS)
def test_passwords_are_masked_in_every_format_and_field(name: str) -> None:
    """In the message and in fields; what stands behind an address is left whole."""
    url = f"http://me:{SECRET}@a.example.test/x"
    line = shaped(name, f"{url} moved", target=url, mail="ops@example.test")

    assert SECRET not in line
    assert "http://***@a.example.test/x" in line
    if name == "json":
        assert json.loads(line)["mail"] == "ops@example.test"


def test_a_traceback_is_a_field_of_the_same_line() -> None:
    """A bug stays one line, with its lines in it."""
    try:
        pytest.fail("\x1b[31m boom")
    except pytest.fail.Exception:
        trace = sys.exc_info()
    line = shaped("json", "bug", exc_info=trace)

    assert line.splitlines() == [line]
    assert harmful(line) == []
    assert json.loads(line)["traceback"].startswith("Traceback (most recent call last):\n")


def test_dropped_lines_are_counted_in_the_same_format(tmp_path: Path) -> None:
    """No line of text stands among those of JSON, whatever the terminal's encoding."""
    full = os.open("/dev/full", os.O_WRONLY)
    file = os.open(tmp_path / "err", os.O_WRONLY | os.O_CREAT)
    handler = Stderr(full, encoding="ascii")
    handler.shape("json")
    record = logging.LogRecord("x", logging.WARNING, "x", 1, "«é»", None, None)
    handler.emit(record)
    os.dup2(file, full)
    handler.emit(record)
    for each in (full, file):
        os.close(each)

    gap, line = objects((tmp_path / "err").read_text("utf-8"))
    assert (gap["event"], gap["lines"], gap["level"]) == ("dropped", 1, "warning")
    assert line["message"] == "«é»"


@pytest.mark.parametrize("ours", [True, False], ids=["journal", "a file"])
def test_lines_to_the_journal_carry_their_priority(
    origin: Origin, tmp_path: Path, ours: bool
) -> None:
    """Where JOURNAL_STREAM names this stderr, and only there (systemd.exec(5))."""
    origin.page("/a").always(Answer(404))
    with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
        status = os.fstat((err if ours else out).fileno())
        stream = f"{status.st_dev}:{status.st_ino}"
        words = ("--once", "-v", "--feed", origin.url("/a"))
        run = Forked(words, environment(tmp_path, JOURNAL_STREAM=stream), out, err)
        run.wait(10)
    lines = (tmp_path / "err").read_text("utf-8").splitlines()
    marks = ["<7>", "<4>"] if ours else ["", ""]

    assert [line.partition("efficient-status: ")[0] for line in lines] == marks


def test_each_line_of_a_traceback_has_its_priority(monkeypatch: pytest.MonkeyPatch) -> None:
    """The journal takes each line for an entry."""
    status = os.fstat(2)
    monkeypatch.setenv("JOURNAL_STREAM", f"{status.st_dev}:{status.st_ino}")
    try:
        pytest.fail("boom")
    except pytest.fail.Exception:
        line = shaped("text", "bug", logging.DEBUG, exc_info=sys.exc_info())

    assert len(line.splitlines()) > 2
    assert all(each.startswith("<7>") for each in line.splitlines())
