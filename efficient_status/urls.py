"""What an address says, without loading an HTTP library."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_CREDENTIALS = re.compile(r"(?<=//)[^\s/?#]*@")


def valid_url(url: str) -> bool:
    """Whether this is an http or https URL with a host, and can be sent as it is."""
    if not url.isprintable() or " " in url:
        return False
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def bare(url: str) -> str:
    """A URL without its credentials, for messages."""
    parts = urlsplit(url)
    if "@" not in parts.netloc:
        return url
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()


def host_of(url: str) -> str:
    """The host's name in lower case, or an address without brackets."""
    return urlsplit(url).hostname or ""


def without_credentials(text: str) -> str:
    """A text with `***` instead of the credentials of every URL in it."""
    return _CREDENTIALS.sub("***@", text)


def as_user_of(url: str, other: str) -> str:
    """A bare URL with the credentials of another one, if both are of one origin."""
    mine, theirs = urlsplit(url), urlsplit(other)
    user, at, host = theirs.netloc.rpartition("@")
    if not at or (mine.scheme, mine.netloc) != (theirs.scheme, host.lower()):
        return url
    return mine._replace(netloc=f"{user}@{host}").geturl()


def is_loopback(host: str) -> bool:
    """Whether a host name or address literal is this machine."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = literal(host)
    return address is not None and address.is_loopback


def literal(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The address that a host is, in brackets or not; None where it is a name."""
    try:
        return ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return None


def place(text: str) -> tuple[str, int] | None:
    """Where to listen: `[HOST:]PORT`, without a host on loopback; None where it is neither."""
    host, colon, port = text.rpartition(":")
    if not (port.isascii() and port.isdigit() and int(port) < 65_536) or (colon and not host):
        return None
    bracketed = host.startswith("[") and host.endswith("]")
    if (":" in host and not bracketed) or not host.isprintable() or " " in host:
        return None
    return host.strip("[]") or "127.0.0.1", int(port)
