"""sd_notify: what systemd hears of us, on a real datagram socket."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from efficient_status.models import Pacing, Provider
from efficient_status.poller import Page, Poll
from efficient_status.pulse import Pulse
from efficient_status.state import open_state
from efficient_status.systemd import supervisor
from tests.app import App, cli, environment, polled, until
from tests.feeds import Report, incidentio
from tests.forked import Forked
from tests.origin import Answer, Origin


class Ear:
    """systemd's end."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(name.replace("@", "\0", 1))
        self._socket.settimeout(10)

    def hear(self) -> str:
        """The next message."""
        return self._socket.recv(4_096).decode()

    def heard(self) -> list[str]:
        """All that is there."""
        self._socket.setblocking(False)
        found = []
        try:
            while True:
                found.append(self.hear())
        except BlockingIOError:
            return found

    def close(self) -> None:
        """Hear no more."""
        self._socket.close()


@pytest.fixture(params=["a path", "an abstract name"])
def ear(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Ear]:
    """Both kinds of address."""
    name = str(tmp_path / "notify")
    found = Ear(name if request.param == "a path" else f"@{name}")
    yield found
    found.close()


def test_systemd_hears_when_we_are_ready_how_it_goes_and_that_we_stop(
    ear: Ear, origin: Origin, tmp_path: Path
) -> None:
    """READY once the pages are being watched, WATCHDOG twice in its time, STOPPING after SIGTERM."""
    page = origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    told = environment(tmp_path, NOTIFY_SOCKET=ear.name, WATCHDOG_USEC="200000")
    with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
        run = Forked(("-q", "--feed", origin.url("/a")), told, out, err)
        try:
            first, *beats = (ear.hear() for _ in range(4))
            deadline = time.monotonic() + 10
            while not page.count and time.monotonic() < deadline:
                time.sleep(0.01)
        finally:
            run.terminate()
            run.wait(10)

    assert first == "READY=1\nSTATUS=watching 1 page"
    assert beats == ["WATCHDOG=1"] * 3
    assert ear.heard()[-1] == "STOPPING=1"
    assert page.count == 1
    assert (run.returncode, (tmp_path / "err").read_text()) == (0, "")


def test_a_cron_run_tells_systemd_nothing(origin: Origin, tmp_path: Path) -> None:
    """`--once` is a unit of Type=oneshot: it is done when it has ended."""
    origin.page("/a").serve(incidentio(), etag=True)
    ear = Ear(str(tmp_path / "notify"))
    done = cli(tmp_path, "--once", "--feed", origin.url("/a"), NOTIFY_SOCKET=ear.name)
    heard = ear.heard()
    ear.close()

    assert (done.returncode, heard) == (0, [])


async def watched(app: App, ear: Ear, heard: list[str], until_heard: str, **env: str) -> None:
    """Watch until systemd has heard this."""
    pulse = Pulse(app.pages, app.state, patience=60)
    told = supervisor({"NOTIFY_SOCKET": ear.name, **env}, pulse)
    assert told is not None
    app.scheduler._observers = [pulse.observe, told.observe]

    def hearing() -> bool:
        heard.extend(ear.heard())
        return until_heard in heard

    async with told:
        await app.watch_while(lambda: until(hearing))
    await app.close()


def test_the_status_counts_pages_that_fail_for_good(origin: Origin, tmp_path: Path) -> None:
    """As the lines on stderr do: from the third poll in a row on."""
    origin.page("/a").serve(incidentio(), etag=True)
    origin.page("/b").then(*[Answer(404)] * 3).serve(incidentio(), etag=True)
    ear, heard = Ear(str(tmp_path / "notify")), list[str]()

    async def play() -> None:
        app = App(origin.url("/a"), origin.url("/b"), interval=0.02)
        app.pages[1].pacing = Pacing(failures=2)
        await watched(app, ear, heard, "STATUS=watching 2 pages, 1 failing")

    asyncio.run(play())
    ear.close()

    assert heard == [
        "READY=1\nSTATUS=watching 2 pages",
        "STATUS=watching 2 pages, 1 failing",
    ]


def test_a_socket_that_is_gone_is_said_and_stops_nothing(
    origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """systemd was restarted, or the address is wrong: pages are watched all the same."""
    page = origin.page("/a").serve(incidentio(), etag=True)

    async def play() -> None:
        app = App(origin.url("/a"), interval=0.02)
        pulse = Pulse(app.pages, app.state, patience=60)
        told = supervisor(
            {"NOTIFY_SOCKET": str(tmp_path / "nowhere"), "WATCHDOG_USEC": "20000"}, pulse
        )
        assert told is not None
        async with told:
            await app.watch_while(lambda: polled(page, 3))
        await app.close()

    asyncio.run(play())
    assert [each.getMessage() for each in caplog.records if each.levelname == "WARNING"] == [
        f"NOTIFY_SOCKET={tmp_path}/nowhere: cannot be told (No such file or directory)"
    ]


@pytest.mark.parametrize(
    ("env", "seconds"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 30.0),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": str(os.getpid())}, 30.0),
        ({"WATCHDOG_USEC": "0"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
    ids=["seconds", "another's", "ours", "none", "nonsense", "nothing"],
)
def test_whose_watchdog_it_is(env: dict[str, str], seconds: float | None) -> None:
    """sd_watchdog_enabled(3): the one whose pid is named, with a time that is one."""

    async def made() -> float | None:
        found = supervisor({"NOTIFY_SOCKET": "@x", **env}, Pulse([], open_state(None), patience=1))
        assert found is not None
        found._socket.close()
        return found._watchdog

    assert asyncio.run(made()) == seconds


def test_an_address_of_another_family_is_left_alone() -> None:
    """vsock and what may come: it is as if there were none."""

    async def made() -> object:
        return supervisor({"NOTIFY_SOCKET": "vsock:2:1"}, Pulse([], open_state(None), patience=1))

    assert asyncio.run(made()) is None


def page_due(seconds: float) -> Page:
    """A page whose poll is due so many seconds from now."""
    found = Page(Provider("a", "A", "http://127.0.0.1/"), Pacing(), "")
    found.due = asyncio.get_running_loop().time() + seconds
    return found


@pytest.mark.parametrize(
    ("due", "waiting", "beats"),
    [(-9, False, False), (-9, True, True), (9, False, True)],
    ids=["stuck", "a reader of events is waited for", "nothing is due"],
)
def test_the_watchdog_is_fed_while_polls_end(
    tmp_path: Path, due: float, waiting: bool, beats: bool, caplog: pytest.LogCaptureFixture
) -> None:
    """A loop that turns is not enough: where polls are due and none ends, systemd may restart us."""
    ear = Ear(str(tmp_path / "notify"))

    async def play() -> None:
        page = page_due(due)
        pulse = Pulse([page], open_state(None), patience=0.01, waiting=lambda: waiting)
        await asyncio.sleep(0.02)
        told = supervisor({"NOTIFY_SOCKET": ear.name, "WATCHDOG_USEC": "9000000"}, pulse)
        assert told is not None
        async with told:
            await asyncio.sleep(0)
        pulse.observe(page, Poll("unchanged"))
        assert pulse.stuck() == ""

    asyncio.run(play())
    heard = ear.heard()
    ear.close()
    assert ("WATCHDOG=1" in heard) is beats
    said = [each.getMessage() for each in caplog.records if each.levelname == "ERROR"]
    assert ["1 due: the watchdog is not told" in line for line in said] == ([] if beats else [True])
