"""Which addresses may be connected to: judged by the address, whatever the name was."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from efficient_status.errors import Barred
from efficient_status.fetch import Reach
from tests.app import cli
from tests.fetch.onion import FEED, polls, sources
from tests.origin import Answer, Origin

INTERNET = ["93.184.215.14", "1.1.1.1", "2606:4700::1111", "64:ff9b::1.1.1.1", "::ffff:1.1.1.1"]
WITHIN = {
    "loopback": [
        "127.0.0.1",
        "127.9.9.9",
        "::1",
        "::ffff:127.0.0.1",
        "::127.0.0.1",
        "0.0.0.0",
        "::",
    ],
    "private": ["10.0.0.7", "172.16.0.1", "192.168.1.1", "fd00::1", "fc00::1", "::ffff:10.0.0.7"],
    "link-local": ["169.254.0.1", "fe80::1", "fe80::1%eth0"],
    "metadata": ["169.254.169.254", "fd00:ec2::254", "::ffff:169.254.169.254", "100.100.100.200"],
    "carrier": ["100.64.0.1"],
    "translated": [
        "64:ff9b::10.0.0.7",
        "64:ff9b::169.254.169.254",
        "2002:a00:7::1",
        "64:ff9b:1::1",
    ],
    "teredo": ["2001:0:a00:7::1"],
    "no host": ["224.0.0.1", "ff02::1", "255.255.255.255", "192.0.2.1", "2001:db8::1", "240.0.0.1"],
}


@pytest.mark.parametrize("address", INTERNET)
def test_the_internet_may_be_asked(address: str) -> None:
    """An IPv4 address in an IPv6 one counts as itself."""
    assert Reach().permits("status.example.test", address)


@pytest.mark.parametrize("address", [each for group in WITHIN.values() for each in group])
def test_nothing_else_may_be_asked(address: str) -> None:
    """Loopback, private, link-local, metadata, shared, multicast, reserved, in every disguise."""
    assert not Reach().permits("status.example.test", address)


@pytest.mark.parametrize(
    ("allowed", "host", "address", "may"),
    [
        ("status.corp.test", "STATUS.corp.test", "10.0.0.7", True),
        ("status.corp.test", "other.corp.test", "10.0.0.7", False),
        ("status.corp.test", "evil.status.corp.test", "10.0.0.7", False),
        ("10.0.0.0/8", "any.test", "10.200.0.7", True),
        ("10.0.0.0/8", "any.test", "::ffff:10.200.0.7", True),
        ("10.0.0.0/8", "any.test", "11.0.0.7", True),
        ("10.0.0.0/8", "any.test", "192.168.0.7", False),
        ("10.0.0.7", "any.test", "10.0.0.7", True),
        ("10.0.0.7", "any.test", "10.0.0.8", False),
        ("fd00::/8", "any.test", "fd00::7", True),
    ],
)
def test_what_the_user_names_may_be_asked(allowed: str, host: str, address: str, may: bool) -> None:
    """A host by its name, a network by its addresses; no more than that."""
    assert Reach([allowed]).permits(host, address) is may


def only(address: str, *, ipv6: bool = False) -> Iterator[str]:
    """URLs that lead to this machine without its name or address being what is allowed."""
    yield address.replace("127.0.0.1", "localhost")
    yield address.replace("127.0.0.1", "127.1")
    if ipv6:
        yield address.replace("127.0.0.1", "[::ffff:127.0.0.1]")


def test_a_name_that_leads_within_is_not_connected_to(origin: Origin) -> None:
    """The name is looked up, and the address that came of it is refused: no connection at all."""
    page = origin.page("/feed").serve(FEED)

    for url in only(origin.url("/feed"), ipv6=True):
        (answer,) = polls(url, 1, reach=Reach())
        assert isinstance(answer, Barred), url
        assert "127.0.0.1" in str(answer)
        assert "not a public address: not asked" in str(answer)
    assert (page.count, origin.connections) == (0, 0)


def test_each_hop_of_a_redirect_is_judged(origin: Origin) -> None:
    """A page of the user's own may be asked; where it leads to may not."""
    with Origin(host="127.0.0.9") as inner:
        secret = inner.page("/latest/meta-data").serve("secret")
        origin.page("/feed").always(Answer(302, {"Location": inner.url("/latest/meta-data")}))

        (answer,) = polls(origin.url("/feed"), 1, reach=Reach(["127.0.0.1"]))

        assert isinstance(answer, Barred)
        assert (secret.count, inner.connections) == (0, 0)


def test_the_address_that_was_judged_is_the_one_that_is_connected_to(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look-up a connection: a name that leads elsewhere the second time gains nothing."""
    origin.page("/feed").serve(FEED)
    looked_up: list[str] = []

    async def rebinding(_loop: object, host: str, port: int, **_: object) -> object:
        looked_up.append(host)
        address = "127.0.0.1" if len(looked_up) == 1 else "10.255.255.1"
        return [(2, 1, 6, "", (address, port))]

    monkeypatch.setattr(asyncio.base_events.BaseEventLoop, "getaddrinfo", rebinding)
    url = origin.url("/feed").replace("127.0.0.1", "rebound.example.test")
    answers = polls(url, 2, reach=Reach(["127.0.0.0/8"]))

    assert sources(answers) == ["changed", "changed"]  # the second over the kept connection
    assert looked_up == ["rebound.example.test"]


def test_a_proxy_is_the_users_own_but_not_what_is_asked_through_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The proxy may stand within; an address within that it should fetch from may not."""
    with Origin() as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.base)
        answers = polls("http://169.254.169.254/latest", 1, reach=Reach())
        assert sources(answers) == ["Barred"]
        assert proxy.connections == 0
        answers = polls("http://status.example.test/feed", 1, reach=Reach())
        assert sources(answers) == ["Refused"]  # the proxy was asked, and has no such page


def test_the_users_own_feed_may_stand_anywhere(origin: Origin, tmp_path: Path) -> None:
    """`--feed` names a host, which a redirect does not; `allow_hosts` does."""
    with Origin(host="127.0.0.9") as inner:
        inner.page("/feed").serve(FEED)
        origin.page("/moved").always(Answer(302, {"Location": inner.url("/feed")}))
        file = tmp_path / "allowing.toml"
        file.write_text('allow_hosts = ["127.0.0.8/30"]', "utf-8")
        arguments = ("--once", "--feed", origin.url("/moved"))

        barred = cli(tmp_path, *arguments)
        allowed = cli(tmp_path / "anew", *arguments, "--config", str(file))

    assert (barred.returncode, allowed.returncode) == (1, 0)
    assert (barred.stdout, allowed.stdout.count("Status: ")) == ("", 1)
    assert "127.0.0.9 leads to 127.0.0.9, which is not a public address: not asked" in barred.stderr
    assert "allow_hosts" in barred.stderr
