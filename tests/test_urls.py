"""What an address says."""

from __future__ import annotations

import pytest

from efficient_status.urls import bare, is_loopback, valid_url


@pytest.mark.parametrize(
    "url",
    [
        "https://status.example.test/history.atom",
        "http://127.0.0.1:8080/feed",
        "http://[::1]:8080/feed",
        "HTTPS://Status.Example.test",
        "https://user:secret@status.example.test/?a=b#c",
        "https://münchen.example.test/ä",
    ],
)
def test_valid(url: str) -> None:
    """An http or https URL with a host is one."""
    assert valid_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "openai",
        "status.example.test/feed",
        "//status.example.test/feed",
        "ftp://status.example.test/feed",
        "file:///etc/passwd",
        "https://",
        "https:///feed",
        "https://:443/feed",
        "https://status.example.test:0/",
        "https://status.example.test:99999/",
        "https://status.example.test:port/",
        "https://[::1/feed",
        "https://status.example.test/a b",
        "https://status.example.test/\nHost: other",
        " https://status.example.test/",
        "https://status.example.test/\ud800",
    ],
)
def test_invalid(url: str) -> None:
    """Other schemes, missing hosts, impossible ports, blanks and control characters are refused."""
    assert not valid_url(url)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://status.example.test/feed?a=b", "https://status.example.test/feed?a=b"),
        ("https://me:secret@status.example.test:444/x", "https://status.example.test:444/x"),
        ("https://me@status.example.test/", "https://status.example.test/"),
        ("https://me:a@b@status.example.test/", "https://status.example.test/"),
    ],
)
def test_bare(url: str, expected: str) -> None:
    """Messages show no credentials."""
    assert bare(url) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("status.localhost", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("0.0.0.0", False),
        ("10.0.0.1", False),
        ("localhost.example.test", False),
        ("notlocalhost", False),
        ("", False),
    ],
)
def test_is_loopback(host: str, expected: bool) -> None:
    """Only this machine is loopback."""
    assert is_loopback(host) is expected
