"""What every test stands on: no network beyond loopback, no folders of the user's own."""

from __future__ import annotations

import gc
import ipaddress
import os
import shutil
import socket
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.origin import Origin

# Where folders of tests may be in memory they are: waiting for a disk proves nothing here.
if os.access("/dev/shm", os.W_OK) and shutil.disk_usage("/dev/shm").free > 1 << 30:
    tempfile.tempdir = "/dev/shm"

_connect = socket.socket.connect


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that wait for long come first: nobody is left waiting for them alone at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """Thousands of tests live to the end: looking through them is a fifth of the suite's work."""
    gc.collect()
    gc.freeze()


def _loopback_only(self: socket.socket, address: Any) -> None:
    host = address[0] if isinstance(address, tuple) else ""
    if self.family != socket.AF_UNIX and not ipaddress.ip_address(host).is_loopback:
        raise AssertionError(f"a test reached for {address!r}")
    _connect(self, address)


@pytest.fixture(autouse=True)
def _isolated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(socket.socket, "connect", _loopback_only)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg-state"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "xdg-config"))
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)


@pytest.fixture
def origin() -> Iterator[Origin]:
    """A plain HTTP/1.1 origin."""
    with Origin() as running:
        yield running


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Real feed documents, where they are at hand; they are never part of the repository."""
    folder = Path(__file__).parent.parent.parent / "shared" / "recorded"
    if not folder.is_dir():
        pytest.skip("no recorded documents on this machine")
    return folder
