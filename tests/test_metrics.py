"""Metrics: what is counted, the endpoint on a real socket, the file, and that contrib/ names what exists."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import shutil
import stat
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from efficient_status import instruments
from efficient_status.config import Wanted, settle
from efficient_status.errors import UsageError
from efficient_status.instruments import Instruments
from efficient_status.metrics import Metrics, endpoint, textfile
from efficient_status.metrics.endpoint import Endpoint
from efficient_status.models import Pacing
from efficient_status.outputs import Console
from efficient_status.pulse import Pulse
from efficient_status.state import open_state
from efficient_status.urls import place
from tests.app import App, cli, environment, polled, until
from tests.feeds import Report, Timeline, incidentio, minute, statuspage
from tests.forked import Forked
from tests.origin import Answer, Origin

CONTRIB = Path(__file__).parent.parent / "contrib"
OPEN = "efficient_status_open_incidents"


class Measured:
    """An application whose polls and events are counted."""

    def __init__(self, *urls: str, folder: Path | None = None, **more: Any) -> None:
        self.app = App(*urls, folder=folder, **more)
        self.metrics = Metrics(self.app.pages, self.app.state)
        self.app.scheduler._observers = [self.metrics.observe]
        self.app.poller._output = self.metrics.counted(self.app.told)

    def sample(self, name: str, **labels: str) -> float | None:
        """The value that would be scraped."""
        return self.metrics.registry.get_sample_value(name, labels)


def test_what_polls_cost_and_bring_is_counted(origin: Origin, tmp_path: Path) -> None:
    """Polls by outcome, requests, bytes, durations, events, the last success."""
    url = origin.url("/a")
    page = origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    found: list[Measured] = []

    async def play() -> None:
        measured = Measured(url, folder=tmp_path)
        found.append(measured)
        await measured.app.watch_while(lambda: polled(page, 4))
        await measured.app.close()

    begun = time.time()
    asyncio.run(play())
    (measured,) = found
    unchanged = measured.sample("efficient_status_polls_total", provider=url, outcome="unchanged")
    lasted = measured.sample("efficient_status_poll_duration_seconds_sum")
    success = measured.sample("efficient_status_last_success_timestamp_seconds", provider=url)

    assert measured.sample("efficient_status_polls_total", provider=url, outcome="changed") == 1
    assert unchanged is not None
    assert measured.sample("efficient_status_requests_total", provider=url) == unchanged + 1
    assert measured.sample("efficient_status_poll_duration_seconds_count") == unchanged + 1
    assert measured.sample("efficient_status_lateness_seconds_count") == unchanged + 1
    assert (measured.sample("efficient_status_bytes_total", provider=url) or 0) > 1_000
    assert measured.sample("efficient_status_events_total", event="new") == 1
    assert measured.sample("efficient_status_events_total", event="resolved") == 0
    assert lasted is not None
    assert 0 < lasted < 60
    assert success is not None
    assert begun <= success <= time.time()


def test_failures_in_a_row_are_shown_and_those_of_earlier_runs(origin: Origin) -> None:
    """A page that fails: its count, no success, the outcome; what is remembered counts from the start."""
    url = origin.url("/a")
    origin.page("/a").always(Answer(404))

    async def play() -> None:
        app = App(url)
        app.pages[0].pacing = Pacing(failures=4)
        metrics = Metrics(app.pages, app.state)
        sample = metrics.registry.get_sample_value
        assert sample("efficient_status_failures_in_a_row", {"provider": url}) == 4
        app.scheduler._observers = [metrics.observe]
        await app.scheduler.once()
        await app.close()
        assert sample("efficient_status_failures_in_a_row", {"provider": url}) == 5
        failed = {"provider": url, "outcome": "failed"}
        assert sample("efficient_status_polls_total", failed) == 1
        assert sample("efficient_status_last_success_timestamp_seconds", {"provider": url}) is None

    asyncio.run(play())


def test_an_event_that_could_not_be_written_is_not_counted(origin: Origin) -> None:
    """It is told again later, and counted then."""
    url = origin.url("/a")
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)

    async def play() -> None:
        measured = Measured(url)

        def full(_event: object) -> None:
            raise OSError(28, "No space left on device")

        measured.app.told.fail = full
        await measured.app.scheduler.once()
        await measured.app.close()
        assert measured.sample("efficient_status_events_total", event="new") == 0
        untold = measured.sample("efficient_status_polls_total", provider=url, outcome="untold")
        assert untold == 1

    asyncio.run(play())


def test_open_incidents_are_those_of_the_state_by_kind_and_impact(
    origin: Origin, tmp_path: Path
) -> None:
    """Those an earlier run told as well, before any request; once closed they are 0, not missing."""
    url = origin.url("/a")
    one = Timeline(1, updates=[("Investigating", "Slow.", minute(1))])
    two = Timeline(2, updates=[("Scheduled", "Soon.", minute(2))], window=minute(90))
    page = origin.page("/a").serve(statuspage(one, two), etag=True)
    App(url, folder=tmp_path).once()
    asked = page.count
    series = {"provider": url, "kind": "incident", "impact": "unknown"}
    maintenance = series | {"kind": "maintenance"}

    async def play() -> None:
        measured = Measured(url, folder=tmp_path)
        assert page.count == asked
        assert measured.sample(OPEN, **series) == 1
        assert measured.sample(OPEN, **maintenance) == 1
        one.updates.insert(0, ("Resolved", "Well.", minute(3)))
        page.serve(statuspage(one, two), etag=True)
        await measured.app.scheduler.once()
        await measured.app.close()
        assert measured.sample(OPEN, **series) == 0
        assert measured.sample(OPEN, **maintenance) == 1

    asyncio.run(play())


# The endpoint.


async def got(url: str, **fields: str) -> tuple[int, dict[str, str], str]:
    """Status, fields and text of an answer."""
    head = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in fields.items())
    host, _, path = url.removeprefix("http://").partition("/")
    return await sent(url, f"GET /{path} HTTP/1.1\r\nHost: {host}\r\n{head}\r\n")


async def sent(url: str, request: str) -> tuple[int, dict[str, str], str]:
    """The same, for a request of one's own."""
    host, port = url.removeprefix("http://").partition("/")[0].rsplit(":", 1)
    reader, writer = await asyncio.open_connection(host.strip("[]"), int(port))
    writer.write(request.encode("latin-1"))
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.read()
    writer.close()
    first, *lines = head.decode("latin-1").strip().split("\r\n")
    named = dict(line.lower().split(": ", 1) for line in lines)
    if named.get("content-encoding") == "gzip":
        body = gzip.decompress(body)
    return int(first.split(" ")[1]), named, body.decode()


Script = Callable[[Endpoint, Measured, Pulse], Awaitable[None]]


def serving(script: Script, *urls: str, where: str = "0", patience: float = 60) -> None:
    """Serve what an application does while a script asks; the application is closed afterwards."""

    async def play() -> None:
        measured = Measured(*urls)
        pulse = Pulse(measured.app.pages, measured.app.state, patience=patience)
        measured.app.scheduler._observers = [pulse.observe, measured.metrics.observe]
        found = place(where)
        assert found is not None
        async with Endpoint(found, measured.metrics.registry, pulse) as served:
            await script(served, measured, pulse)
        await measured.app.close()

    asyncio.run(play())


def test_prometheus_gets_the_format_that_it_asks_for(origin: Origin) -> None:
    """Text, OpenMetrics or gzip, as its client library negotiates; the process's own numbers too."""
    url = origin.url("/a")
    origin.page("/a").serve(incidentio(), etag=True)
    modern = "application/openmetrics-text;version=1.0.0"

    async def script(served: Endpoint, measured: Measured, _pulse: Pulse) -> None:
        await measured.app.scheduler.once()
        status, fields, text = await got(served.url, Accept="text/plain", Accept_Encoding="gzip")
        assert (status, fields["content-encoding"]) == (200, "gzip")
        assert fields["content-type"].startswith("text/plain; version=0.0.4")
        families = {family.name for family in text_string_to_metric_families(text)}
        assert {"efficient_status_polls", "process_resident_memory_bytes"} <= families
        assert f'efficient_status_polls_total{{outcome="changed",provider="{url}"}} 1.0' in text
        assert "_created" not in text
        _, fields, text = await got(served.url, Accept=modern)
        assert fields["content-type"].startswith("application/openmetrics-text")
        assert text.endswith("# EOF\n")

    serving(script, url)


def test_without_a_host_only_this_machine_is_served() -> None:
    """127.0.0.1 by default; an address in brackets where it is one of IPv6."""

    async def script(served: Endpoint, _measured: Measured, _pulse: Pulse) -> None:
        assert served.url.startswith("http://127.0.0.1:")
        assert [each.getsockname()[0] for each in served._server.sockets] == ["127.0.0.1"]

    serving(script)
    assert place("[::1]:9797") == ("::1", 9797)
    assert place("0.0.0.0:9797") == ("0.0.0.0", 9797)


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        ("GET / HTTP/1.1\r\n\r\n", 404),
        ("GET /metrics/x HTTP/1.1\r\n\r\n", 404),
        ("POST /metrics HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 405),
        ("GET /metrics\r\n\r\n", 400),
        ("\x16\x03\x01 nonsense\r\n\r\n", 400),
        ("HEAD /healthz HTTP/1.1\r\n\r\n", 200),
    ],
    ids=["root", "below", "POST", "HTTP/0.9", "TLS", "HEAD"],
)
def test_what_else_is_asked_is_answered_shortly(request_: str, status: int) -> None:
    """404, 405, 400; HEAD without a body; the connection is closed."""

    async def script(served: Endpoint, _measured: Measured, _pulse: Pulse) -> None:
        found, fields, body = await sent(served.url, request_)
        assert (found, fields["connection"]) == (status, "close")
        assert bool(body) is not request_.startswith("HEAD")

    serving(script)


async def hung_up(served: Endpoint, *requests: bytes) -> list[asyncio.StreamWriter]:
    """Connect once for each of these, and wait until all but the first are closed."""
    host, port = served.url.removeprefix("http://").partition("/")[0].split(":")
    streams = [await asyncio.open_connection(host, int(port)) for _ in requests]
    async with asyncio.timeout(10):
        for (reader, writer), request in zip(streams[::-1], requests[::-1], strict=True):
            writer.write(request)
            if writer is not streams[0][1]:
                with suppress(ConnectionError):
                    assert await reader.read() == b""
    return [writer for _, writer in streams]


def test_whoever_says_nothing_or_too_much_is_hung_up_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A request that does not come, or does not end, holds nothing."""
    monkeypatch.setattr(endpoint, "PATIENCE", 0.05)

    async def script(served: Endpoint, _measured: Measured, _pulse: Pulse) -> None:
        for writer in await hung_up(served, b"", b"", b"GET / HTTP/1.1\r\nX: " + b"x" * 40_000):
            writer.close()
        await until(lambda: served._connections == 0)
        assert (await got(served.url))[0] == 200

    serving(script)


def test_more_connections_than_any_scraper_needs_are_closed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """At once, without a word; the others are served on."""
    monkeypatch.setattr(endpoint, "MOST", 1)

    async def script(served: Endpoint, _measured: Measured, _pulse: Pulse) -> None:
        first, *others = await hung_up(served, b"", b"", b"")
        assert served._connections == 1
        for writer in (first, *others):
            writer.close()
        await until(lambda: served._connections == 0)
        assert (await got(served.url))[0] == 200

    serving(script)


def test_readiness_comes_with_the_first_round(origin: Origin, tmp_path: Path) -> None:
    """Not before every page was asked; not while none can be read; not on a disk that is full."""
    origin.page("/a").serve(incidentio(), etag=True)
    origin.page("/b").always(Answer(404))

    async def script(served: Endpoint, measured: Measured, _pulse: Pulse) -> None:
        ready = served.url.replace("/metrics", "/readyz")
        status, _, text = await got(ready)
        assert status == 503
        assert text == "2 of 2 pages are not asked yet\nno page can be read\n"
        await measured.app.scheduler.once()
        assert await got(ready) == (200, plain, "ok\n")

    plain = {
        "content-type": "text/plain; charset=utf-8",
        "cache-control": "no-store",
        "content-length": "3",
        "connection": "close",
    }
    serving(script, origin.url("/a"), origin.url("/b"))


def test_without_a_network_it_is_not_ready(origin: Origin) -> None:
    """Every page was asked, none could be read, or all have failed for good since."""
    origin.page("/a").always(Answer(404))

    async def script(_served: Endpoint, measured: Measured, pulse: Pulse) -> None:
        await measured.app.scheduler.once()
        assert pulse.unready() == ["no page can be read"]
        page = measured.app.pages[0]
        page.pacing = Pacing()
        origin.page("/a").serve(incidentio(), etag=True)
        await measured.app.scheduler.once()
        assert pulse.unready() == []
        page.pacing = Pacing(failures=3)
        pulse._failing.add(page.label)
        assert pulse.unready() == ["no page can be read"]

    serving(script, origin.url("/a"))


def test_a_state_that_cannot_be_written_is_not_ready(tmp_path: Path) -> None:
    """Events may be told twice then, so whoever supervises should know."""
    app = App("http://127.0.0.1/", folder=tmp_path)

    async def play() -> list[str]:
        pulse = Pulse(app.pages, app.state, patience=60)
        app.state.pace("x", "x", Pacing(failures=1))
        app.state._database.connection.execute("PRAGMA query_only = 1")  # type: ignore[attr-defined]
        app.state.flush()
        lines = pulse.unready()
        app.state._database.connection.execute("PRAGMA query_only = 0")  # type: ignore[attr-defined]
        await app.close()
        return lines

    assert asyncio.run(play())[-1] == "what was told cannot be written"


def test_health_fails_where_polls_are_due_and_none_ends() -> None:
    """Though the loop turns: 503 with the reason; a probe may restart it."""

    async def script(served: Endpoint, measured: Measured, pulse: Pulse) -> None:
        health = served.url.replace("/metrics", "/healthz")
        assert (await got(health))[0] == 200
        measured.app.pages[0].due = asyncio.get_running_loop().time() - 9
        await asyncio.sleep(0.02)
        status, _, text = await got(health)
        assert status == 503
        assert re.fullmatch(r"no poll has ended for [\d.]+ s, 1 due\n", text)

    serving(script, "http://127.0.0.1/", patience=0.01)


# The file.


def test_the_file_is_replaced_at_once_and_readable_by_the_collector(
    origin: Origin, tmp_path: Path
) -> None:
    """After `--once`: whole, mode 0644 whatever the umask, nothing beside it, no process_ series."""
    url = origin.url("/a")
    origin.page("/a").serve(incidentio(Report("AAA")), etag=True)
    file = tmp_path / "own" / "efficient.prom"
    file.parent.mkdir()
    before = os.umask(0o077)
    try:
        done = cli(tmp_path, "--once", "--feed", url, "--metrics-file", str(file))
    finally:
        os.umask(before)
    text = file.read_text("utf-8")

    assert (done.returncode, done.stderr) == (0, "")
    assert [path.name for path in file.parent.iterdir()] == [file.name]
    assert stat.S_IMODE(file.stat().st_mode) == 0o644
    assert f'efficient_status_polls_total{{outcome="changed",provider="{url}"}} 1.0' in text
    assert 'efficient_status_events_total{event="new"} 1.0' in text
    assert "process_" not in text  # node_exporter has series of these names itself
    assert list(text_string_to_metric_families(text))


def test_a_file_that_cannot_be_written_is_one_line_and_exit_2(
    origin: Origin, tmp_path: Path
) -> None:
    """At the end of a cron run, and at once where pages are to be watched."""
    page = origin.page("/a").serve(incidentio(), etag=True)
    words = ("--feed", origin.url("/a"), "--metrics-file", str(tmp_path / "no" / "x.prom"))
    said = f"efficient-status: --metrics-file: {tmp_path}/no/x.prom cannot be written (No such"

    for extra in (("--once",), ()):
        done = cli(tmp_path, *words, *extra)
        assert done.returncode == 2
        assert [line.startswith(said) for line in done.stderr.splitlines()] == [True]
    assert page.count == 1


def test_a_torn_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full: the numbers of before stay, nothing is left beside them."""
    file = tmp_path / "x.prom"
    file.write_text("before")

    def full(_descriptor: int, _mode: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fchmod", full)
    with pytest.raises(UsageError, match="No space left"):
        textfile.write(file, CollectorRegistry())
    assert [path.name for path in tmp_path.iterdir()] == ["x.prom"]
    assert file.read_text() == "before"


def test_while_watching_the_file_is_written_now_and_then(
    origin: Origin,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """At the start and once a minute; where that fails it is said once, and the watching goes on."""
    monkeypatch.setattr(instruments, "WRITE_EVERY", 0.01)
    url = origin.url("/a")
    origin.page("/a").serve(incidentio(), etag=True)
    file = tmp_path / "own" / "x.prom"
    file.parent.mkdir()
    settings = replace(settle(Wanted(), {}), metrics_file=file)

    async def script() -> None:
        assert file.exists()
        await until(lambda: 'outcome="unchanged"' in file.read_text("utf-8"))
        shutil.rmtree(file.parent)
        await until(lambda: caplog.messages)
        await asyncio.sleep(0.05)
        file.parent.mkdir()
        await until(file.exists)

    async def play() -> None:
        app = App(url, interval=0.02)
        console = Console(2, str)
        async with Instruments(settings, app.pages, app.state, console, once=False) as shown:
            app.scheduler._observers = shown.observers
            await app.watch_while(script)
        await app.close()

    asyncio.run(play())
    said = f"--metrics-file: {file} cannot be written (No such file or directory)"
    assert caplog.messages == [said]


# The command line.


def test_a_port_in_use_is_one_line_and_exit_2(origin: Origin, tmp_path: Path) -> None:
    """Before any page is asked; a cron run with the same configuration needs no port."""
    page = origin.page("/a").serve(incidentio(), etag=True)
    words = ("--feed", origin.url("/a"), "--metrics", f"127.0.0.1:{origin.port}")
    done = cli(tmp_path, *words)

    assert (done.returncode, page.count) == (2, 0)
    assert done.stderr == (
        f"efficient-status: --metrics: cannot listen on 127.0.0.1:{origin.port}"
        " (Address already in use)\n"
    )
    assert cli(tmp_path, *words, "--once").returncode == 0


def test_without_the_package_it_says_what_to_install(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line for whoever asks for metrics; nobody else needs it."""
    for name in [name for name in sys.modules if name.startswith("efficient_status.metrics")]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.split(".")[0] == "prometheus_client"]:
        monkeypatch.setitem(sys.modules, name, None)

    async def made(**asked: Any) -> None:
        console = Console(2, str)
        Instruments(
            replace(settle(Wanted(), {}), **asked), [], open_state(None), console, once=False
        )

    asyncio.run(made())
    with pytest.raises(UsageError) as caught:
        asyncio.run(made(metrics="9797"))
    assert caught.value.problems == [
        "--metrics: needs prometheus_client: pip install 'efficient-status[metrics]'"
    ]
    with pytest.raises(UsageError, match="--metrics-file: needs prometheus_client"):
        asyncio.run(made(metrics_file=Path("x")))


def test_two_hundred_pages_are_watched_and_scraped(origin: Origin, tmp_path: Path) -> None:
    """The whole program: every page is in the scrape, every probe is answered, all are asked on time."""
    for n in range(200):
        origin.page(f"/{n}").serve(incidentio(Report("AAA")), etag=True)
    file = tmp_path / "all.toml"
    rows = (f'[[providers]]\nkey = "p{n}"\nfeed = "{origin.url(f"/{n}")}"\n' for n in range(200))
    file.write_text("".join(rows), "utf-8")
    words = ("--interval", "0.5", "--config", str(file), "--metrics", "0", "--format", "json")
    with (tmp_path / "out").open("w") as out, (tmp_path / "err").open("w") as err:
        run = Forked((*words, "--log-format", "json"), environment(tmp_path), out, err)
        try:
            while not (lines := (tmp_path / "err").read_text("utf-8").splitlines()):
                time.sleep(0.01)
            url = json.loads(lines[0])["message"].removeprefix("metrics: ")
            scraped = asyncio.run(asyncio.wait_for(scrapes(url, 200), 20))
        finally:
            run.terminate()
            run.wait(10)
    first, last = (list(text_string_to_metric_families(text)) for text in scraped)
    polls = {
        sample.labels["provider"]
        for family in last
        for sample in family.samples
        if sample.name == "efficient_status_polls_total" and sample.labels["outcome"] == "changed"
    }

    assert run.returncode == 0
    assert polls == {f"p{n}" for n in range(200)}
    assert {family.name for family in first} == {family.name for family in last}


async def scrapes(url: str, pages: int) -> list[str]:
    """Scrape until every page was asked."""
    found = [(await got(url))[2]]
    while found[-1].count('outcome="changed"') < pages:
        await asyncio.sleep(0.05)
        found[1:] = [(await got(url, Accept_Encoding="gzip"))[2]]
        assert (await got(url.replace("metrics", "healthz")))[0] == 200
    return found


# contrib/: what is named there exists, and what exists is named there.


OF_PROMETHEUS = {"job", "instance", "le"}


def exported() -> dict[str, set[str]]:
    """Every series of the program, with its labels."""
    url = "http://127.0.0.1/"
    app = App(url)
    metrics = Metrics(app.pages, app.state, pending=lambda: 0)
    metrics._polls.labels(url, "changed")
    metrics._open.labels(url, "incident", "minor")
    metrics._success.labels(url)
    asyncio.run(app.close())
    return {
        sample.name: set(sample.labels)
        for family in metrics.registry.collect()
        for sample in family.samples
    }


def dashboard() -> Any:
    """Grafana's, as it would be imported."""
    return json.loads((CONTRIB / "grafana" / "efficient-status.json").read_text("utf-8"))


def rules() -> str:
    """Prometheus' alert rules."""
    return (CONTRIB / "prometheus" / "alerts.yml").read_text("utf-8")


def queries() -> list[str]:
    """Every expression of both."""
    shown = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    listed = re.findall(r"expr: (?:>-\n)?(.*?)\n +(?:for|labels):", rules(), re.DOTALL)
    assert len(listed) == rules().count("- alert:") > 5
    return [*shown, *listed]


def test_every_metric_of_the_dashboard_and_the_rules_exists() -> None:
    """And each that exists is used in one of them, with its own labels only."""
    known = exported()
    named: set[str] = set()
    for query in queries():
        found = re.findall(r"(efficient_status_\w+)(?:\{(.*?)\})?", query)
        names = {name for name, _ in found}
        assert names <= known.keys(), query
        matched = [(known[name], label) for name, inside in found
                   for label in re.findall(r"(\w+)[=!]~?=?\"", inside)]  # fmt: skip
        grouped = re.findall(r"\b(?:by|on) \((.*?)\)", query)
        every = set.union(*(known[name] for name in names))
        matched += [(every, label.strip()) for inside in grouped for label in inside.split(",")]
        for labels, label in matched:
            assert label in labels | OF_PROMETHEUS, query
        assert query.count("(") == query.count(")")
        named |= names
    stems = {re.sub("_(bucket|sum|count)$", "", name) for name in known}
    assert {re.sub("_bucket$", "", name) for name in named} == stems


def test_legends_and_summaries_name_labels_that_exist() -> None:
    """`{{provider}}` in Grafana, `{{ $labels.provider }}` in Prometheus."""
    labels = set.union(*exported().values()) | OF_PROMETHEUS
    legends = [t.get("legendFormat", "") for p in dashboard()["panels"] for t in p["targets"]]
    named = re.findall(r"\{\{(\w+)\}\}", "".join(legends))
    named += re.findall(r"\$labels\.(\w+)", rules())

    assert named
    assert set(named) <= labels


def test_the_dashboard_can_be_imported() -> None:
    """Panels have ids and places of their own, and ask the datasource that its user chooses."""
    found = dashboard()
    panels = found["panels"]
    places = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]

    assert len({panel["id"] for panel in panels}) == len(panels)
    assert len(places) == len(set(places))
    assert max(x for x, _ in places) == 23
    assert {panel["datasource"]["uid"] for panel in panels} == {"${datasource}"}
    assert {each["name"] for each in found["templating"]["list"]} == {"datasource", "instance"}
    assert all(panel["title"] for panel in panels)


def test_prometheus_accepts_the_rules() -> None:
    """By its own judgement, where it is installed."""
    if shutil.which("promtool") is None:
        pytest.skip("no promtool here")
    done = subprocess.run(
        ["promtool", "check", "rules", CONTRIB / "prometheus" / "alerts.yml"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
