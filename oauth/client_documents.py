"""Clients whose id is the address of a document about them (Client ID Metadata Documents).

Whoever asks for consent chooses what is fetched, so that it is bounded: no private address, no
other port than that of https, no redirect, a few seconds, a few kilobytes.
"""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.utils import timezone

from core.errors import Unprocessable
from core.ip_addresses import is_public, parse_host

from .client_metadata import InvalidMetadata, read_metadata
from .models import AuthMethod, OAuthClient
from .models.oauth_client import MAX_CLIENT_ID

SECONDS = 5
MAX_BYTES = 16 * 1024
TOO_SLOW = "it took too long"
# A document is fetched again when somebody is asked for consent after this time.
FRESH_FOR = timedelta(minutes=15)

# https, a host, perhaps a port, and a path without dot segments, query, fragment or user.
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9\-._~!$&'()*+,;=:@%]*)+")


class DocumentUnusable(Unprocessable):
    """The document about this program cannot be used."""

    code = "client_document_unusable"


def is_document_address(client_id: str) -> bool:
    return client_id.startswith("https://")


def find_fault(client_id: str) -> str | None:
    """Return why a client id is no address of a document, or None."""
    path = "/" + client_id.partition("://")[2].partition("/")[2]
    has_dots = not {".", ".."}.isdisjoint(path.replace("%2e", ".").replace("%2E", ".").split("/"))
    if len(client_id) > MAX_CLIENT_ID or not _ADDRESS.fullmatch(client_id) or has_dots:
        return "it is no https address with a path, and without a query, a fragment or dot segments"
    return "it has no path" if path == "/" else None


def load_client(client_id: str) -> OAuthClient:
    """Return the client that a document describes. Raises DocumentUnusable."""
    known = OAuthClient.objects.filter(client_id=client_id).first()
    if known and known.fetched_at and known.fetched_at > timezone.now() - FRESH_FOR:
        return known
    fault = find_fault(client_id)
    if fault:
        raise DocumentUnusable(f"The id of this program is not valid: {fault}.")
    values = fetch_document(client_id)
    if values.get("client_id") != client_id:
        raise DocumentUnusable("The document about this program is about another one.")
    try:
        metadata = read_metadata(values, auth_method=AuthMethod.NONE)
    except InvalidMetadata as error:
        raise DocumentUnusable(f"The document about this program: {error.description}") from error
    if metadata.auth_method != AuthMethod.NONE:
        raise DocumentUnusable("The document about this program wants a secret, which it has not.")
    client, _ = OAuthClient.objects.update_or_create(
        client_id=client_id,
        defaults={
            "name": metadata.name,
            "redirect_uris": metadata.redirect_uris,
            "auth_method": metadata.auth_method,
            "fetched_at": timezone.now(),
        },
    )
    return client


def fetch_document(address: str) -> Mapping[str, Any]:
    """Fetch a JSON object. Raises DocumentUnusable."""
    parts = urlsplit(address)
    try:
        host, port = parts.hostname or "", parts.port or 443
        with _open(host, port) as connection:
            connection.request("GET", parts.path, headers={"Accept": "application/json"})
            with connection.getresponse() as response:
                if response.status != 200:
                    raise DocumentUnusable(
                        f"The document about this program was answered with {response.status}."
                    )
                body = response.read(MAX_BYTES + 1)
    except (OSError, http.client.HTTPException, ValueError, UnicodeError) as error:
        raise DocumentUnusable(
            f"The document about this program could not be fetched: {_explain(error)}."
        ) from error
    return _parse(body)


def _parse(body: bytes) -> Mapping[str, Any]:
    if len(body) > MAX_BYTES:
        raise DocumentUnusable(f"The document about this program has more than {MAX_BYTES} bytes.")
    try:
        values = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise DocumentUnusable("The document about this program is not JSON.") from error
    if not isinstance(values, dict):
        raise DocumentUnusable("The document about this program is not a JSON object.")
    return values


class _Deadline:
    """Cuts a connection off: the time-out of a socket is for each call, and drips would go on."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.has_passed = False
        self._timer = threading.Timer(SECONDS, self._cut_off)
        self._timer.daemon = True
        self._timer.start()

    def _cut_off(self) -> None:
        self.has_passed = True
        with suppress(OSError):
            # The plain socket's: that of TLS would take apart what another thread reads from.
            socket.socket.shutdown(self.socket, socket.SHUT_RDWR)

    def end(self) -> None:
        self._timer.cancel()
        self.socket.close()


@contextmanager
def _open(host: str, port: int) -> Iterator[http.client.HTTPSConnection]:
    """Connect to a public address of a host. Raises TimeoutError for what takes too long."""
    context = ssl.create_default_context()
    connected = socket.create_connection((_find_address(host, port), port), timeout=SECONDS)
    deadline = _Deadline(connected)
    connection = http.client.HTTPSConnection(host, port, timeout=SECONDS, context=context)
    try:
        secure = context.wrap_socket(connected, server_hostname=host, do_handshake_on_connect=False)
        connection.sock = deadline.socket = secure
        secure.do_handshake()
        yield connection
    except (OSError, http.client.HTTPException) as error:
        raise (TimeoutError(TOO_SLOW) if deadline.has_passed else error) from error
    finally:
        connection.close()
        deadline.end()
    if deadline.has_passed:
        raise TimeoutError(TOO_SLOW)


def _find_address(host: str, port: int) -> str:
    """Resolve a host once, so that it cannot name another address when it is connected to."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(address[0]) for *_, address in found]
    is_permitted = f"{host}:{port}" in settings.OAUTH_PRIVATE_HOSTS
    if not is_permitted and (port != 443 or not all(map(_is_public, addresses))):
        raise DocumentUnusable(
            "The document about this program is not on the public web. Its host and port can be "
            "listed in OPENMEMORY_OAUTH_PRIVATE_HOSTS."
        )
    return addresses[0]


def _is_public(address: str) -> bool:
    parsed = parse_host(address)
    return parsed is not None and is_public(parsed)


def _explain(error: Exception) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid ({error.verify_message})"
    if isinstance(error, socket.gaierror):
        return "its host is not known"
    return str(error) or type(error).__name__
