"""The test bed proves itself: each knob of ``tests.origin`` as a real client sees it."""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import socket
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, TypedDict, Unpack

import httpx
import pytest

from tests.origin import Answer, Origin, Request, Version
from tests.origin.clients import client_of, raw, trust, until
from tests.origin.peer import Peer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.origin import Ending
    from tests.origin.message import Framing

ENDINGS = ("fin", "rst", "goaway", "silent")
MONDAY = "Mon, 02 Nov 2026 10:00:00 GMT"
TUESDAY = "Tue, 03 Nov 2026 10:00:00 GMT"
KINDS = pytest.mark.parametrize("kind", [{}, {"tls": True}, {"http2": True}], ids=str)


class Kind(TypedDict, total=False):
    """What an origin speaks; nothing said is plain HTTP/1.1."""

    tls: bool
    http2: bool
    expired: bool


@contextlib.contextmanager
def pair(**kind: Unpack[Kind]) -> Iterator[tuple[Origin, httpx.Client]]:
    """Open an origin and a client of it."""
    with Origin(**kind) as origin, client_of(origin) as client:
        yield origin, client


@KINDS
def test_serve_and_revalidate(kind: Kind) -> None:
    """A page is served with its validators, and a client that has it gets a bare 304."""
    with pair(**kind) as (origin, client):
        headers = {"Cache-Control": "max-age=60", "Content-Type": "text/xml"}
        page = origin.page("/feed").serve("<rss/>", etag=True, headers=headers, gzip=True)

        whole = client.get("/feed?x=1")
        again = client.get("/feed", headers={"If-None-Match": whole.headers["etag"]})

        assert (whole.status_code, whole.text) == (200, "<rss/>")
        assert whole.headers["content-encoding"] == "gzip"
        assert (again.status_code, again.content) == (304, b"")
        assert whole.headers["etag"] == again.headers["etag"]
        assert again.headers["cache-control"] == "max-age=60"
        assert not {"content-type", "content-length", "content-encoding"} & set(again.headers)
        assert [request.status for request in page.requests] == [200, 304]
        assert [request.conditional for request in page.requests] == [False, True]
        assert [len(gzip.compress(b"<rss/>")), 0] == [r.body_sent for r in page.requests]


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ({"If-None-Match": '"a"'}, 304),
        ({"If-None-Match": 'W/"a"'}, 304),
        ({"If-None-Match": '"x,y", W/"a"'}, 304),
        ({"If-None-Match": "*"}, 304),
        ({"If-None-Match": '"b"'}, 200),
        ({"If-None-Match": "a"}, 200),
        ({"If-None-Match": '"b"', "If-Modified-Since": TUESDAY}, 200),
        ({"If-Modified-Since": MONDAY}, 304),
        ({"If-Modified-Since": "Monday, 02-Nov-26 10:00:00 GMT"}, 304),
        ({"If-Modified-Since": TUESDAY}, 304),
        ({"If-Modified-Since": "Sun, 01 Nov 2026 10:00:00 GMT"}, 200),
        ({"If-Modified-Since": "yesterday"}, 200),
    ],
)
def test_conditions(condition: dict[str, str], status: int) -> None:
    """Conditions follow RFC 9110, 13: weak comparison, lists, If-None-Match first."""
    with pair() as (origin, client):
        origin.page("/").serve("x", etag='"a"', last_modified=MONDAY)
        origin.page("/deaf").serve("x", etag='"a"', last_modified=MONDAY, honour=False)

        assert status == client.get("/", headers=condition).status_code
        assert client.get("/deaf", headers=condition).status_code == 200
        assert client.post("/", headers=condition).status_code == 200


def test_script() -> None:
    """One-shot answers come first and in order, then what lasts; unknown paths are 404."""
    with pair() as (origin, client):
        page = origin.page("/").serve("x").then(Answer(503), lambda r: Answer(429, body=r.method))

        assert [client.get("/").status_code for _ in range(4)] == [503, 429, 200, 200]
        page.down()
        assert client.get("/").status_code == 503
        page.redirect("/new", 308)
        moved = client.get("/")
        assert (moved.status_code, moved.headers["location"]) == (308, "/new")
        page.always(lambda request: Answer(body=request.body))
        assert client.post("/", content=b"ping").text == "ping"
        assert client.post("/", content=iter([b"pi", b"ng"])).text == "ping"
        assert client.get("/none").status_code == 404
        assert (page.count, len(origin.log)) == (8, 9)
        origin.clear_log()
        assert (page.count, origin.log) == (0, [])


def test_versions() -> None:
    """Versions follow each other by ``step`` or by themselves, and the last one stays."""
    with pair() as (origin, client):
        versions: list[Version] = [{"body": "1"}, {"body": "2", "etag": True}, {"body": "3"}]
        page = origin.page("/").versions(versions, every=2)

        assert [client.get("/").text for _ in range(7)] == ["1", "1", "2", "2", "3", "3", "3"]
        page.versions(versions)
        assert [client.get("/").text for _ in range(2)] == ["1", "1"]
        for text in ("2", "3", "3"):
            page.step()
            assert client.get("/").text == text


def test_log_is_raw() -> None:
    """The log has the header fields as they came, in order, with case and repetition."""
    with Origin() as origin:
        origin.page("/").serve("x", close=True)

        answer = raw(origin, b"GET /?q=1 HTTP/1.1\r\nhOsT: a\r\nX-A:  1 \r\nx-a: 2\r\n\r\n")

        (request,) = origin.requests("/")
        assert request.headers == [(b"hOsT", b"a"), (b"X-A", b"1"), (b"x-a", b"2")]
        assert (request.method, request.path, request.version) == ("GET", "/?q=1", "HTTP/1.1")
        assert (request.header("X-a"), request.header(b"none")) == (b"1, 2", None)
        assert abs(time.time() - request.wall) < 5 > abs(time.monotonic() - request.at)
        assert answer.startswith(b"HTTP/1.1 200 OK\r\n")
        assert (len(answer), 49) == (origin.bytes_out, origin.bytes_in)


def test_raw_headers_of_h2() -> None:
    """Over HTTP/2 the pseudo-header fields are left out of the log."""
    with pair(http2=True) as (origin, client):
        assert client.get("/", headers={"X-A": "1"}).http_version == "HTTP/2"

        (request,) = origin.log
        assert (request.version, request.header("x-a")) == ("HTTP/2", b"1")
        assert not [name for name, _ in request.headers if name.startswith(b":")]


@KINDS
def test_delay_and_drip(kind: Kind) -> None:
    """``delay`` holds the status line back, ``drip`` the body, each without blocking others."""
    with pair(**kind) as (origin, client):
        slow = Answer(body="abcdef", delay=0.1, drip=(2, 0.05))
        origin.page("/").then(slow).serve("x")
        other = threading.Timer(0.02, client.get, ["/"])
        begun = time.monotonic()
        other.start()
        with client.stream("GET", "/") as response:
            headed = time.monotonic() - begun
            pieces = list(response.iter_raw())
        ended = time.monotonic() - begun
        other.join()

        assert b"".join(pieces) == b"abcdef"
        assert len(pieces) > 1
        assert 0.1 <= headed <= ended - 0.08
        first, second = origin.log
        assert first.at < second.at < first.at + 0.2
        assert (first.body_sent, second.body_sent) == (6, 1)


@KINDS
@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_cut(kind: Kind, framing: Framing) -> None:
    """``cut`` ends the connection in the midst of a body, and the client notices."""
    with pair(**kind) as (origin, client):
        origin.page("/").then(Answer(body="abcdef", cut=3, framing=framing))

        with pytest.raises(httpx.RemoteProtocolError):
            client.get("/")
        assert origin.log[0].body_sent == 3
        assert until(lambda: origin.open_connections == 0)
        assert client.get("/").status_code == 404


@KINDS
def test_reset_and_hang(kind: Kind) -> None:
    """``reset`` breaks the connection off; ``hang`` lasts until the client goes."""
    with pair(**kind) as (origin, client):
        origin.page("/").then(Answer(reset=True), Answer(hang=True))

        with pytest.raises(httpx.TransportError):
            client.get("/")
        with pytest.raises(httpx.ReadTimeout):
            client.get("/", timeout=0.1)
        client.close()
        assert until(lambda: origin.open_connections == 0)
        assert [request.status for request in origin.log] == [None, None]


@KINDS
def test_stop_is_prompt(kind: Kind) -> None:
    """Stopping takes no time, whatever hangs, drips, idles or has not shaken hands."""
    with Origin(**kind) as origin, client_of(origin) as client:
        origin.page("/hang").always(Answer(hang=True))
        origin.page("/drip").always(Answer(body=bytes(5_000_000), drip=(4_000_000, 60)))
        for path in ("/idle", "/hang", "/drip"):
            with contextlib.suppress(httpx.ReadTimeout):
                client.get(path, timeout=0.05)
        seen = origin.connections
        with socket.create_connection(("127.0.0.1", origin.port)):
            assert until(lambda: origin.connections > seen)
            begun = time.monotonic()
            origin.stop()

        assert time.monotonic() - begun < 0.5
        assert "origin" not in {thread.name for thread in threading.enumerate()}
        assert origin.open_connections == 0


def test_framing_and_date() -> None:
    """Date, Content-Length and the framing are as asked; a length given by hand is kept."""
    with Origin() as origin:
        get = b"GET %s HTTP/1.1\r\n\r\n"
        origin.page("/none").serve("abc", date=None, close=True)
        origin.page("/date").serve("abc", date=MONDAY, close=True)
        origin.page("/chunked").serve("abc", framing="chunked", drip=(2, 0), date=None, close=True)
        origin.page("/close").serve("abc", framing="close", date=None)
        origin.page("/lie").serve("abc", headers={"content-length": "9"}, date=None, close=True)

        ok, close = b"HTTP/1.1 200 OK\r\n", b"Connection: close\r\n"
        assert ok + b"Content-Length: 3\r\n" + close + b"\r\nabc" == raw(origin, get % b"/none")
        assert b"Date: " + MONDAY.encode() + b"\r\n" in raw(origin, get % b"/date")
        assert ok + b"Transfer-Encoding: chunked\r\n" + close + (
            b"\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n"
        ) == raw(origin, get % b"/chunked")
        assert ok + close + b"\r\nabc" == raw(origin, get % b"/close")
        assert ok + b"content-length: 9\r\n" + close + b"\r\nabc" == raw(origin, get % b"/lie")
        head = raw(origin, b"HEAD /none HTTP/1.1\r\n\r\n")
        assert ok + b"Content-Length: 3\r\n" + close + b"\r\n" == head


def test_connections_are_kept_and_counted() -> None:
    """Connections are kept alive, pipelined requests answered in order, bad ones refused."""
    with pair() as (origin, client):
        origin.page("/").serve("x")
        for _ in range(5):
            client.get("/")
        assert (origin.connections, origin.open_connections) == (1, 1)
        two = raw(origin, b"GET / HTTP/1.1\r\n\r\nGET /2 HTTP/1.0\r\n\r\n")
        assert two.index(b"200 OK") < two.index(b"404 Not Found")
        assert raw(origin, b"GET\r\n\r\n").startswith(b"HTTP/1.1 400 ")
        assert raw(origin, b"GET /" + b"x" * 70_000).startswith(b"HTTP/1.1 431 ")
        assert [request.connection for request in origin.log] == [1] * 5 + [2] * 2


@pytest.mark.parametrize("how", ENDINGS)
@KINDS
def test_close_idle(kind: Kind, how: Ending) -> None:
    """HTTP/1.1 clients reconnect whatever ends an idle connection, HTTP/2 only if told."""
    with pair(**kind) as (origin, client):
        origin.page("/").serve("x")
        client.get("/")
        origin.close_idle(how)

        assert origin.open_connections == 0
        if "http2" in kind and how != "goaway":
            with pytest.raises(httpx.TransportError):
                client.get("/")
        assert client.get("/").text == "x"
        assert (origin.connections, origin.open_connections) == (2, 1)


@pytest.mark.parametrize("how", ENDINGS)
@KINDS
def test_endings_on_the_wire(kind: Kind, how: Ending) -> None:
    """Each ending is what it is called: GOAWAY, close_notify and FIN, bare FIN, or RST."""
    with Origin(**kind) as origin, Peer.to(origin) as peer:
        peer.talk()
        origin.close_idle(how)

        ends = {"rst": "RST", "silent": "FIN"}
        orderly = "close_notify" if kind else "FIN"
        assert (how == "goaway" and "http2" in kind, ends.get(how, orderly)) == peer.end()


@KINDS
def test_reset_on_the_wire(kind: Kind) -> None:
    """``reset`` is a RST (which an SSLSocket reports as an ordinary end)."""
    with Origin(**kind) as origin, Peer.to(origin) as peer:
        origin.page("/").always(Answer(reset=True))
        peer.ask()

        assert peer.end() == (False, "RST")


def test_close_idle_leaves_busy_connections() -> None:
    """A connection with a request in progress is left alone."""
    with pair() as (origin, client):
        origin.page("/").serve("x", delay=0.1)
        asker = threading.Thread(target=client.get, args=["/"])
        asker.start()
        assert until(lambda: len(origin.log) == 1)
        origin.close_idle("rst")
        asker.join()

        assert origin.log[0].status == 200
        assert origin.open_connections == 1


@KINDS
def test_keepalive(kind: Kind) -> None:
    """An idle connection is closed after ``keepalive`` seconds, whenever that is set."""
    with pair(**kind) as (origin, client):
        client.get("/")
        assert origin.open_connections == 1
        origin.keepalive = 0.05

        assert until(lambda: origin.open_connections == 0)
        origin.keepalive = None
        with contextlib.suppress(httpx.RemoteProtocolError):
            client.get("/")
        client.get("/")
        time.sleep(0.1)
        assert origin.open_connections == 1


def test_pause_and_resume() -> None:
    """A paused origin refuses connections, and comes back at the same port."""
    with pair() as (origin, client):
        origin.page("/").serve("x")
        client.get("/")
        origin.pause()

        assert origin.open_connections == 0
        for _ in range(3):
            with pytest.raises(httpx.ConnectError):
                client.get("/")
        origin.resume()
        assert client.get("/").text == "x"


def test_certificates() -> None:
    """Clients that do not trust the CA, or meet an expired certificate, are not served."""
    with Origin(tls=True) as origin, httpx.Client() as stranger:
        with pytest.raises(httpx.ConnectError, match=r"self-signed|unable to get local issuer"):
            stranger.get(origin.url("/"))
        assert (origin.connections, origin.log) == (1, [])
        assert until(lambda: origin.open_connections == 0)
    with (
        pair(tls=True, expired=True) as (_, client),
        pytest.raises(httpx.ConnectError, match="expired"),
    ):
        client.get("/")


def test_tls_resumption_is_counted() -> None:
    """A TLS session that is resumed is counted."""
    with Origin(tls=True) as origin:
        context, session = trust(origin), None
        for _ in range(3):
            with (
                socket.create_connection(("127.0.0.1", origin.port), timeout=2) as plain,
                context.wrap_socket(plain, server_hostname="localhost", session=session) as sock,
            ):
                sock.sendall(b"GET / HTTP/1.1\r\n\r\n")
                sock.recv(65536)
                session = sock.session

        assert (origin.connections, origin.tls_resumed) == (3, 2)


@KINDS
def test_large_bodies_and_vanishing_clients(kind: Kind) -> None:
    """Large bodies pass flow control, and a client that vanishes in one leaves nothing."""
    with pair(**kind) as (origin, client):
        body = bytes(range(256)) * 50_000
        origin.page("/").serve(body)

        assert body == client.get("/").content
        with client.stream("GET", "/") as response:
            next(response.iter_raw())
        client.close()
        assert until(lambda: origin.open_connections == 0)
        assert origin.log[1].body_sent < len(body)


def test_many_pages() -> None:
    """300 connections at a time are no trouble, from an asyncio client in the test's loop."""
    with Origin() as origin:
        for number in range(300):
            origin.page(f"/{number}").serve(f"page {number}", etag=True)

        begun = time.monotonic()
        asyncio.run(_ask_all(origin, rounds=3))

        assert (origin.connections, len(origin.log)) == (300, 900)
        assert {3} == {origin.page(f"/{number}").count for number in range(300)}
        assert time.monotonic() - begun < 900 / 60


async def _ask_all(origin: Origin, rounds: int) -> None:
    async def ask(number: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", origin.port)
        for _ in range(rounds):
            writer.write(b"GET /%d HTTP/1.1\r\n\r\n" % number)
            await reader.readuntil(b"page %d" % number)
        writer.close()
        await writer.wait_closed()

    await asyncio.gather(*(ask(number) for number in range(300)))


def test_many_streams() -> None:
    """Streams of one HTTP/2 connection are answered side by side."""

    async def ask(origin: Origin) -> None:
        async with httpx.AsyncClient(verify=trust(origin), http2=True) as client:
            await client.get(origin.url("/"))
            await asyncio.gather(*(client.get(origin.url("/")) for _ in range(50)))

    with Origin(http2=True) as origin:
        origin.page("/").serve("x", delay=0.1)
        begun = time.monotonic()
        asyncio.run(ask(origin))

        assert time.monotonic() - begun < 2
        assert (origin.connections, len(origin.log)) == (1, 51)


def test_subprocess() -> None:
    """A subprocess can talk to it, trusting ``ca_file`` by the usual variable."""
    with Origin(tls=True) as origin:
        origin.page("/").serve("hello")
        code = f"import httpx; print(httpx.get({origin.url('/')!r}).text)"
        done = subprocess.run(
            [sys.executable, "-c", code],
            env={"SSL_CERT_FILE": origin.ca_file},
            capture_output=True,
            check=True,
        )

        assert done.stdout.strip() == b"hello"


def test_errors_of_a_script_come_out() -> None:
    """A callable that raises is answered with 500, and its error raised when the origin ends."""

    def broken(request: Request) -> Answer:
        raise LookupError(request.path)

    origin = Origin().start()
    origin.page("/").always(broken)
    with client_of(origin) as client:
        assert client.get("/").status_code == 500
    with pytest.raises(ExceptionGroup, match="inside the origin") as caught:
        origin.stop()
    assert isinstance(caught.value.exceptions[0], LookupError)


def test_taken_port() -> None:
    """A port that is taken is an error at once."""
    with Origin() as origin, pytest.raises(OSError, match="in use"):
        Origin(port=origin.port, tls=True).start()
