"""Where a request comes from."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

# A household or a machine has a network of this size to itself, and takes any address of it.
IPV6_PREFIX = 64


def client_network(request: HttpRequest) -> str:
    """The address of the client, or the network of an IPv6 client, as text to count by.

    The nearest TRUSTED_PROXIES entries of X-Forwarded-For were written by proxies of ours, and the
    last of these says who called. What is before that anybody can write.
    """
    peer: str = request.META.get("REMOTE_ADDR", "")
    proxies: int = settings.TRUSTED_PROXIES
    forwarded = [part.strip() for part in request.headers.get("X-Forwarded-For", "").split(",")]
    if proxies and len(forwarded) >= proxies:
        return _network(forwarded[-proxies]) or _network(peer) or peer
    return _network(peer) or peer


def _network(text: str) -> str | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    if address.ipv4_mapped:
        return str(address.ipv4_mapped)
    return str(ipaddress.ip_network((address.packed, IPV6_PREFIX), strict=False).network_address)
