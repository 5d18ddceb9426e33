"""From a page that changes to a receiver that was told, through the real program."""

from __future__ import annotations

import importlib.util
import json
import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from efficient_status.errors import UsageError
from efficient_status.notify import Target, ready
from tests.app import cli, environment, here, objects
from tests.feeds import Report, incidentio, minute
from tests.forked import Forked
from tests.notify.test_child import apprise
from tests.origin import Answer, Origin

ONE = Report("ONE", at=minute(1))
OLD = Report("OLD", state="Resolved", at=minute(-900))
OLE = Report("OLE", state="Resolved", at=minute(-990))


def configured(folder: Path, origin: Origin, *lines: str) -> str:
    """A configuration of one page and one target, and its name."""
    file = folder / "config.toml"
    head = (f'feeds = ["{origin.url("/feed")}"]', "[[notify]]", 'name = "ops"')
    file.write_text("\n".join([*head, *lines]), "utf-8")
    return str(file)


def script(folder: Path, text: str) -> str:
    """The target as a command that appends what it gets to a file, and then this."""
    command = json.dumps(["sh", "-c", f"cat >> {folder / 'got'}; {text}"])
    return f"exec = {command}"


def got(folder: Path) -> list[tuple[str, str]]:
    """What was delivered: what happened to which incident."""
    file = folder / "got"
    lines = objects(file.read_text("utf-8")) if file.exists() else []
    return [(line["event"], line["incident"][-3:]) for line in lines]


def soon(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_cron_run_delivers_what_is_open_and_then_what_is_new(
    origin: Origin, tmp_path: Path
) -> None:
    """First contact does not flood; a failing target changes neither stdout nor the exit status."""
    page = origin.page("/feed").serve(incidentio(ONE, OLD, OLE), etag=True)
    file = configured(tmp_path, origin, script(tmp_path, "test ! -e no"))
    first = cli(tmp_path, "--once", "--backfill", "all", "--format", "json", "--config", file)
    assert (first.returncode, first.stderr) == (0, "")
    assert len(objects(first.stdout)) == 3
    assert got(tmp_path) == [("new", "ONE")]

    page.serve(incidentio(replace(ONE, state="Resolved", at=minute(3)), OLD), etag=True)
    broken = configured(tmp_path, origin, 'exec = ["false"]')
    failed = cli(tmp_path, "--once", "--format", "json", "--config", broken)
    assert (failed.returncode, len(objects(failed.stdout))) == (0, 1)
    assert failed.stderr == (
        "efficient-status: notify: ops: 1 event left to the next run (exit status 1)\n"
    )
    listed = cli(tmp_path, "notify", "pending", "--config", broken)
    assert listed.stdout.split("\t")[0::2] == ["ops", origin.url("/feed"), "Slow answers\n"]


@apprise
def test_a_notification_survives_a_kill_between_the_event_and_its_delivery(
    origin: Origin, tmp_path: Path
) -> None:
    """Told on stdout, waiting for its batch, `kill -9`: the next run delivers it over real HTTP."""
    origin.page("/feed").serve(incidentio(ONE), etag=True)
    hook = origin.page("/hook").always(Answer(200))
    address = origin.base.replace("http://", "json://user:secret-token@")
    file = configured(tmp_path, origin, f'target = "{address}/hook"', "batch_seconds = 600")
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        run = Forked(("-v", "--config", file), environment(tmp_path), out, err)
        try:
            soon(lambda: b"1 told" in os.pread(err.fileno(), 9_999, 0))  # and remembered
        finally:
            run.kill()
            run.wait(10)
        err.seek(0)
        said = err.read()
    assert hook.count == 0

    again = cli(tmp_path, "--once", "-v", "--config", file)

    assert again.stdout == ""
    assert [json.loads(request.body)["title"] for request in hook.requests] == [
        "Example AI: Slow answers"
    ]
    kept = [path.read_bytes() for path in (tmp_path / "state").rglob("*") if path.is_file()]
    assert len(kept) >= 4
    assert not any(b"secret-token" in each for each in kept)
    assert "secret-token" not in said + again.stderr
    dumped = cli(tmp_path, "check", "--dump", "--config", file)
    assert 'target = "json://***"' in dumped.stdout
    assert "secret-token" not in dumped.stdout


def test_watching_delivers_and_ends_in_the_middle_of_a_batch(
    origin: Origin, tmp_path: Path
) -> None:
    """SIGTERM: what waits stays, and the next run delivers it."""
    page = origin.page("/feed").serve(incidentio(ONE), etag=True)
    options = ("--interval", "0.05", "--config")
    file = configured(tmp_path, origin, script(tmp_path, ":"), "batch_seconds = 0")
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        run = Forked((*options, file), environment(tmp_path), out, err)
        try:
            soon(lambda: got(tmp_path) == [("new", "ONE")])
            run.terminate()
            assert run.wait(10) == 0
            slow = configured(tmp_path, origin, script(tmp_path, ":"), "batch_seconds = 600")
            run = Forked((*options, slow), environment(tmp_path), out, err)
            size = out.seek(0, 2)
            page.serve(incidentio(replace(ONE, state="Identified", at=minute(2))), etag=True)
            soon(lambda: out.seek(0, 2) > size)
            run.terminate()
            assert run.wait(10) == 0
        finally:
            run.kill()
    assert got(tmp_path) == [("new", "ONE")]

    cli(tmp_path, "--once", "--config", slow)
    assert got(tmp_path) == [("new", "ONE"), ("update", "ONE")]


def test_nothing_is_kept_in_memory_mode(origin: Origin, tmp_path: Path) -> None:
    """`--state-dir :memory:`: delivered all the same."""
    origin.page("/feed").serve(incidentio(ONE), etag=True)
    file = configured(tmp_path, origin, script(tmp_path, ":"))
    cli(tmp_path, "--once", "--state-dir", ":memory:", "--config", file)

    assert got(tmp_path) == [("new", "ONE")]
    assert not (tmp_path / "state").exists()


def test_what_is_missing_is_said_at_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The extra, a variable, a file, what stands in it: each a line, all at once, no secret."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    monkeypatch.setenv("HOOK", "slack//token")
    (tmp_path / "hook").write_text("json://127.0.0.1/token\n")
    targets = [
        Target("a", address="env:NO_SUCH"),
        Target("b", address=f"file:{tmp_path}/none"),
        Target("c", address="env:HOOK"),
        Target("d", command=("true",)),
    ]
    with pytest.raises(UsageError) as caught:
        ready(targets)
    assert caught.value.problems == [
        "notify: a: env:NO_SUCH: there is no such variable",
        f"notify: b: file:{tmp_path}/none: cannot be read (No such file or directory)",
        "notify: c: env:HOOK: expected an Apprise URL in it",
    ]
    with pytest.raises(UsageError) as caught:
        ready([Target("d", address=f"file:{tmp_path}/hook")])
    assert caught.value.problems == [
        "notify: target «d» needs the extra: pip install 'efficient-status[notify]'"
    ]
    monkeypatch.undo()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: True)
    [opened] = ready([Target("d", address=f"file:{tmp_path}/hook")])
    assert opened.address == "json://127.0.0.1/token"


def test_wrong_at_the_start_is_exit_2_before_any_request(origin: Origin, tmp_path: Path) -> None:
    """Nobody learns of it at the first outage."""
    file = configured(tmp_path, origin, 'target = "env:NO_SUCH_VARIABLE"')
    done = cli(tmp_path, "--once", "--config", file)

    assert done.returncode == 2
    assert done.stderr == (
        "efficient-status: notify: ops: env:NO_SUCH_VARIABLE: there is no such variable\n"
    )
    assert origin.log == []


def test_notify_test_tries_each_target(
    origin: Origin, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """At once, with an invented event; exit status 1 where one does not take it."""
    file = configured(tmp_path, origin, script(tmp_path, ":"))
    with Path(file).open("a", encoding="utf-8") as more:
        more.write('\n[[notify]]\nname = "bad"\nexec = ["false"]')

    assert here("notify", "test", "--config", file) == 1
    assert capfd.readouterr().out == (
        "ops (sh): delivered\nbad (false): not delivered (exit status 1)\n"
    )
    assert here("notify", "test", "ops", "--config", file) == 0
    assert got(tmp_path) == [("new", "est")] * 2
    assert here("notify", "test", "oops", "--config", file) == 2
    assert here("notify", "pending", "--config", file) == 0
    assert "no target «oops»: expected one of ops, bad" in capfd.readouterr().err
    assert here("notify", "pending") == 2
    assert "the configuration has no [[notify]]: expected one" in capfd.readouterr().err
