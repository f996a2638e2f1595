"""Send a message to an address that a user has named: to the internet, and nowhere else.

A name is looked up, all its addresses are checked, and the connection goes to what was checked.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from ipaddress import IPv6Address
from typing import Any
from urllib.parse import urlsplit

import httpx2
from django.conf import settings

from configuration.forbidden_addresses import is_forbidden
from core.ip_addresses import Address, is_public, parse_host

# Seconds to connect, and to wait for each part of an answer.
TIMEOUT = 10.0


class DestinationRefused(Exception):
    """The address is not one of the internet."""


class DestinationUnreachable(Exception):
    """The address does not answer."""


def check_url(url: str) -> None:
    """Raises DestinationRefused for a URL that is never sent to. A name is not looked up."""
    parts = _split(url)
    address = parse_host(str(parts.hostname))
    if address is not None:
        _check_address(address, host=str(parts.hostname))
    elif str(parts.hostname).rstrip(".").lower() == "localhost":
        _refuse_private(str(parts.hostname))


def post(url: str, body: bytes, *, headers: Mapping[str, str]) -> int:
    """Post JSON and return the status of the answer, which is not read. No redirect is followed.

    Raises DestinationRefused and DestinationUnreachable.
    """
    check_url(url)
    host = str(_split(url).hostname)
    address = _resolve(host)
    target = httpx2.URL(url)
    literal = f"[{address}]" if isinstance(address, IPv6Address) else str(address)
    extensions: dict[str, Any] = {"sni_hostname": host} if target.scheme == "https" else {}
    sent = {**headers, "Host": target.netloc.decode(), "Content-Type": "application/json"}
    try:
        with (
            httpx2.Client(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client,
            client.stream(
                "POST",
                target.copy_with(host=literal),
                content=body,
                headers=sent,
                extensions=extensions,
            ) as response,
        ):
            return response.status_code
    except httpx2.HTTPError as error:
        raise DestinationUnreachable(f"{type(error).__name__}: {error}") from error


def _split(url: str) -> Any:
    try:
        parts = urlsplit(url)
        parts.port  # noqa: B018 - raises for one that is none
    except ValueError:
        raise DestinationRefused("This is not a URL.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise DestinationRefused("Send a URL that begins with https:// or http://, without a user.")
    return parts


def _resolve(host: str) -> Address:
    """One of the addresses of a host, all of which were checked."""
    literal = parse_host(host)
    if literal is not None:
        return literal
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise DestinationUnreachable(f"{host} cannot be looked up.") from error
    addresses = [parse_host(str(peer[0])) for *_, peer in found]
    for address in addresses:
        if address is None:
            raise DestinationRefused(f"{host} leads to no address.")
        _check_address(address, host=host)
    if not addresses or addresses[0] is None:
        raise DestinationUnreachable(f"{host} has no address.")
    return addresses[0]


def _check_address(address: Address, *, host: str) -> None:
    if is_forbidden(address):
        raise DestinationRefused(f"{host} leads to a link-local address, or one of a cloud.")
    if not is_public(address):
        _refuse_private(host)


def _refuse_private(host: str) -> None:
    if host.strip("[]").rstrip(".").lower() not in settings.MEM0_PRIVATE_WEBHOOK_HOSTS:
        raise DestinationRefused(
            f"{host} leads to a private address. The operator can allow it with "
            "OPENMEMORY_MEM0_PRIVATE_WEBHOOK_HOSTS."
        )
