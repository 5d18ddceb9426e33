"""One delivery: a real command, or Apprise, which speaks to a real receiver on loopback."""

from __future__ import annotations

import asyncio
import importlib.util
import json
import logging
import os
import shlex
import time
from contextlib import suppress
from pathlib import Path

import pytest

from efficient_status.notify import Target, send
from efficient_status.notify.child import Delivery, Outcome, deliver
from efficient_status.outputs import jsonl
from tests.app import until
from tests.origin import Answer, Origin
from tests.outputs.events import event

apprise = pytest.mark.skipif(
    importlib.util.find_spec("apprise") is None, reason="Apprise is not installed"
)
LINES = [jsonl.line(event(id=each)) for each in "ab"]


def shell(script: str, timeout: float = 10.0) -> Target:
    """A target that is a shell script."""
    return Target("ops", command=("sh", "-c", script), timeout=timeout)


def delivered(target: Target) -> Delivery:
    return asyncio.run(deliver(target, LINES))


def test_a_command_gets_the_events_as_json_lines(tmp_path: Path) -> None:
    """One object a line on stdin, as `--format json` writes them; then the end of file."""
    came = delivered(shell(f"cat > {shlex.quote(str(tmp_path / 'got'))}"))

    assert came.outcome is Outcome.DELIVERED
    assert (tmp_path / "got").read_text("utf-8") == "".join(LINES)


@pytest.mark.parametrize(
    ("script", "came"),
    [
        ("exit 0", Delivery(Outcome.DELIVERED)),
        ("exit 1", Delivery(Outcome.FAILED, "exit status 1")),
        ("exit 75", Delivery(Outcome.FAILED, "exit status 75")),
        ("exit 65", Delivery(Outcome.UNFIT, "exit status 65")),
        ("exit 78", Delivery(Outcome.REFUSED, "exit status 78")),
        ("kill -9 $$", Delivery(Outcome.FAILED, "killed by signal 9")),
    ],
)
def test_what_an_exit_status_means(script: str, came: Delivery) -> None:
    """After sysexits.h; nobody is obliged to read the events."""
    assert delivered(shell(script)) == came


def test_a_command_that_is_not_there() -> None:
    """It has to be put right; nothing is raised."""
    came = delivered(Target("ops", command=("/no/such/program",)))

    assert came == Delivery(Outcome.REFUSED, "it cannot be run: No such file or directory")


def test_a_command_that_takes_too_long_is_killed_with_all_it_has_started(tmp_path: Path) -> None:
    """Its whole group, since a shell's child outlives the shell."""
    came = delivered(shell(f"sleep 600 & echo $! > {tmp_path / 'pid'}; wait", timeout=0.3))

    assert came == Delivery(Outcome.FAILED, "not done within 0.3 s")
    assert _ends(int((tmp_path / "pid").read_text()))


def test_a_delivery_that_is_cancelled_leaves_nobody_behind(tmp_path: Path) -> None:
    """As when the program is told to end, and its grace is over."""

    async def work() -> None:
        pid = tmp_path / "pid"
        task = asyncio.create_task(deliver(shell(f"echo $$ > {pid}; exec sleep 600"), LINES))
        await until(lambda: pid.exists() and pid.read_text())
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task

    asyncio.run(work())
    assert _ends(int((tmp_path / "pid").read_text()))


def _ends(pid: int) -> bool:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        with suppress(FileNotFoundError):
            if ") Z " in Path(f"/proc/{pid}/stat").read_text():
                return True  # nobody has asked for its status, as in a container without init
        time.sleep(0.01)
    return False


def test_who_is_left_in_the_background_is_not_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    """It may hold the output open for hours."""
    with caplog.at_level(logging.DEBUG, logger="efficient_status"):
        came = delivered(shell("echo first; sleep 2 & echo last", timeout=1.5))

    assert came.outcome is Outcome.DELIVERED
    assert "notify: ops: its command said: first last" in caplog.messages


def test_what_a_command_says_is_bounded(caplog: pytest.LogCaptureFixture) -> None:
    """A megabyte on stderr is read, the end of it is kept."""
    with caplog.at_level(logging.DEBUG, logger="efficient_status"):
        came = delivered(shell("head -c 1000000 /dev/zero | tr '\\0' x >&2; echo end"))

    [said] = [line for line in caplog.messages if "said" in line]
    assert came.outcome is Outcome.DELIVERED
    assert said.endswith("xend")
    assert len(said) < 2_100


def test_events_larger_than_a_pipe_arrive(tmp_path: Path) -> None:
    """All of them, while the command reads slowly."""
    lines = [jsonl.line(event(message="x" * 100_000)) for _ in range(3)]
    target = shell(f"sleep 0.05; wc -c > {tmp_path / 'got'}")
    came = asyncio.run(deliver(target, lines))

    assert came.outcome is Outcome.DELIVERED
    assert int((tmp_path / "got").read_text()) == len("".join(lines))


def test_what_an_http_status_means() -> None:
    """To the child that speaks to Apprise: whose fault it is, in exit statuses."""
    said = {status: send._MEANING.get(status, 75) for status in (400, 401, 404, 429, 500, 503)}

    assert said == {400: 65, 401: 77, 404: 67, 429: 75, 500: 75, 503: 75}


@apprise
def test_apprise_delivers_and_says_what_a_receiver_has_answered(
    origin: Origin, caplog: pytest.LogCaptureFixture
) -> None:
    """The words arrive in the body; a status is an outcome; the address is in no reason."""
    answers = {"well": 200, "gone": 404}
    for name, status in answers.items():
        origin.page(f"/{name}").always(Answer(status))
    base = origin.base.replace("http://", "json://user:secret@")
    targets = [Target(name, address=f"{base}/{name}") for name in answers]
    targets.append(Target("unknown", address="nosuchservice://secret"))

    async def work() -> list[Delivery]:
        return await asyncio.gather(*(deliver(target, LINES) for target in targets))

    with caplog.at_level(logging.DEBUG, logger="efficient_status"):
        came = asyncio.run(work())

    assert came == [
        Delivery(Outcome.DELIVERED),
        Delivery(Outcome.REFUSED, "HTTP 404"),
        Delivery(Outcome.REFUSED, "Apprise does not understand its target"),
    ]
    sent = json.loads(origin.requests("/well")[0].body)
    assert (sent["title"], sent["type"]) == ("2 events: Example", "failure")
    assert sent["message"].startswith("Example: Elevated Error Rate\nInvestigating - We are")
    assert "secret" not in caplog.text
