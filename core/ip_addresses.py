"""IP addresses as hosts name them: in every spelling, and with what they stand for."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

# IPv6 networks whose addresses end in an IPv4 address that they stand for: the translated, the
# mapped and the compatible ones.
_ENDING_IN_IPV4 = [
    ip_network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0/96", "::ffff:0:0:0/96", "::/96")
]


def parse_host(host: str) -> Address | None:
    """The address that a URL's host stands for, None if it is a name.

    In every spelling that a resolver takes: `169.254.1.1`, `2852039166`, `0xa9.254.0376.1`.
    """
    host = host.rstrip(".").partition("%")[0]
    try:
        return ip_address(host)
    except ValueError:
        pass
    try:
        return IPv4Address(socket.inet_aton(host))
    except (OSError, ValueError):
        return None


def variants(address: Address) -> Iterator[Address]:
    """The address itself, and the IPv4 address that it stands for."""
    yield address
    if isinstance(address, IPv6Address):
        if address.sixtofour:
            yield address.sixtofour
        if address.teredo:
            yield from address.teredo
        if any(address in network for network in _ENDING_IN_IPV4):
            yield IPv4Address(address.packed[-4:])


def is_public(address: Address) -> bool:
    """Whether an address leads to the internet, whatever it stands for."""
    return all(each.is_global and not each.is_multicast for each in variants(address))
