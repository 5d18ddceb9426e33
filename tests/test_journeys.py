"""Whole lives of pages over real HTTP: exactly the expected events, each once, and at what cost."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from dataclasses import replace
from fcntl import ioctl
from pathlib import Path
from termios import FIONREAD
from typing import Any

import pytest

from efficient_status import poller, providers
from efficient_status.detect import Wishes
from tests.app import App, cli, environment, objects, polled, start, until
from tests.feeds import Report, Timeline, incidentio, minute, statuspage
from tests.forked import Forked
from tests.origin import Answer, Origin, Page

Short = tuple[str, str, str]


def life_of_a_page() -> list[tuple[str, list[Short]]]:
    """Forty versions of an incident.io page, and the events each must bring."""
    old = Report("OLD", state="Resolved", at=minute(-9000), components=("API (Operational)",))
    older = replace(old, id="OLE", at=minute(-9900))
    chat = ("Chat (Degraded performance)", "Login (Partial outage)", "API (v2) (Operational)")
    aaa = Report("AAA", at=minute(1), components=chat)
    aaa2 = replace(aaa, state="Identified", message="A bad deploy.", at=minute(5))
    aaa3 = replace(aaa2, state="Monitoring", message="A fix is live.", at=minute(9))
    aaa4 = replace(aaa3, state="Resolved", message="It works again.", at=minute(12))
    pin = Report("PIN", title="Database upgrade", state="Scheduled", at=minute(13))
    bbb = Report("BBB", title="Logins fail", at=minute(15))
    bbb2 = replace(bbb, message="We are still looking.", at=minute(18))
    bbb3 = replace(bbb2, state="Resolved", message="All is well.", at=minute(22))
    retro = Report(
        "RET", title="[Retroactive] Short outage", state="Resolved", at=minute(3), components=()
    )
    versions: list[tuple[str, list[Short]]] = [
        (
            incidentio(old, older),
            [("new", "OLD", "resolved")],  # backfill 1: the newest closed one
        ),
        (incidentio(aaa, old, older), [("new", "AAA", "investigating")]),
    ]

    def same(*reports: Report, built: int = 0) -> None:
        versions.append((incidentio(*reports, built=minute(built)), []))

    def news(event: Short, *reports: Report) -> None:
        versions.append((incidentio(*reports), [event]))

    same(replace(aaa, components=chat[::-1]), old, older)  # permuted
    same(replace(aaa, components=(*chat, chat[0])), old, older)  # repeated
    same(replace(aaa, message="We  are\n looking."), old, older)  # white space
    same(replace(aaa, message="We are looking.", title="Slower answers"), old, older)  # edited
    same(aaa, old, older, built=4)  # edited back, and the feed's own stamp moved
    news(("update", "AAA", "identified"), aaa2, old, older)
    for edge in (aaa, aaa2, aaa, aaa2):  # an edge that lags, alternating
        same(edge, old, older)
    same(replace(aaa2, at=minute(6)), old, older)  # the stamp alone moved
    news(("update", "AAA", "monitoring"), aaa3, old, older)
    news(("resolved", "AAA", "resolved"), aaa4, old, older)
    news(("new", "PIN", "scheduled"), pin, aaa4, old, older)
    news(("new", "BBB", "investigating"), pin, bbb, aaa4, old, older)
    news(("update", "BBB", "investigating"), pin, bbb2, aaa4, old, older)
    news(("new", "RET", "resolved"), pin, bbb2, aaa4, retro, old, older)  # below what is known
    same(bbb2, pin, retro, old, aaa4, older)  # another order
    same(pin, bbb2, aaa4, retro, old)  # the window moved on
    same(pin, bbb2, aaa4, retro, old, older)  # and back
    same(aaa4, old, older)  # an edge that knows nothing of it yet
    same(pin, bbb2, aaa4, retro, old, older)
    news(("resolved", "BBB", "resolved"), pin, bbb3, aaa4, retro, old, older)
    same(pin, bbb2, aaa4, retro, old, older)
    same(pin, bbb3, aaa4, retro, old, older)
    working = replace(pin, state="In progress", message="Started.", at=minute(30))
    done = replace(pin, state="Complete", message="Finished.", at=minute(60))
    news(("update", "PIN", "in_progress"), working, bbb3, aaa4, retro, old, older)
    news(("resolved", "PIN", "completed"), done, bbb3, aaa4, retro, old, older)
    again = replace(bbb3, state="Investigating", message="We are looking.", at=minute(70))
    news(("update", "BBB", "investigating"), again, done, aaa4, retro, old, older)
    final = replace(again, state="Resolved", message="All is well.", at=minute(80))
    news(("resolved", "BBB", "resolved"), final, done, aaa4, retro, old, older)
    analysis = replace(final, message="All is well. The cause was a cable.")
    same(analysis, done, aaa4, retro, old, older)  # the text was edited, nothing happened
    two = [Report("CC1", at=minute(90)), Report("CC2", at=minute(91))]
    versions.append(
        (
            incidentio(two[1], two[0], final, done, aaa4),
            [("new", "CC1", "investigating"), ("new", "CC2", "investigating")],
        )
    )
    versions.append(
        (
            incidentio(
                replace(two[0], state="Resolved", message="Gone.", at=minute(95)),
                replace(two[1], state="Identified", message="Found.", at=minute(94)),
                final,
            ),
            [("update", "CC2", "identified"), ("resolved", "CC1", "resolved")],
        )
    )
    while len(versions) < 40:
        versions.append((versions[-1][0].replace("</channel>", " </channel>"), []))
    return versions


def test_a_page_through_forty_versions(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exactly the expected events, each once; requests, body reads, parses, writes counted."""
    versions = life_of_a_page()
    assert len(versions) == 40
    page = origin.page("/feed.rss").serve(versions[0][0], etag=True)
    parses: list[int] = []
    monkeypatch.setattr(poller, "read", _counted(providers.read, parses))
    app_events: list[list[Short]] = []

    async def work() -> list[str]:
        app = App(origin.url("/feed.rss"), folder=tmp_path, interval=0.02)
        reads: list[int] = []
        monkeypatch.setattr(app.fetcher.store, "body", _counted(app.fetcher.store.body, reads))
        written: list[str] = []
        app.state._database.connection.set_trace_callback(written.append)  # type: ignore[attr-defined]
        app.fetcher.store._database.connection.set_trace_callback(written.append)

        async def script() -> None:
            for document, _ in versions:
                page.serve(document, etag=True)
                before = len(app.told.events)
                await polled(page, 2)
                app_events.append(app.told.short[before:])

        await app.watch_while(script)
        await app.close()
        assert reads == []  # no body was read back from the store
        return written

    written = asyncio.run(work())

    assert app_events == [expected for _, expected in versions]
    statuses = [request.status for request in page.requests]
    distinct = statuses.count(200)
    assert distinct <= 40  # one full answer a version, versions alternate
    assert set(statuses) <= {200, 304}
    assert len(parses) == distinct
    assert [request.conditional for request in page.requests] == [False] + [True] * (
        len(statuses) - 1
    )
    # Written: one row of cache and one of state a changed document, and one row an incident.
    changed = [line for line in written if line.lstrip().upper().startswith(("INSERT", "UPDATE"))]
    assert len(changed) < distinct * 2 + 60
    assert origin.connections == 1


def _counted(function: Any, calls: list[int]) -> Any:
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        calls.append(1)
        return function(*args, **kwargs)

    return wrapper


def test_a_statuspage_with_a_retroactive_report_and_a_pinned_maintenance(origin: Origin) -> None:
    """Updates of seen entries, news below seen ones and edits are told as what they are."""
    one = Timeline(1, updates=[("Investigating", "Looking.", minute(1))])
    pinned = Timeline(
        9, "Upgrade", [("Scheduled", "Soon.", minute(2))], window=minute(60 * 24 * 20)
    )
    page = origin.page("/history.atom")
    steps: list[tuple[list[Timeline], list[Short]]] = [
        ([one], [("new", "t/1", "investigating")]),
        ([pinned, one], [("new", "t/9", "scheduled")]),
        (
            [pinned, replace(one, updates=[("Update", "Still.", minute(5)), *one.updates])],
            [("update", "t/1", "investigating")],
        ),
    ]
    two = [("Update", "Still.", minute(8)), ("Update", "Still.", minute(5)), *one.updates]
    steps.append(([pinned, replace(one, updates=two)], [("update", "t/1", "investigating")]))
    fixed = [("Resolved", "Fixed.", minute(20)), *two]
    steps.append(([pinned, replace(one, updates=fixed)], [("resolved", "t/1", "resolved")]))
    edited = [("Resolved", "Fixed. It was a cable.", minute(20)), *two]
    steps.append(
        (
            [pinned, replace(one, updates=edited, edited=minute(900))],
            [("edit", "t/1", "resolved")],
        )
    )
    last = replace(one, updates=edited, edited=minute(900))
    retro = Timeline(7, "[Retroactive]", [("Resolved", "It was short.", minute(3))])
    steps.append(([pinned, last, replace(retro, edited=minute(950))], [("new", "t/7", "resolved")]))
    post = [("Postmortem", "Read this.", minute(999)), *edited]
    steps.append(
        (
            [pinned, replace(one, updates=post), replace(retro, edited=minute(950))],
            [("update", "t/1", "postmortem")],
        )
    )

    async def work() -> list[list[Short]]:
        app = App(origin.url("/history.atom"), wishes=Wishes(edits=True))
        told = []
        for timelines, _ in steps:
            page.serve(statuspage(*timelines, built=minute(random.randrange(999))), etag=True)
            before = len(app.told.events)
            for _ in range(2):
                await app.poller.poll(app.pages[0])
            told.append(app.told.short[before:])
        await app.close()
        return told

    assert asyncio.run(work()) == [expected for _, expected in steps]


def test_an_unchanged_page_costs_one_request_and_nothing_else(
    origin: Origin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A 304: no body read, no parser call, no statement, no output; asserted by counting."""
    page = origin.page("/feed").serve(incidentio(Report("AAA")), etag='W/"1"')
    parses: list[int] = []
    monkeypatch.setattr(poller, "read", _counted(providers.read, parses))

    async def work() -> tuple[list[str], int]:
        app = App(origin.url("/feed"), folder=tmp_path)
        await app.poller.poll(app.pages[0])
        statements: list[str] = []
        app.state._database.connection.set_trace_callback(statements.append)  # type: ignore[attr-defined]
        app.fetcher.store._database.connection.set_trace_callback(statements.append)
        outcomes = [(await app.scheduler._poll(app.pages[0])).outcome for _ in range(20)]
        assert outcomes == ["unchanged"] * 20
        told = len(app.told.events)
        app.state.flush()
        await app.close()
        return statements, told

    statements, told = asyncio.run(work())
    assert statements == []
    assert told == 1
    assert len(parses) == 1
    assert page.count == 21
    assert sum(request.body_sent for request in page.requests[1:]) == 0


class Changing(threading.Thread):
    """Changes a page every 50 ms: a new incident, and one that resolves, each time."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page
        self.reports: list[Report] = []
        self.published: dict[str, str] = {}  # id → newest state
        self.ending = threading.Event()

    def run(self) -> None:
        """Change until told to end."""
        for number in itertools.count(1):
            self.reports.insert(0, Report(f"N{number:05d}", at=minute(number)))
            if number > 3:
                closed = minute(number + 0.5)
                self.reports[3] = replace(
                    self.reports[3], state="Resolved", message="Done.", at=closed
                )
            self.published |= {each.id: each.state.lower() for each in self.reports[:4]}
            self.page.serve(incidentio(*self.reports[:60]), etag=True)
            if self.ending.wait(0.05):
                return


@pytest.mark.slow
def test_kill_9_at_any_moment_loses_nothing_and_tears_nothing(
    origin: Origin, tmp_path: Path
) -> None:
    """Every incident is told, no line is torn, and at most one event a kill is repeated."""
    kills = int(os.environ.get("EFFICIENT_STATUS_KILLS", "6"))
    changing = Changing(origin.page("/feed.rss"))
    changing.start()
    dice = random.Random(4711)
    arguments = ["--interval", "0.05", "--format", "json", "--backfill", "all", "-q"]
    arguments += ["--feed", origin.url("/feed.rss"), "--state-dir", str(tmp_path / "kept")]
    told, errors = tmp_path / "told.jsonl", tmp_path / "errors"
    with told.open("ab") as out, errors.open("ab") as err:
        streams = environment(tmp_path), out, err
        for _ in range(kills):
            process = Forked(arguments, *streams)
            time.sleep(0.06 + dice.random() * 0.5)
            process.kill()
            process.wait()
        changing.ending.set()
        changing.join()
        assert Forked(["--once", *arguments], *streams).wait(30) == 0
    assert errors.read_text() == ""

    events = Counter((e["incident"][-6:], e["state"]) for e in objects(told.read_text()))
    untold = [item for item in changing.published.items() if item not in events]
    assert len(changing.published) > kills * 3
    assert untold == []
    assert events.total() - len(events) <= kills


def test_without_a_network_there_is_one_line_and_one_at_the_end(tmp_path: Path) -> None:
    """Backoff, no traceback, and a line when the page is back."""
    with Origin() as origin:
        origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)
        origin.pause()
        process = start(
            tmp_path, "--interval", "0.05", "--format", "json", "--feed", origin.url("/feed")
        )
        try:
            assert process.stderr is not None
            assert process.stdout is not None
            first = process.stderr.readline()
            failed = process.stderr.readline()
            origin.resume()
            back = process.stderr.readline()
            event = json.loads(process.stdout.readline())
        finally:
            process.send_signal(signal.SIGTERM)
            rest = process.communicate(timeout=10)
    assert "watching 1 page every 0.05 s" in first
    assert "cannot be read" in failed
    assert "refused" in failed
    assert "can be read again" in back
    assert event["incident"].endswith("AAA")
    assert rest == ("", "")
    assert process.returncode == 0


@pytest.mark.slow
def test_three_hundred_pages_are_spread_evenly_over_one_connection() -> None:
    """300 pages on one server: even spacing, few connections, each page once an interval."""
    # Evenness is seen by the clock, which a crowded machine may spoil, but not three times.
    assert any(not _unevenness() for _ in range(3)), _unevenness()


def _unevenness() -> list[str]:
    """What is uneven in three intervals of 300 pages."""
    with Origin() as origin:
        for number in range(300):
            origin.page(f"/{number}").serve(incidentio(Report(f"A{number}")), etag=True)

        async def work() -> None:
            app = App(*(origin.url(f"/{n}") for n in range(300)), interval=1.5)
            await app.watch_while(lambda: asyncio.sleep(4.65))
            await app.close()

        asyncio.run(work())
        assert origin.connections <= 2
        times = [request.at for request in origin.log]
        per_page = [origin.page(f"/{n}").count for n in range(300)]
    found = [] if set(per_page) <= {3, 4} else [f"a page was asked {set(per_page)} times"]
    for slot in range(6):  # every half interval carries its share, within a fifth
        begin = times[0] + 0.75 * slot
        share = sum(begin <= at < begin + 0.75 for at in times)
        found += [] if 120 <= share <= 180 else [f"{share} requests in half interval {slot}"]
    return found


def test_once_exits_1_and_names_each_page_that_failed(origin: Origin, tmp_path: Path) -> None:
    """One failing page neither hides the others nor goes unnamed."""
    origin.page("/good").serve(incidentio(Report("AAA")), etag=True)
    origin.page("/html").serve("<!doctype html><html><body>moved</body></html>")

    done = cli(
        tmp_path,
        *("--once", "--format", "json"),
        *("--feed", origin.url("/good"), "--feed", origin.url("/missing")),
        *("--feed", origin.url("/html")),
    )

    assert done.returncode == 1
    assert [event["event"] for event in objects(done.stdout)] == ["new"]
    lines = done.stderr.splitlines()
    assert len(lines) == 2
    assert any(f"{origin.url('/missing')}: cannot be read: HTTP 404" in line for line in lines)
    assert any(f"{origin.url('/html')}: cannot be read: expected a feed" in line for line in lines)


def test_what_was_stored_but_not_told_is_told_by_the_next_run(
    origin: Origin, tmp_path: Path
) -> None:
    """A crash between keeping a document and telling it: the next run tells it without asking."""
    page = origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)

    class Crash(BaseException):
        pass

    def crash(event: object) -> None:
        raise Crash

    app = App(origin.url("/feed"), folder=tmp_path)
    app.told.fail = crash
    with pytest.raises(BaseExceptionGroup):
        app.once()
    page.down()

    again = App(origin.url("/feed"), folder=tmp_path)
    again.once()

    assert again.told.short == [("new", "AAA", "investigating")]


def test_a_closed_pipe_ends_it_cleanly(origin: Origin, tmp_path: Path) -> None:
    """`efficient-status | head`: no traceback, and the event that nobody read is told next time."""
    page = origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)
    arguments = ("--interval", "0.05", "--format", "json", "--feed", origin.url("/feed"))
    process = start(tmp_path, *arguments)
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    page.serve(incidentio(Report("BBB", at=minute(9)), Report("AAA")), etag=True)
    assert process.wait(timeout=10) == 0
    assert process.stderr is not None
    assert len(process.stderr.read().splitlines()) == 1
    process.stderr.close()

    again = cli(tmp_path, "--once", *arguments)

    assert [event["incident"][-3:] for event in objects(again.stdout)] == ["BBB"]


@pytest.mark.parametrize(("sent", "status"), [(signal.SIGTERM, 0), (signal.SIGINT, 130)])
def test_signals_end_it_cleanly(
    origin: Origin, tmp_path: Path, sent: signal.Signals, status: int
) -> None:
    """What was told is remembered; nothing is told twice."""
    origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)
    arguments = ("--interval", "0.05", "--format", "json", "--feed", origin.url("/feed"))
    process = start(tmp_path, *arguments)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(sent)
    out, err = process.communicate(timeout=10)
    assert process.returncode == status
    assert out == ""
    assert len(err.splitlines()) == 1

    assert cli(tmp_path, "--once", *arguments).stdout == ""


@pytest.mark.parametrize("read", [True, False])
def test_a_pipe_that_nobody_reads_does_not_prevent_the_end(
    origin: Origin, tmp_path: Path, read: bool
) -> None:
    """SIGTERM while an event waits for a full pipe: it ends, and nothing is lost."""
    long = "We are looking. " * 300
    reports = [Report(f"L{n:02d}", message=long, at=minute(n)) for n in range(40)]
    origin.page("/feed").serve(incidentio(*reversed(reports)), etag=True)
    arguments = ("--interval", "0.05", "--format", "json", "--feed", origin.url("/feed"))
    process = start(tmp_path, *arguments)
    assert process.stdout is not None
    pipe = process.stdout.fileno()  # 190 kB of events do not fit into it
    asyncio.run(until(lambda: int.from_bytes(ioctl(pipe, FIONREAD, bytes(4)), "little") > 50_000))
    time.sleep(0.1)  # for the two or three that still do
    process.send_signal(signal.SIGTERM)
    if not read:
        assert process.wait(timeout=10) == 0
    out, err = process.communicate(timeout=10)
    again = cli(tmp_path, "--once", *arguments)

    assert process.returncode == 0
    assert len(err.splitlines()) == 1
    whole = out[: out.rfind("\n") + 1]  # cut short only where nobody read for a while
    assert whole == out or not read
    told = [event["incident"][-3:] for event in objects(whole) + objects(again.stdout)]
    assert sorted(told) == [report.id for report in reports]


def test_a_second_run_on_one_state_folder_asks_nothing(origin: Origin, tmp_path: Path) -> None:
    """It exits 3 and names the pid of the first."""
    page = origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)
    arguments = ("--interval", "60", "--format", "json", "--feed", origin.url("/feed"))
    process = start(tmp_path, *arguments)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        second = cli(tmp_path, "--once", *arguments)
    finally:
        process.terminate()
        process.communicate(timeout=10)

    assert second.returncode == 3
    assert str(process.pid) in second.stderr
    assert second.stdout == ""
    assert page.count == 1


def test_watching_starts_with_one_line_and_is_then_silent(origin: Origin, tmp_path: Path) -> None:
    """Silent when nothing changed; with -q not even the line."""
    origin.page("/feed").serve(incidentio(), etag=True)
    for quiet, lines in (((), 1), (("-q",), 0)):
        process = start(tmp_path, "--interval", "0.02", *quiet, "--feed", origin.url("/feed"))
        before = origin.page("/feed").count
        deadline = time.monotonic() + 10
        while origin.page("/feed").count < before + 10 and time.monotonic() < deadline:
            time.sleep(0.01)
        process.terminate()
        out, err = process.communicate(timeout=10)
        assert out == ""
        assert len(err.splitlines()) == lines


def test_over_http2_and_tls_as_a_command(tmp_path: Path) -> None:
    """The console program speaks HTTP/2 where it is offered, and trusts SSL_CERT_FILE."""
    with Origin(http2=True) as origin:
        origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)
        arguments = ("--once", "--feed", origin.url("/feed"))
        trusted = cli(tmp_path, *arguments, SSL_CERT_FILE=origin.ca_file)
        untrusted = cli(tmp_path, "--state-dir", ":memory:", *arguments)
        versions = {request.version for request in origin.log}

    assert trusted.returncode == 0
    assert "Investigating - We are looking." in trusted.stdout
    assert untrusted.returncode == 1
    assert "certificate" in untrusted.stderr
    assert versions == {"HTTP/2"}


def test_python_m_and_the_console_script_are_the_same(tmp_path: Path) -> None:
    """Both answer --version."""
    script = Path(sys.executable).with_name("efficient-status")
    one = cli(tmp_path, "--version")
    two = subprocess.run([script, "--version"], capture_output=True, text=True, check=False)

    assert one.stdout == two.stdout
    assert one.stdout.startswith("efficient-status ")


def test_a_failing_page_is_named_once_and_once_more_when_it_is_back(
    origin: Origin, caplog: pytest.LogCaptureFixture
) -> None:
    """Three failed polls in a row: one line; silence; then the recovery. Waits double."""
    page = origin.page("/feed").serve(incidentio(Report("AAA")), etag=True)
    page.then(*[Answer(500)] * 6)

    async def work() -> None:
        app = App(origin.url("/feed"), interval=0.02)
        await app.watch_while(lambda: until(lambda: app.told.events))
        await app.close()

    asyncio.run(work())
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "cannot be read: HTTP 500 Internal Server Error; next attempt in" in caplog.messages[0]
    assert caplog.messages[1].endswith("can be read again")
    # The first poll has a retry; from then on the poll itself is the retry.
    times = [request.at for request in page.requests[1:]]
    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    assert all(gap >= 0.02 * 2**n for n, gap in enumerate(gaps))  # a late poll shortens none
