"""What a cron run loads: counted, since start-up is most of what it costs."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from efficient_status.state.sqlite import SqliteState
from tests.app import environment
from tests.feeds import Report, incidentio
from tests.origin import Origin

SCRIPT = """
import json, sys
from efficient_status.main import main
status = main(sys.argv[1:])
print(json.dumps([status, sorted(sys.modules)]), file=sys.stderr)
"""
# Modules of the standard library, of the four packages and of our own; 3.11 to 3.13 differ a little.
MOST = 430


def modules(folder: Path, *arguments: str) -> set[str]:
    """What is in `sys.modules` at the end of a run."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, *arguments],
        env=environment(folder),
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    status, found = json.loads(done.stderr.splitlines()[-1])
    assert status == 0
    return set(found)


@pytest.fixture
def unchanged(origin: Origin, tmp_path: Path) -> set[str]:
    """Loaded by `--once` for one page that has not changed."""
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    arguments = ("--once", "--feed", origin.url("/a"))
    modules(tmp_path, *arguments)
    return modules(tmp_path, *arguments)


def test_a_cron_run_loads_no_more_than_it_needs(unchanged: set[str]) -> None:
    """No platform, no parser, no command, no retry, no catalogue."""
    ours = {name for name in unchanged if name.startswith("efficient_status.")}
    platforms = {name.rpartition(".")[2] for name in ours if ".providers." in name}

    # httpx loads its own command line where click, rich and pygments lie about.
    foreign = {name for name in unchanged if name.split(".")[0] in ("click", "rich", "pygments")}
    assert len(unchanged - foreign) <= MOST, len(unchanged - foreign)
    assert platforms == {"dialect"}  # nothing is read, so no platform and no parser
    assert not unchanged & {"defusedxml", "xml.parsers.expat", "html.parser"}
    assert not {name for name in ours if name.startswith("efficient_status.commands.")}
    assert not {name for name in ours if name.startswith("efficient_status.notify")}
    assert not ours & {
        "efficient_status.demo",
        "efficient_status.instruments",
        "efficient_status.logs",
        "efficient_status.metrics",
        "efficient_status.pulse",
        "efficient_status.systemd",
        "efficient_status.opml",
        "efficient_status.picture",
        "efficient_status.plugins",
        "efficient_status.refresh",
        "efficient_status.screen",
        "efficient_status.state.memory",
    }
    assert not unchanged & {"prometheus_client", "tenacity", "redis", "multiprocessing"}


def test_a_look_at_the_state_loads_no_http(tmp_path: Path) -> None:
    """Neither the HTTP library nor rich, which is for terminals."""
    SqliteState(tmp_path / "state.sqlite3").close()
    loaded = modules(tmp_path, "status", "--state-dir", str(tmp_path))

    assert "efficient_status.commands.status" in loaded
    assert not loaded & {"httpx", "hishel", "rich.console", "efficient_status.fetch"}
