"""A real nginx, in a network namespace of its own where the machine allows one.

Behind a veth pair every byte on the wire is this benchmark's, and the interface counts them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks.certs import Chain, make_chain
from benchmarks.feeds import incidentio_feed
from benchmarks.program import wait_until
from benchmarks.report import CannotRun
from benchmarks.venvs import CACHE

_NAMESPACE = "status-bench"
_NEAR, _FAR = "198.18.7.1", "198.18.7.2"  # RFC 2544: addresses for benchmarks
_NEAR_MAC, _FAR_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02"  # known, so that ARP is silent
_QUIET = ("addrgenmode", "none")
_ETHERNET = 14  # bytes of link header that an interface counts for each packet

_CONFIG = """\
daemon off;
{user}
pid {folder}/pid;
error_log {folder}/error.log;
worker_processes 1;
worker_rlimit_nofile 20000;
events {{ worker_connections 10000; }}
http {{
    log_format facts '$server_port $connection $status $ssl_session_reused $server_protocol';
    access_log {folder}/access.log facts;
    client_body_temp_path {folder}/t1; proxy_temp_path {folder}/t2; fastcgi_temp_path {folder}/t3;
    uwsgi_temp_path {folder}/t4; scgi_temp_path {folder}/t5;
    types {{ application/rss+xml rss; }}
    gzip on;
    gzip_types application/rss+xml;
    root {folder}/pages;
    # Without it caches may guess a lifetime, and some would not ask at all.
    add_header Cache-Control "max-age=0, private, must-revalidate";
    ssl_certificate {chain.shown};
    ssl_certificate_key {chain.key};
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:sessions:10m;
    keepalive_requests 100000000;
    {servers}
}}
"""


@dataclass(frozen=True, slots=True)
class Wire:
    """The counters of an interface.

    Attributes:
        both_ways: whether what comes and what goes are counted apart (not so on loopback).
    """

    interface: str
    both_ways: bool

    def count(self) -> tuple[int, int]:
        """(bytes at the IP level, packets) up to now."""
        folder = Path("/sys/class/net") / self.interface / "statistics"
        ways = ("rx", "tx") if self.both_ways else ("rx",)
        packets = sum(int((folder / f"{way}_packets").read_text()) for way in ways)
        octets = sum(int((folder / f"{way}_bytes").read_text()) for way in ways)
        return octets - _ETHERNET * packets, packets


@dataclass(frozen=True, slots=True)
class Nginx:
    """A running nginx.

    Attributes:
        kept: ports on which connections are kept.
        closing: the port on which they are closed when they were idle for `idle` ms.
    """

    folder: Path
    chain: Chain
    address: str
    kept: Sequence[int]
    closing: int
    wire: Wire

    def urls(self, count: int = 1) -> list[str]:
        """Pages, each on a port of its own, kept alive."""
        return [f"https://{self.address}:{port}/feed.rss" for port in self.kept[:count]]

    @property
    def closing_url(self) -> str:
        """The page whose server hangs up between polls."""
        return f"https://{self.address}:{self.closing}/feed.rss"

    def log(self) -> list[list[str]]:
        """[port, connection, status, "r" if the TLS session was resumed, protocol] by request."""
        return [line.split() for line in (self.folder / "access.log").read_text().splitlines()]


@contextmanager
def nginx(*, ports: int = 1, apart: bool = False, idle: int = 100) -> Iterator[Nginx]:
    """Start it, end it.

    Args:
        apart: in a network namespace, if that is possible; else on loopback.
        idle: ms after which the closing port hangs up.

    Raises:
        CannotRun: there is no nginx on this machine.
    """
    binary = shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin:/usr/local/sbin")
    if binary is None:
        raise CannotRun("nginx is not installed")
    folder = _empty_folder()
    chain = make_chain(folder / "tls")
    apart = apart and _open_namespace()
    address, prefix = (_FAR, ["ip", "netns", "exec", _NAMESPACE]) if apart else ("127.0.0.1", [])
    kept, closing = [*range(21000, 21000 + ports)], 20999
    _configure(folder, chain, kept, closing, idle)
    process = subprocess.Popen([*prefix, binary, "-p", folder, "-c", folder / "nginx.conf"],
                               stderr=subprocess.DEVNULL)  # fmt: skip
    wire = Wire(_NAMESPACE[:13], both_ways=True) if apart else Wire("lo", both_ways=False)
    try:
        wait_until(lambda: process.poll() is not None or (folder / "pid").exists(), 10)
        time.sleep(0.2)
        if process.poll() is not None:
            said = (folder / "error.log").read_text().strip().splitlines()
            raise CannotRun(
                f"nginx does not start ({said[-1] if said else 'and does not say why'})"
            )
        yield Nginx(folder, chain, address, kept, closing, wire)
    finally:
        process.terminate()
        process.wait()
        if apart:
            _close_namespace()


def _empty_folder() -> Path:
    folder = CACHE / "work" / "nginx"
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "pages").mkdir(parents=True)
    (folder / "pages" / "feed.rss").write_bytes(incidentio_feed())
    return folder


def _configure(folder: Path, chain: Chain, kept: Sequence[int], closing: int, idle: int) -> None:
    listening = " ".join(f"listen {port} ssl http2;" for port in kept)
    servers = (
        f"server {{ {listening} keepalive_timeout 1h; }}\n"
        f"    server {{ listen {closing} ssl http2; keepalive_timeout {idle}ms; }}"
    )
    user = "user root;" if os.geteuid() == 0 else ""
    text = _CONFIG.format(folder=folder, chain=chain, servers=servers, user=user)
    (folder / "nginx.conf").write_text(text)


def _open_namespace() -> bool:
    """Make a namespace with a veth pair, without IPv6's chatter; whether that was possible."""
    link = _NAMESPACE[:13]
    inside = ["ip", "-n", _NAMESPACE]
    commands = [
        ["ip", "netns", "add", _NAMESPACE],
        ["ip", "link", "add", link, "type", "veth", "peer", "name", "far", "netns", _NAMESPACE],
        # One packet a segment, so that headers are counted as they would travel.
        ["ip", "link", "set", link, "gso_max_segs", "1", *_QUIET, "address", _NEAR_MAC],
        [*inside, "link", "set", "far", "gso_max_segs", "1", *_QUIET, "address", _FAR_MAC],
        ["ip", "addr", "add", f"{_NEAR}/30", "dev", link],
        [*inside, "addr", "add", f"{_FAR}/30", "dev", "far"],
        ["ip", "link", "set", link, "up"],
        [*inside, "link", "set", "far", "up"],
        [*inside, "link", "set", "lo", "up"],
        ["ip", "neigh", "add", _FAR, "lladdr", _FAR_MAC, "dev", link, "nud", "permanent"],
        [*inside, "neigh", "add", _NEAR, "lladdr", _NEAR_MAC, "dev", "far", "nud", "permanent"],
    ]
    _close_namespace()
    for command in commands:
        try:
            subprocess.run(command, check=True, capture_output=True)
        except (OSError, subprocess.CalledProcessError):
            _close_namespace()
            return False
    return True


def _close_namespace() -> None:
    with suppress(OSError):
        subprocess.run(["ip", "netns", "del", _NAMESPACE], check=False, capture_output=True)
