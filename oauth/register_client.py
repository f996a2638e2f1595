"""Register a client that introduces itself (RFC 7591)."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any

from accounts.models.api_key import digest
from core.errors import Unavailable

from .client_metadata import read_auth_method, read_metadata
from .models import AuthMethod, OAuthClient
from .scopes import SCOPES

# What a server should do about a flood of registrations ends by itself.
RETRY_AFTER = 3600


class TooManyClients(Unavailable):
    """Too many programs have registered that nobody has connected. Try again in an hour."""

    retry_after = RETRY_AFTER


def register_client(values: Mapping[str, Any]) -> dict[str, Any]:
    """Store a client, and return the response to it. Raises InvalidMetadata, TooManyClients."""
    # The default of RFC 7591.
    auth_method = read_auth_method(values, default=AuthMethod.BASIC)
    metadata = read_metadata(values, auth_method=auth_method)
    if not OAuthClient.objects.make_room():
        raise TooManyClients
    has_secret = metadata.auth_method != AuthMethod.NONE
    secret = secrets.token_urlsafe(32) if has_secret else None
    client = OAuthClient.objects.create(
        client_id=secrets.token_urlsafe(24),
        name=metadata.name,
        redirect_uris=metadata.redirect_uris,
        auth_method=metadata.auth_method,
        secret_digest=digest(secret) if secret else None,
    )
    response = {
        "client_id": client.client_id,
        "client_id_issued_at": int(client.created_at.timestamp()),
        **metadata.as_dict(),
        "scope": SCOPES,
    }
    if secret:
        response |= {"client_secret": secret, "client_secret_expires_at": 0}
    return response
