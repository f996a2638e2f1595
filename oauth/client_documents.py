"""Clients whose id is the address of a document about them (Client ID Metadata Documents)."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from .client_keys import fetch_keys, read_keys
from .client_metadata import InvalidMetadata, read_metadata
from .json_document import DocumentUnavailable, DocumentUnusable, fetch_object
from .known_documents import DOCUMENTS
from .models import AuthMethod, OAuthClient
from .models.oauth_client import MAX_CLIENT_ID
from .redirect_uris import MAX_URI

MAX_BYTES = 16 * 1024
# A document is fetched again when somebody is asked for consent after this time.
FRESH_FOR = timedelta(minutes=15)
# So long after it was last fetched, what it said holds while its host gives no answer.
KEPT_FOR = timedelta(hours=24)

logger = logging.getLogger(__name__)

# https, a host, perhaps a port, and a path without dot segments, query, fragment or user.
_ADDRESS = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[A-Za-z0-9\-._~!$&'()*+,;=:@%]*)+")


def is_document_address(client_id: str) -> bool:
    return client_id.startswith("https://")


def find_fault(client_id: str) -> str | None:
    """Return why a client id is no address of a document, or None."""
    path = "/" + client_id.partition("://")[2].partition("/")[2]
    has_dots = not {".", ".."}.isdisjoint(path.replace("%2e", ".").replace("%2E", ".").split("/"))
    if len(client_id) > MAX_CLIENT_ID or not _ADDRESS.fullmatch(client_id) or has_dots:
        return (
            "The id of this program is no https address with a path, and without a query, a "
            "fragment or dot segments."
        )
    return "The id of this program is an https address without a path." if path == "/" else None


def load_client(client_id: str) -> OAuthClient:
    """Return the client that a document describes. Raises DocumentUnusable."""
    if not settings.OAUTH_DOCUMENTS:
        raise DocumentUnusable("This server takes no documents: the program has to register.")
    if fault := find_fault(client_id):
        raise DocumentUnusable(fault)
    known = OAuthClient.objects.filter(client_id=client_id).first()
    if known and _is_younger(known, FRESH_FOR):
        return known
    try:
        return _renew(client_id)
    except DocumentUnavailable as error:
        if known is None or not _is_younger(known, KEPT_FOR):
            raise
        logger.warning("%s: %s What it said before is used.", client_id, error.detail)
        return known


def _is_younger(client: OAuthClient, age: timedelta) -> bool:
    return client.fetched_at is not None and client.fetched_at > timezone.now() - age


def _renew(client_id: str) -> OAuthClient:
    values = _fetch(client_id)
    if values.get("client_id") != client_id:
        raise DocumentUnusable("The document about this program is about another one.")
    method = choose_method(values)
    try:
        metadata = read_metadata(values, auth_method=method)
    except InvalidMetadata as error:
        raise DocumentUnusable(
            "The document about this program: %(fault)s", fault=error.description
        ) from error
    client, _ = OAuthClient.objects.update_or_create(
        client_id=client_id,
        defaults={
            "name": metadata.name,
            "redirect_uris": metadata.redirect_uris,
            "auth_method": metadata.auth_method,
            "fetched_at": timezone.now(),
            **load_keys(values, method),
        },
    )
    return client


def _fetch(address: str) -> Mapping[str, Any]:
    try:
        return fetch_object(address, max_bytes=MAX_BYTES)
    except DocumentUnusable:
        if address in DOCUMENTS:
            return DOCUMENTS[address]
        raise


def choose_method(values: Mapping[str, Any]) -> AuthMethod:
    """The least that a document lets its program send: nothing, or a signature.

    Raises DocumentUnusable for one that wants a secret alone, which nobody could have told it.
    """
    methods = _methods_of(values)
    if AuthMethod.NONE in methods:
        return AuthMethod.NONE
    if AuthMethod.KEY in methods:
        return AuthMethod.KEY
    raise DocumentUnusable(
        "The document about this program wants to authenticate it with something else than a "
        "signature (private_key_jwt) or nothing (none)."
    )


def _methods_of(values: Mapping[str, Any]) -> set[str]:
    """What is preferred, and what is supported beside it."""
    preferred = values.get("token_endpoint_auth_method") or AuthMethod.NONE
    supported = values.get("token_endpoint_auth_methods_supported")
    every = [preferred, *(supported if isinstance(supported, list) else [])]
    return {each for each in every if isinstance(each, str)}


def load_keys(values: Mapping[str, Any], method: AuthMethod) -> dict[str, Any]:
    """The keys of a client whose document offers to sign. Raises DocumentUnusable.

    If it may send nothing as well, it goes on without keys that cannot be used, and with those that
    it had while others cannot be fetched.
    """
    none = {"keys": None, "keys_uri": "", "keys_tried_at": None}
    if AuthMethod.KEY not in _methods_of(values):
        return none
    address = values.get("jwks_uri")
    try:
        if values.get("jwks") is not None:
            return {**none, "keys": read_keys(values["jwks"])}
        if not isinstance(address, str) or not 0 < len(address) <= MAX_URI:
            raise DocumentUnusable("This program has no public key that can check a signature.")
        return {"keys": fetch_keys(address), "keys_uri": address, "keys_tried_at": timezone.now()}
    except DocumentUnusable as error:
        if method == AuthMethod.KEY:
            raise
        return {} if isinstance(error, DocumentUnavailable) else none
