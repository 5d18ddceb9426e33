"""Which addresses may be connected to.  Pure.

A feed's host is the internet's, unless the user says otherwise: a name that leads into the user's
own network, in the DNS or after a redirect, would turn this program into somebody else's hand in
there (server-side request forgery, CWE-918).  What is judged is the address that is connected to,
so neither a name nor a second look-up can change it afterwards.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# IPv6 prefixes that carry an IPv4 address in their last 32 bits: NAT64 (RFC 6052), IPv4-compatible.
_WITHIN = ipaddress.ip_network("64:ff9b:1::/48")  # NAT64 for local use (RFC 8215)
_LAST_32 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("::/96"))


class Reach:
    """What the user has named beside the public internet.

    Args:
        allowed: host names, whatever they lead to; addresses and networks ("10.0.0.0/8"), whoever
            leads there.
    """

    def __init__(self, allowed: Iterable[str] = ()) -> None:
        self._hosts: set[str] = set()
        self._networks: list[Network] = []
        for each in allowed:
            try:
                self._networks.append(ipaddress.ip_network(each, strict=False))
            except ValueError:
                self._hosts.add(each.lower())

    def permits(self, host: str, address: str) -> bool:
        """Whether this host may be asked at this address (a literal, with or without a zone)."""
        if host.lower() in self._hosts:
            return True
        ip = ipaddress.ip_address(address)
        allowed = any(each in network for each in (ip, _plain(ip)) for network in self._networks)
        return allowed or is_public(ip)


def is_public(ip: Address) -> bool:
    """Whether anybody on the internet may be meant: not private, loopback, link-local.

    An IPv4 address inside of an IPv6 one counts as itself (mapped, 6to4, Teredo, NAT64).
    """
    inner = _plain(ip)
    if inner in _WITHIN:
        return False
    if isinstance(inner, ipaddress.IPv6Address):
        teredo = inner.teredo
        embedded = [each for each in (inner.sixtofour, *(teredo or ())) if each is not None]
        if not all(each.is_global for each in embedded):
            return False
    return inner.is_global and not inner.is_multicast


def _plain(ip: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, or the address itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if any(ip in network for network in _LAST_32) and int(ip) > 1:
        return ipaddress.IPv4Address(int(ip) & 0xFFFF_FFFF)
    return ip
