"""`contrib/`: what can be checked of it here, and that its command lines are the program's."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from efficient_status import options
from tests.app import cli, objects
from tests.feeds import Report, incidentio
from tests.origin import Origin

CONTRIB = Path(__file__).parent.parent / "contrib"
UNITS = sorted((CONTRIB / "systemd").iterdir())
SERVICES = [unit for unit in UNITS if unit.suffix == ".service"]
PROGRAM = "/opt/efficient-status/bin/efficient-status"


def by_name(path: Path) -> str:
    return path.name


def directives(unit: Path) -> list[tuple[str, str]]:
    """Key and value, in order."""
    lines = [line for line in unit.read_text("utf-8").splitlines() if re.match(r"\w+=", line)]
    return [(key, value) for key, _, value in (line.partition("=") for line in lines)]


@pytest.mark.parametrize(
    "file",
    [*UNITS, CONTRIB / "cron" / "efficient-status", CONTRIB / "Containerfile"],
    ids=by_name,
)
def test_every_directive_is_explained(file: Path) -> None:
    """By a comment above it; COPY may follow COPY."""
    lines = file.read_text("utf-8").splitlines()
    bare = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if line and line[0] not in "#[" and above[:1] != "#" and above[:4] != line[:4]
    ]
    assert bare == []


@pytest.mark.parametrize("unit", SERVICES, ids=by_name)
def test_the_units_command_works(unit: Path, origin: Origin, tmp_path: Path) -> None:
    """Run once, with systemd's folders in other places."""
    origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)
    (tmp_path / "config.toml").write_text(f'feeds = ["{origin.url("/feed")}"]')
    line = dict(directives(unit))["ExecStart"]
    line = line.replace("${CREDENTIALS_DIRECTORY}", str(tmp_path)).replace("%S", str(tmp_path))
    program, *words = shlex.split(line)
    once = [] if "--once" in words else ["--once"]

    assert program == PROGRAM
    done = cli(tmp_path, *words, *once)
    assert (done.returncode, done.stderr) == (0, "")
    assert [event["event"] for event in objects(done.stdout)] == ["new"]
    assert (tmp_path / "efficient-status" / "state.sqlite3").exists()


def test_both_services_are_hardened_alike() -> None:
    """From the limits on, the files are the same."""
    watcher, once = (dict(directives(unit)) for unit in reversed(SERVICES))
    first = list(watcher).index("MemoryHigh")
    hardening = list(watcher.items())[first:-1]  # without WantedBy

    assert len(hardening) > 30
    assert list(once.items())[-len(hardening) :] == hardening


def test_restarts_cure_no_mistakes() -> None:
    """Exit statuses as the program has them: 1 is a page's, 2 and 3 are the operator's."""
    by_file = {unit.name: dict(directives(unit)) for unit in UNITS}
    assert by_file["efficient-status.service"]["RestartPreventExitStatus"] == "2 3"
    assert by_file["efficient-status-once.service"]["SuccessExitStatus"] == "1"
    assert re.search(r"2 wrong usage.* 3 another run", options.watching().format_help(), re.DOTALL)


def test_systemd_waits_until_it_watches_and_restarts_what_hangs() -> None:
    """The program speaks sd_notify while it watches, and only then."""
    by_file = {unit.name: dict(directives(unit)) for unit in UNITS}
    watcher = by_file["efficient-status.service"]
    assert (watcher["Type"], watcher["NotifyAccess"]) == ("notify", "main")
    assert (watcher["WatchdogSec"], watcher["Restart"]) == ("2min", "on-failure")
    once = by_file["efficient-status-once.service"]
    assert once["Type"] == "oneshot"
    assert "WatchdogSec" not in once


@pytest.fixture
def analysed(tmp_path: Path) -> Path:
    """The units, with a program that exists; skipped where systemd is missing."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd here")
    for unit in UNITS:
        text = unit.read_text("utf-8").replace(PROGRAM, "/bin/true")
        (tmp_path / unit.name).write_text(text, "utf-8")
    return tmp_path


def test_systemd_accepts_the_units(analysed: Path) -> None:
    """No unknown directive, no value that is ignored."""
    done = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(analysed / unit.name for unit in UNITS)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("unit", SERVICES, ids=by_name)
def test_the_services_are_hardened(analysed: Path, unit: Path) -> None:
    """An exposure of at most 1.5 of 10, by systemd's own judgement."""
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--threshold=15", analysed / unit.name],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unrecognized option" in done.stderr:  # before 250
        pytest.skip("this systemd judges running services only")
    assert done.returncode == 0, done.stdout.splitlines()[-1:]


def test_the_timer_is_not_everybodys() -> None:
    """It starts the service of its name, away from the full hour, always at the same distance."""
    timer = dict(directives(CONTRIB / "systemd" / "efficient-status-once.timer"))
    assert (timer["OnCalendar"], timer["FixedRandomDelay"]) == ("*:0/5", "yes")
    assert timer["RandomizedDelaySec"] == "4min"


def test_the_cron_line() -> None:
    """Five fields, a user, and words that the program understands."""
    *_, line = (CONTRIB / "cron" / "efficient-status").read_text("utf-8").splitlines()
    minute, *others, user, program = line.split()[:7]
    words, _, target = line.partition(f" {program} ")[2].partition(" >> ")

    assert (minute, others, user) == ("3-58/5", ["*"] * 4, "efficient-status")
    assert "%" not in line  # a line break to cron
    assert target == '"$HOME/events.jsonl"'
    assert program == "efficient-status"
    asked = options.watching().parse_intermixed_args(words.split()[1:])
    assert (asked.once, asked.quiet, asked.format, asked.providers) == (True, True, "json", [])


def test_the_image_runs_without_root() -> None:
    """Two stages, pinned bases, a numeric user, exec form throughout; what is copied exists."""
    text = (CONTRIB / "Containerfile").read_text("utf-8")
    steps = [line.split(" ", 1) for line in text.splitlines() if re.match(r"[A-Z]+ ", line)]
    stages = [words.split()[0] for step, words in steps if step == "FROM"]
    last = steps[[step for step, _ in steps].index("FROM", 1) :]

    assert len(stages) == 2
    assert all(re.search(r":\d+\.\d+-slim-\w+$", base) for base in stages)
    assert ["USER", "65532:65532"] in last
    assert "RUN" not in {step for step, _ in last}  # nothing runs as root where it is used
    for step, words in steps:
        if step in ("RUN", "ENTRYPOINT", "CMD", "VOLUME"):
            assert all(isinstance(word, str) for word in json.loads(words))
        if step == "COPY" and not words.startswith("--from"):
            *sources, _ = words.split()
            assert all((CONTRIB.parent / source).exists() for source in sources)
    entry, command = (json.loads(words) for _, words in steps[-2:])
    assert entry == ["efficient-status"]
    assert options.watching().parse_args(command).format == "json"
