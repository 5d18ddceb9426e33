"""The command line: wishes, mistakes, exit status."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from tests.app import cli, command, environment, objects
from tests.feeds import Report, incidentio, minute
from tests.origin import Origin


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--interval", "0"), "--interval: expected a number of seconds > 0, got 0.0"),
        (("--interval", "soon"), "--interval: expected a number of seconds > 0, got 'soon'"),
        (("--interval", "nan"), "--interval: expected a number of seconds > 0"),
        (("--host-spacing", "-1"), "--host-spacing: expected a number of seconds >= 0"),
        (("--format", "xml"), "--format: expected «text» or «json», got 'xml'"),
        (("--backfill", "many"), "--backfill: expected a whole number >= 0, or «all»"),
        (("--backfill", "-1"), "--backfill"),
        (("--feed", "status.example.test/feed"), "--feed: expected an http(s) URL"),
        (("--nonsense",), "unrecognized arguments: --nonsense"),
        (("--intervall", "5"), "--intervall: did you mean --interval?"),
        (("--host=5", "--color"), "--host=5 --color: did you mean --host-spacing?"),
        (("-v", "-q"), "not allowed with"),
        (("opnai",), "unknown provider «opnai»: did you mean openai?"),
        (("claudee",), "unknown provider «claudee»: did you mean claude?"),
        (("openai", "list"), "unknown provider «list»: did you mean the command list?"),
        (("chek",), "unknown provider «chek»: did you mean the command check?"),
        (("--group", "cluod"), "unknown group «cluod»: did you mean cloud?"),
        (("--config", "/nowhere/config.toml"), "/nowhere/config.toml: cannot be read"),
        (("--state-dir", "/dev/null/x"), "/dev/null/x: cannot be used as state folder"),
    ],
)
def test_wrong_usage_is_one_clear_line_and_exit_2(
    tmp_path: Path, arguments: tuple[str, ...], said: str
) -> None:
    """What, expected, got; nothing on stdout, no traceback."""
    done = cli(tmp_path, "--once", *arguments)

    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert all(line.startswith("efficient-status: ") for line in done.stderr.splitlines())


def test_every_mistake_is_said_at_once(tmp_path: Path) -> None:
    """Those of the command line and those of the file, each with its key."""
    file = tmp_path / "mine.toml"
    file.write_text('interval = "often"\ncolour = true\nproviders = ["opnai", {name = "X"}]\n')

    done = cli(tmp_path, "--once", "--config", str(file), "--format", "xml", "githb")

    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert [key for key in ("--format", "githb") if any(key in line for line in lines)] == [
        "--format",
        "githb",
    ]
    for key in ("interval", "colour", "providers[0]", "providers[1].key"):
        assert any(f"{file}: {key}: " in line for line in lines), key


def test_options_may_stand_between_providers(origin: Origin, tmp_path: Path) -> None:
    """`a --once b` watches both."""
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    file = tmp_path / "mine.toml"
    row = '{{ key = "{}", feed = "{}" }}'
    rows = ", ".join(row.format(key, origin.url("/a") + f"?{key}") for key in ("one", "two", "six"))
    file.write_text(f"providers = [{rows}]")

    done = cli(tmp_path, "one", "--once", "two", "--config", str(file), "--format", "json", "-q")

    assert sorted(event["provider"] for event in objects(done.stdout)) == ["one", "two"]


def test_the_default_file_is_found(origin: Origin, tmp_path: Path) -> None:
    """$XDG_CONFIG_HOME/efficient-status/config.toml, where it exists."""
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    folder = tmp_path / "config" / "efficient-status"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(f'feeds = ["{origin.url("/a")}"]\nformat = "json"\n')

    done = cli(tmp_path, "--once")

    assert [event["event"] for event in objects(done.stdout)] == ["new"]
    assert (tmp_path / "state" / "efficient-status" / "state.sqlite3").exists()


@pytest.mark.parametrize(("backfill", "told"), [("0", 1), ("1", 2), ("2", 3), ("all", 6)])
def test_backfill_limits_what_is_closed_never_what_is_open(
    origin: Origin, tmp_path: Path, backfill: str, told: int
) -> None:
    """One open and five closed incidents at first contact."""
    closed = [Report(f"C0{n}", state="Resolved", at=minute(-n * 60)) for n in range(1, 6)]
    opened = Report("OPN", at=minute(-120.5))
    origin.page("/a").serve(incidentio(*closed[:2], opened, *closed[2:]), etag=True)

    done = cli(
        tmp_path, "--once", "--backfill", backfill, "--format", "json", "--feed", origin.url("/a")
    )

    events = objects(done.stdout)
    assert len(events) == told
    assert "OPN" in {event["incident"][-3:] for event in events}
    assert [event["updated_at"] for event in events] == sorted(e["updated_at"] for e in events)


def test_memory_keeps_nothing(origin: Origin, tmp_path: Path) -> None:
    """`--state-dir :memory:` leaves no file and tells again next time."""
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    arguments = ("--once", "--state-dir", ":memory:", "--format", "json")

    runs = [cli(tmp_path, *arguments, "--feed", origin.url("/a")) for _ in range(2)]

    assert [len(objects(run.stdout)) for run in runs] == [1, 1]
    assert list(tmp_path.iterdir()) == []


def test_haste_towards_others_is_warned_of_once(tmp_path: Path) -> None:
    """Below 10 s for a host that is not loopback: one line; on loopback none."""
    with Origin() as origin:
        url = origin.url("/")
    common = ("--once", "--interval", "1", "--state-dir", ":memory:")

    # .invalid never resolves (RFC 6761), and the names of two hosts make one warning.
    far = cli(tmp_path, *common, "--feed", "http://a.invalid/", "--feed", "http://b.invalid/")
    near = cli(tmp_path, *common, "--feed", url)

    assert far.stderr.count("rude") == 1
    assert far.returncode == 1
    assert "cannot be resolved" in far.stderr
    assert "rude" not in near.stderr


def test_text_and_local_time(origin: Origin, tmp_path: Path) -> None:
    """Local time by default, UTC on request."""
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    arguments = ("--once", "--state-dir", ":memory:", "--feed", origin.url("/a"))

    local = cli(tmp_path, *arguments, TZ="America/New_York")
    utc = cli(tmp_path, *arguments, "--utc", TZ="America/New_York")

    assert local.stdout.startswith("[2026-03-04 04:00:00] Example AI\nProduct: Example AI (Chat)\n")
    assert utc.stdout.startswith("[2026-03-04 09:00:00] Example AI\n")
    assert utc.stdout.endswith("\n\n")


def test_a_state_of_a_newer_version_is_refused_and_untouched(
    origin: Origin, tmp_path: Path
) -> None:
    """Exit 2, one line, not a byte changed, nothing asked."""
    import sqlite3

    page = origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    arguments = ("--once", "--state-dir", str(tmp_path / "kept"), "--feed", origin.url("/a"))
    cli(tmp_path, *arguments)
    path = tmp_path / "kept" / "state.sqlite3"
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version = 999")
        database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    before = path.read_bytes()

    done = cli(tmp_path, *arguments)

    assert done.returncode == 2
    assert "newer efficient_status" in done.stderr
    assert path.read_bytes() == before
    assert page.count == 1


def test_a_closed_stdout_is_refused(origin: Origin, tmp_path: Path) -> None:
    """`>&-`: its descriptor would become that of the state, and events would be written there."""
    page = origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    line = shlex.join(command("--once", "--feed", origin.url("/a")))
    done = subprocess.run(
        f"{line} >&-",
        shell=True,
        env=environment(tmp_path),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert done.returncode == 2
    assert "stdout is closed" in done.stderr
    assert page.count == 0


def test_credentials_never_reach_an_event(origin: Origin, tmp_path: Path) -> None:
    """The key of a bare feed is its URL, without its password."""
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    url = origin.url("/a").replace("http://", "http://me:secret@")

    done = cli(tmp_path, "--once", "--format", "json", "--feed", url)

    assert objects(done.stdout)[0]["provider"] == origin.url("/a")
    assert "secret" not in done.stdout


def test_credentials_are_sent_and_never_shown(origin: Origin, tmp_path: Path) -> None:
    """A URL with a password works, and no line carries it."""
    url = origin.url("/a").replace("http://", "http://me:secret@")
    done = cli(tmp_path, "--once", "-v", "--feed", url)

    assert origin.requests("/a")[0].header("authorization") == b"Basic bWU6c2VjcmV0"
    assert done.returncode == 1
    assert "secret" not in done.stderr + done.stdout
