"""Addresses that no base URL may lead to: those that give credentials to any program that asks.

Clouds serve a machine's credentials at link-local addresses, and at a few others. Loopback and
private networks are allowed: models run there.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

Address = IPv4Address | IPv6Address

_NETWORKS = [
    ip_network(network)
    for network in (
        "169.254.0.0/16",  # link-local
        "fe80::/10",
        "100.100.100.200/32",  # metadata of Alibaba Cloud
        "168.63.129.16/32",  # of Azure
        "192.0.0.192/32",  # of Oracle Cloud
        "fd00:ec2::/32",  # of AWS
        "fd20:ce::254/128",  # of Google Cloud
    )
]
# IPv6 networks whose addresses end in an IPv4 address that they stand for: the translated, the
# mapped and the compatible ones.
_ENDING_IN_IPV4 = [
    ip_network(network)
    for network in ("64:ff9b::/96", "64:ff9b:1::/48", "::ffff:0:0/96", "::ffff:0:0:0/96", "::/96")
]


class ForbiddenAddress(Exception):
    """The base URL leads to a link-local address, or to the metadata service of a cloud."""


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


def is_forbidden(address: Address) -> bool:
    return any(variant in network for variant in variants(address) for network in _NETWORKS)


def check_host(host: str) -> None:
    """Raises ForbiddenAddress if a host is a forbidden address. A name is not looked up."""
    address = parse_host(host)
    if address is not None and is_forbidden(address):
        raise ForbiddenAddress


def check_resolved_host(host: str) -> None:
    """Look a host up. Raises ForbiddenAddress if any of its addresses is forbidden."""
    check_host(host)
    try:
        results = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return  # the connection fails for the same reason, and says so
    for *_, peer in results:
        check_host(str(peer[0]))


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
