"""The documents by which clients find out how to get access."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from accounts.models import Scope

from .models import AuthMethod
from .models.oauth_client import SIGNING_ALGORITHMS


def protected_resource(issuer: str, path: str) -> dict[str, Any]:
    """RFC 9728: who gives out tokens for this address."""
    return {
        "resource": f"{issuer}{path}",
        "authorization_servers": [issuer],
        "scopes_supported": list(Scope.values),
        "bearer_methods_supported": ["header"],
        "resource_name": "OpenMemory",
    }


def authorization_server(issuer: str) -> dict[str, Any]:
    """RFC 8414: how to get tokens."""
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}/oauth/authorize",
        "token_endpoint": f"{issuer}/oauth/token",
        "registration_endpoint": f"{issuer}/oauth/register",
        "revocation_endpoint": f"{issuer}/oauth/revoke",
        "scopes_supported": list(Scope.values),
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": list(AuthMethod.values),
        "token_endpoint_auth_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "revocation_endpoint_auth_methods_supported": list(AuthMethod.values),
        "revocation_endpoint_auth_signing_alg_values_supported": list(SIGNING_ALGORITHMS),
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": settings.OAUTH_DOCUMENTS,
        "ui_locales_supported": ["en", "de"],
    }
