"""`demo`: the play as it is seen, and what it says of its costs."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from efficient_status.demo import show
from efficient_status.demo.server import Server
from tests.app import command, environment, here

SECONDS = "0.4"
TITLE = "Uploads to object storage fail"


class Wiretap(Server):
    """The demo's server, and beside its own counts what really passed."""

    passed: list[tuple[bytes, bytes]]

    def __init__(self, *arguments: Any, **more: Any) -> None:
        super().__init__(*arguments, **more)
        Wiretap.passed = []

    def _answer(self, request: bytes) -> bytes:
        answer = super()._answer(request)
        Wiretap.passed.append((request, answer))
        return answer


@pytest.fixture
def played(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> tuple[list[dict[str, Any]], list[str]]:
    """Events and narration of a quick play."""
    monkeypatch.setattr(show, "Server", Wiretap)
    assert here("demo", "--seconds", SECONDS, "--format", "json") == 0
    out, err = capfd.readouterr()
    prefix = "efficient-status: "
    lines = err.splitlines()
    assert all(line.startswith(prefix) for line in lines)
    return [json.loads(line) for line in out.splitlines()], [x[len(prefix) :] for x in lines]


def test_the_play(played: tuple[list[dict[str, Any]], list[str]], tmp_path: Path) -> None:
    """An outage from its start to its end, and a late report; each told once, told what it cost."""
    events, said = played

    assert [(e["event"], e["state"], e["title"]) for e in events] == [
        ("new", "resolved", "Load balancers drop requests"),  # --backfill 1
        ("new", "investigating", TITLE),
        ("update", "identified", TITLE),
        ("update", "monitoring", TITLE),
        ("resolved", "resolved", TITLE),
        ("new", "resolved", "Sign-in was slow"),
    ]
    assert [e["product"] for e in events[1:]] == ["Object Storage"] * 4 + ["Accounts"]
    assert events[-1]["updated_at"] < events[1]["updated_at"]  # retroactive

    sizes = [show.size(len(request) + len(answer)) for request, answer in Wiretap.passed]
    news = ["24 of 24 items read, told: new"]
    news += [f"1 of 25 items read, told: {word}" for word in ("new", "update", "update")]
    news += ["1 of 25 items read, told: resolved", "1 of 26 items read, told: new"]
    polls = [line for line in said if line.startswith("poll ")]
    assert polls == [
        f"poll {n + 1}: 304, {sizes[n]}, nothing parsed"
        if n % show.POLLS
        else f"poll {n + 1}: 200, {sizes[n]} gzip, {news[n // show.POLLS]}"
        for n in range(show.ALL)
    ]
    assert not list(tmp_path.rglob("*"))  # nothing was written


def test_the_summary_adds_up(played: tuple[list[dict[str, Any]], list[str]]) -> None:
    """Polls, 304s, items and bytes are those that passed; every line fits a terminal."""
    spent = sum(len(request) + len(answer) for request, answer in Wiretap.passed)
    whole, latest = 0, b""
    for request, answer in Wiretap.passed:
        latest = answer if b" 200 " in answer[:16] else latest
        whole += len(re.sub(rb"If-None-Match: .*?\r\n", b"", request)) + len(latest)

    assert played[1][-4:-1] == [
        "24 polls: 18 answered by 304, 29 items read",
        f"{show.size(spent)} travelled; without validators it would have been",
        f"{show.size(whole)} (computed from the sizes of the whole answers)",
    ]
    assert max(map(len, played[1])) <= 80 - len("efficient-status: ")


def test_what_an_unconditional_request_would_have_cost_is_what_it_costs() -> None:
    """The server's arithmetic against two real requests."""

    async def asked(*more: bytes) -> tuple[Server, bytes]:
        async with Server(lambda: "<rss/>" * 99, max_age=7) as server:
            host, port = server.url.removeprefix("http://").partition("/")[0].split(":")
            reader, writer = await asyncio.open_connection(host, int(port))
            for fields in more:
                writer.write(b"GET / HTTP/1.1\r\nAccept-Encoding: gzip\r\n" + fields + b"\r\n")
                answer = await reader.readuntil(b"\r\n\r\n")
                length = re.search(rb"Content-Length: (\d+)", answer)
                answer += await reader.readexactly(int(length[1]) if length else 0)
            writer.close()
        return server, answer

    _, first = asyncio.run(asked(b""))
    found = re.search(rb"ETag: (.*?)\r\n", first)
    assert found is not None
    server, second = asyncio.run(asked(b"", b"If-None-Match: " + found[1] + b"\r\n"))

    plain, conditional = server.log
    assert second.startswith(b"HTTP/1.1 304 Not Modified\r\n")
    assert b"Cache-Control: max-age=7, private\r\n" in second
    assert (plain.status, conditional.status) == (200, 304)
    assert conditional.whole == plain.whole == plain.travelled > conditional.travelled


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
def test_a_signal_ends_it_cleanly(tmp_path: Path, signum: signal.Signals, status: int) -> None:
    """Ctrl-C is 130, and there is no traceback."""
    with subprocess.Popen(
        command("demo"),
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.readline()  # the first event
        process.send_signal(signum)
        said = process.stderr.read()

    assert process.returncode == status
    assert "Traceback" not in said


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--seconds", "0"), "--seconds: expected a number > 0, got '0'"),
        (("--seconds", "long"), "--seconds: expected a number > 0, got 'long'"),
        (("--format", "xml"), "--format: expected «text» or «json», got 'xml'"),
        (("--interval", "5"), "unrecognized arguments: --interval 5"),
    ],
)
def test_wrong_usage(capfd: pytest.CaptureFixture[str], words: tuple[str, ...], said: str) -> None:
    """Said, exit 2."""
    assert here("demo", *words) == 2
    out, err = capfd.readouterr()
    assert (out, said in err) == ("", True)
