"""Addresses that no base URL may lead to: those that give credentials to any program that asks.

Clouds serve a machine's credentials at link-local addresses, and at a few others. Loopback and
private networks are allowed: models run there.
"""

from __future__ import annotations

import socket
from ipaddress import ip_network

from core.ip_addresses import Address, parse_host, variants

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


class ForbiddenAddress(Exception):
    """The base URL leads to a link-local address, or to the metadata service of a cloud."""


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
