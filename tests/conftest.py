"""What every test stands on: no network beyond loopback, no folders of the user's own."""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.origin import Origin

_connect = socket.socket.connect


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
