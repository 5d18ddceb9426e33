"""`explain`: what it shows is what happens, and nothing is remembered of it."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from efficient_status.commands import explain as command
from efficient_status.config import Settings
from efficient_status.explaining import Explanation, explain
from efficient_status.fetch.trace import Exchange
from efficient_status.lock import Lock
from efficient_status.models import Pacing, Provider
from efficient_status.screen import Screen
from efficient_status.state import open_state
from efficient_status.urls import bare
from tests.app import App, here
from tests.feeds import Report, Timeline, incidentio, minute, statuspage
from tests.origin import Answer, Origin

OPEN = Report("01B", title="Login fails", at=minute(5))
OVER = Report("01A", state="Resolved")
LAGS = "older than what was told: an edge of its server that lags behind"
Explained = Callable[..., tuple[int, dict[str, Any]]]


@pytest.fixture
def explained(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> Explained:
    """Run `explain --json`: its exit status, and what it says."""

    def run(*words: str) -> tuple[int, dict[str, Any]]:
        status = here("explain", "--json", "--state-dir", str(tmp_path), *words)
        said: dict[str, Any] = json.loads(capfd.readouterr().out)
        return status, said

    return run


def asked(url: str, folder: Path | None) -> tuple[Settings, Provider]:
    """A page, and settings with which it may be asked."""
    page = Provider(key=bare(url), name="Example", feed=url)
    return Settings(providers=(page,), state_dir=folder, own_hosts=frozenset({"127.0.0.1"})), page


def text(url: str, screen: Screen | None = None, most: int | None = 10) -> str:
    """What is shown of a page on such a screen."""
    found = asyncio.run(explain(*asked(url, None)))
    return command._text(found, screen or Screen(), most, None)


def held(folder: Path) -> dict[str, bytes]:
    """What a folder holds."""
    return {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}


def verdicts(said: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Verdict, the incident's last characters, and why."""
    return [(each["verdict"], each["incident"][-3:], each["why"]) for each in said["items"]]


def test_headers_are_those_that_travelled(explained: Explained, origin: Origin) -> None:
    """Fields sent and received are what the server saw and sent, with address and bytes."""
    origin.page("/a").serve(
        incidentio(OPEN), etag='W/"x"', headers={"Cache-Control": "max-age=90", "X-Odd": "1"}
    )

    status, said = explained(origin.url("/a"))

    (exchange,) = said["exchanges"]
    (request,) = origin.log
    assert status == 0
    sent = [(name.encode(), value.encode()) for name, value in exchange["sent"]]
    assert sent == request.headers
    received = dict(exchange["received"])
    assert (received["ETag"], received["X-Odd"]) == ('W/"x"', "1")
    assert exchange["address"] == f"127.0.0.1 port {origin.port}"
    assert (exchange["version"], exchange["status"], exchange["step"]) == ("HTTP/1.1", 200, "")
    assert (said["bytes_sent"], said["bytes_received"]) == (origin.bytes_in, origin.bytes_out)
    assert said["body_bytes"] == said["document_bytes"] == len(incidentio(OPEN).encode())
    assert (said["fresh_seconds"], said["kept"], said["conditional"]) == (90, True, False)
    assert said["next_why"] == "its server says that it is fresh for 90 s"


def test_nothing_is_remembered(explained: Explained, origin: Origin, tmp_path: Path) -> None:
    """The folder is as it was, to the byte; the next run tells all that was explained."""
    page = origin.page("/a").serve(incidentio(OVER), etag=True)
    App(origin.url("/a"), folder=tmp_path).once()
    before = held(tmp_path)
    page.serve(incidentio(OPEN, OVER), etag=True)

    first = verdicts(explained(origin.url("/a"))[1])

    assert first == verdicts(explained(origin.url("/a"))[1])
    assert first[0] == ("told", "01B", "new: not known yet")
    assert held(tmp_path) == before
    app = App(origin.url("/a"), folder=tmp_path)
    app.once()
    assert app.told.short == [("new", "01B", "investigating")]


def test_a_running_watcher_is_not_in_the_way(origin: Origin, tmp_path: Path) -> None:
    """What it has just written is known; its lock and its files are left alone."""
    origin.page("/a").serve(incidentio(OPEN, OVER), etag=True)

    async def work() -> Explanation:
        app = App(origin.url("/a"), folder=tmp_path)
        lock = Lock(tmp_path)
        try:
            await app.scheduler.once()
            return await explain(*asked(origin.url("/a"), tmp_path))
        finally:
            lock.release()
            await app.close()

    found = asyncio.run(work())

    assert origin.log[-1].header("If-None-Match") is not None
    assert (found.poll.outcome, len(found.memory.told)) == ("unchanged", 2)
    assert [item.verdict for item in found.items] == ["known", "known"]


def test_what_is_explained_is_what_is_told(
    explained: Explained, origin: Origin, tmp_path: Path
) -> None:
    """Through a page's life, each verdict «told» is an event of the next run, and no other is."""
    late = Report("01C", state="Resolved", title="Late", at=minute(-60))
    found = Report("01B", title="Login fails", state="Identified", at=minute(5))
    reworded = Report("01B", title="Login fails!", at=minute(5))
    ended = Report("01B", title="Login fails!", state="Resolved", message="Over.", at=minute(9))
    page = origin.page("/a")
    whys = []
    for reports in (
        (OVER, late),
        (OPEN, OVER, late),
        (reworded, OVER),
        (found, OVER),
        (OPEN, OVER),
        (ended, OVER),
        (OPEN,),
    ):
        page.serve(incidentio(*reports), etag=True)
        _, said = explained(origin.url("/a"))
        app = App(origin.url("/a"), folder=tmp_path)
        app.once()
        told = [
            (w.partition(":")[0], id_) for verdict, id_, w in verdicts(said) if verdict == "told"
        ]
        assert sorted(told) == sorted((event, id_) for event, id_, _ in app.told.short)
        whys.append(verdicts(said))

    assert whys[0] == [
        ("told", "01A", "new: not known yet"),
        ("noted", "01C", "over before the page was met; of those, 1 told (--backfill)"),
    ]
    swept = "as it was when it was last read: swept over"
    assert whys[1][1:] == [("known", "01A", swept), ("known", "01C", swept)]
    assert [each[0] for each in whys[2:]] == [
        ("noted", "01B", "only its wording differs (told with --edits)"),
        ("told", "01B", "update: was Investigating, is Identified"),
        ("passed over", "01B", "this very update was told before"),
        ("told", "01B", "resolved: was Identified, is Resolved"),
        ("passed over", "01B", LAGS),
    ]


def test_an_edge_that_lags_is_named(explained: Explained, origin: Origin, tmp_path: Path) -> None:
    """An older version than was told is passed over; a longer timeline is an update."""
    first = ("Investigating", "We look.", minute(1))
    second = ("Identified", "Found.", minute(5))
    page = origin.page("/a").serve(statuspage(Timeline(1, updates=[second, first])))
    App(origin.url("/a"), folder=tmp_path).once()

    page.serve(statuspage(Timeline(1, updates=[first])))
    lagging = verdicts(explained(origin.url("/a"))[1])
    third = ("Identified", "Found.", minute(6))
    page.serve(statuspage(Timeline(1, updates=[third, second, first])))
    longer = verdicts(explained(origin.url("/a"))[1])

    assert [(verdict, why) for verdict, _, why in lagging + longer] == [
        ("passed over", LAGS),
        ("told", "update: its timeline has 3 entries, 2 were told"),
    ]


def test_the_filter_that_rejects_is_named(
    explained: Explained, origin: Origin, tmp_path: Path
) -> None:
    """What a filter of the configuration keeps from being told, and by which."""
    origin.page("/a").serve(incidentio(OPEN))
    file = tmp_path / "own.toml"
    file.write_text(
        f'[[providers]]\nkey = "ex"\nfeed = "{origin.url("/a")}"\n'
        'filters = { kinds = ["incident"], exclude_titles = ["login"] }\n'
    )

    status, said = explained("--config", str(file), origin.url("/a"))

    assert (status, said["row"], said["page"]["key"]) == (0, "the configuration's", "ex")
    why = "new: not known yet; rejected by the filter exclude_titles"
    assert verdicts(said) == [("filtered", "01B", why)]


def test_items_that_are_skipped_are_named(explained: Explained, origin: Origin) -> None:
    """An item beyond a limit is a fault, with its reason."""
    body = incidentio(OPEN).replace("<guid>", "<guid>x</guid><guid>")
    huge = body.replace("We are looking.", "x" * 1_100_000)
    origin.page("/a").serve(huge)

    _, said = explained(origin.url("/a"))

    assert said["items"] == []
    assert "limits.text" in said["faults"][0]


@pytest.mark.parametrize(
    ("first", "then", "lasting"), [(301, 302, 1), (302, 301, 0), (308, 301, 2)]
)
def test_redirects_are_explained(origin: Origin, first: int, then: int, lasting: int) -> None:
    """Each hop is shown; only the leading permanent ones are said to be remembered."""
    origin.page("/old").redirect("/newer", first)
    origin.page("/newer").redirect("/a", then)
    origin.page("/a").serve(incidentio(OPEN))

    shown = text(origin.url("/old"))

    hops = [line for line in shown.splitlines() if line.startswith("so ")]
    assert [line.split(maxsplit=1)[1] for line in hops] == [
        "followed; permanent: its place from now on, if a feed is read there"
    ] * lasting + ["followed; not remembered: a temporary redirect, or behind one"] * (
        2 - lasting
    ) + ["see below"]
    assert shown.count("GET ") == 3


def test_no_password_is_shown(explained: Explained, origin: Origin) -> None:
    """Neither an account's, nor what a cookie says, in JSON or text."""
    origin.page("/a").serve(incidentio(OPEN), headers={"Set-Cookie": "sid=s3cret; Path=/"})
    url = origin.url("/a").replace("//", "//ann:s3cret@")

    said = json.dumps(explained(url)[1])
    shown = text(url)

    assert origin.log[-1].header("Authorization") == b"Basic YW5uOnMzY3JldA=="
    for each in (said, shown):
        assert "s3cret" not in each
        assert "YW5uOnMzY3JldA==" not in each
        assert "Basic ***" in each
        assert "sid=***; Path=/" in each


def test_a_server_that_wants_rest_is_left_alone(
    explained: Explained, origin: Origin, tmp_path: Path
) -> None:
    """Retry-After of an earlier run holds; `--now` asks all the same."""
    page = origin.page("/a").always(Answer(429, {"Retry-After": "600"}))
    App(origin.url("/a"), folder=tmp_path).once()
    page.serve(incidentio(OPEN))

    status, said = explained(origin.url("/a"))
    assert (status, page.count, said["exchanges"], said["outcome"]) == (1, 1, [], "held")
    assert 590 < said["next_seconds"] <= 600

    status, said = explained(origin.url("/a"), "--now")
    assert (status, page.count, said["outcome"]) == (0, 2, "changed")


def test_what_is_fresh_is_not_asked_for(
    explained: Explained, origin: Origin, tmp_path: Path
) -> None:
    """The stored document is shown instead, as a watcher would go on with it."""
    page = origin.page("/a").serve(incidentio(OPEN), headers={"Cache-Control": "max-age=600"})
    App(origin.url("/a"), folder=tmp_path).once()

    status, said = explained(origin.url("/a"))

    assert (status, page.count, said["outcome"]) == (0, 1, "held")
    assert said["dialect"] == "incidentio-rss"
    assert [verdict for verdict, _, _ in verdicts(said)] == ["known"]


def test_fresh_begins_anew(explained: Explained, origin: Origin, tmp_path: Path) -> None:
    """With `--fresh` neither memory nor cache are looked at."""
    page = origin.page("/a").serve(incidentio(OPEN), etag=True)
    App(origin.url("/a"), folder=tmp_path).once()

    _, said = explained(origin.url("/a"), "--fresh")

    assert page.requests[-1].header("If-None-Match") is None
    assert verdicts(said) == [("told", "01B", "new: not known yet")]
    assert said["known"]["state"] == "not looked at (--fresh)"


def test_a_page_that_is_no_feed(explained: Explained, origin: Origin) -> None:
    """Exit status 1, the reason, and how the document begins."""
    origin.page("/a").serve("<!doctype html><title>Hello</title>", etag=True)

    status, said = explained(origin.url("/a"))

    assert (status, said["outcome"], said["error_kind"]) == (1, "failed", "Unreadable")
    assert said["begins"] == "<!doctype html><title>Hello</title>"
    assert said["kept"] is False


def test_the_step_that_failed_is_named(
    explained: Explained, origin: Origin, tmp_path: Path
) -> None:
    """Connecting, or receiving the body; the retry is seen, too."""
    origin.page("/cut").serve(incidentio(OPEN), cut=100)
    origin.page("/503").then(Answer(503)).serve(incidentio(OPEN))

    for path in ("/cut", "/a"):  # one that fails already is asked once a poll
        state = open_state(tmp_path)
        state.pace(origin.url(path), origin.url(path), Pacing(failures=1))
        state.close()

    status, said = explained(origin.url("/cut"))
    assert (status, said["exchanges"][-1]["step"]) == (1, "receiving the body")

    shown = text(origin.url("/503"))
    assert "asked once more, after a failure (HTTP 503)" in shown

    origin.pause()
    status, said = explained(origin.url("/a"))
    assert (status, said["exchanges"][-1]["step"]) == (1, "connecting")
    assert said["error"].startswith("connection refused by 127.0.0.1")


def test_tls_and_http2_are_seen(explained: Explained, monkeypatch: pytest.MonkeyPatch) -> None:
    """The versions that were agreed on; a handshake that fails is named as such."""
    with Origin(http2=True) as origin:
        origin.page("/a").serve(incidentio(OPEN))
        status, said = explained(origin.url("/a"))
        assert (status, said["exchanges"][-1]["step"]) == (1, "the TLS handshake")
        assert "certificate is not valid" in said["error"]

        monkeypatch.setenv("SSL_CERT_FILE", origin.ca_file)
        status, said = explained(origin.url("/a"))

    exchange = said["exchanges"][0]
    assert (status, exchange["version"], exchange["tls"]) == (0, "HTTP/2", "TLSv1.3")
    assert exchange["resumed"] is False


@pytest.mark.parametrize(
    ("url", "host", "proxy"),
    [
        ("https://status.example.test/feed", "status.example.test", ""),
        ("http://[::1]:443/feed//x", "::1", ""),
        ("https://status.example.test/feed", "proxy.example.test", "proxy.example.test:443"),
    ],
)
def test_a_proxy_is_no_address_of_the_page(url: str, host: str, proxy: str) -> None:
    """Where another host than the page's is connected to, it is called what it is."""
    exchange = Exchange(url, [])
    asyncio.run(exchange.note("connection.connect_tcp.started", {"host": host, "port": 443}))
    assert exchange.proxy == proxy


def test_a_state_that_cannot_be_read_is_said(
    explained: Explained, origin: Origin, tmp_path: Path
) -> None:
    """One of a newer version is left alone, and the page explained as if it were new."""
    origin.page("/a").serve(incidentio(OPEN), etag=True)
    App(origin.url("/a"), folder=tmp_path).once()
    with sqlite3.connect(tmp_path / "state.sqlite3") as database:
        database.execute("PRAGMA user_version = 99")
    database.close()

    status, said = explained(origin.url("/a"))

    assert status == 0
    assert "written by a newer efficient_status" in said["known"]["state"]
    assert said["known"]["state"].endswith("explained as if the page had never been met")


def test_an_unknown_page_is_wrong_usage(capfd: pytest.CaptureFixture[str]) -> None:
    """Exit status 2, with what was probably meant; nothing is asked."""
    assert here("explain", "opena") == 2
    assert "did you mean openai" in capfd.readouterr().err


@pytest.mark.parametrize("width", [40, 80, 120])
def test_it_fits_the_terminal(origin: Origin, width: int) -> None:
    """No line is wider; the newest items are shown, and how many more there are."""
    reports = [Report(f"{n:03}", title="Very slow " * 12, at=minute(n)) for n in range(5)]
    origin.page("/a").serve(incidentio(*reports), headers={"X-Long": "y" * 300})

    shown = text(origin.url("/a"), Screen(width=width), most=2)

    assert max(map(len, shown.splitlines())) <= width
    assert "and 3 older (--all-items)" in shown
    headings = [
        line.split("  ")[0]
        for line in shown.splitlines()
        if line[:4].strip().isupper() and line[0].isalpha()
    ]
    assert headings == ["PAGE", "EXCHANGE 1", "ANSWER", "DOCUMENT", "ITEM", "NEXT POLL", "STDERR"]
