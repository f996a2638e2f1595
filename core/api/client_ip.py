"""The address of a client, behind trusted proxies."""

from __future__ import annotations

import ipaddress

from django.conf import settings
from django.http import HttpRequest

# A household or a machine usually has a whole network of this size, and may use any address in it.
IPV6_PREFIX = 64


def client_network(request: HttpRequest) -> str:
    """Return the client's IPv4 address or IPv6 network, the key that rate limits count by.

    Our own proxies wrote the last TRUSTED_PROXIES entries of X-Forwarded-For. The first of these is
    the client. Entries before it can be forged.
    """
    return network_of_client(
        request.META.get("REMOTE_ADDR", ""), request.headers.get("X-Forwarded-For", "")
    )


def network_of_client(peer: str, forwarded_for: str) -> str:
    proxies: int = settings.TRUSTED_PROXIES
    forwarded = [part.strip() for part in forwarded_for.split(",")]
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
