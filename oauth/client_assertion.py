"""Clients that authenticate by a signature: RFC 7523, `private_key_jwt`."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from authlib.oauth2.rfc6749 import InvalidClientError
from django.core.cache import cache
from joserfc import jws, jwt
from joserfc.errors import JoseError

from .client_keys import key_set, renew_keys
from .models import AuthMethod, OAuthClient
from .models.oauth_client import SIGNING_ALGORITHMS

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
MAX_ASSERTION = 16 * 1024
MAX_JTI = 255
# In seconds: by how much clocks may differ, and how long an assertion may be valid.
LEEWAY, MAX_LIFETIME = 60, 3600


class Claim(NamedTuple):
    """What an assertion says before it is checked."""

    client_id: str
    kid: str | None


def read_unchecked(assertion: str) -> Claim:
    """Raises InvalidClientError."""
    try:
        if len(assertion) > MAX_ASSERTION:
            raise ValueError
        parts = jws.extract_compact(assertion.encode())
        header, claims = parts.headers(), json.loads(parts.payload)
    except (JoseError, ValueError, RecursionError) as error:
        raise InvalidClientError(description="The client_assertion is no signed JWT.") from error
    name = claims.get("sub") if isinstance(claims, dict) else None
    kid = header.get("kid")
    if not isinstance(name, str):
        raise InvalidClientError(description="The client_assertion names no client in sub.")
    return Claim(name, kid if isinstance(kid, str) else None)


def prepare(form: Mapping[str, Any]) -> None:
    """Fetch the keys that a request needs, before it holds a transaction."""
    assertion = form.get("client_assertion")
    if not assertion:
        return
    try:
        claim = read_unchecked(assertion)
    except InvalidClientError:
        return  # said when the request is answered
    renew_keys(claim.client_id, kid=claim.kid)


def choose_methods(form: Mapping[str, Any], methods: Sequence[str]) -> list[str]:
    """Who sends an assertion is judged by it, also if it could send nothing."""
    is_signed = "client_assertion" in form or "client_assertion_type" in form
    return [each for each in methods if (each == AuthMethod.KEY) == is_signed]


class AssertionAuthentication:
    """A method of Authlib's clients. An assertion is for this server, and works once."""

    def __init__(self, issuer: str) -> None:
        self._audiences = {issuer, f"{issuer}/oauth/token"}

    def __call__(
        self, query_client: Callable[[str], OAuthClient | None], request: Any
    ) -> OAuthClient:
        """Raises InvalidClientError."""
        form = request.form
        if form.get("client_assertion_type") != TYPE:
            raise InvalidClientError(description=f"The client_assertion_type is not {TYPE}.")
        if form.get("client_secret") or "Authorization" in request.headers:
            raise InvalidClientError(description="Send a client_assertion or a secret, not both.")
        assertion = form.get("client_assertion", "")
        name = read_unchecked(assertion).client_id
        if form.get("client_id", name) != name:
            raise InvalidClientError(description="client_assertion and client_id differ.")
        client = query_client(name)
        if client is None or client.keys is None:
            raise InvalidClientError(description="This server knows no keys of this client.")
        try:
            claims = jwt.decode(assertion, key_set(client), algorithms=SIGNING_ALGORITHMS).claims
        except (JoseError, ValueError) as error:
            raise InvalidClientError(
                description="The signature is not this client's, or not by "
                f"{', '.join(SIGNING_ALGORITHMS)}."
            ) from error
        self._check(claims, name)
        return client

    def _check(self, claims: Mapping[str, Any], name: str) -> None:
        now = time.time()
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        expires_at, jti = _moment(claims.get("exp")), claims.get("jti")
        begins_at = max(_moment(claims.get(each, 0)) or 0 for each in ("nbf", "iat"))
        fault = None
        if claims.get("iss") != name:
            fault = "iss is not the client."
        elif not audiences or not all(each in self._audiences for each in audiences):
            fault = "aud is not this server."
        elif expires_at is None or not now - LEEWAY < expires_at <= now + LEEWAY + MAX_LIFETIME:
            fault = f"exp is missing, has passed, or is more than {MAX_LIFETIME} seconds away."
        elif begins_at > now + LEEWAY:
            fault = "It is not valid yet."
        elif not isinstance(jti, str) or not 0 < len(jti) <= MAX_JTI:
            fault = f"jti is missing, or has more than {MAX_JTI} characters."
        elif not _use_once(name, jti, seconds=expires_at - now + 2 * LEEWAY):
            fault = "It was used before."
        if fault:
            raise InvalidClientError(description=f"The client_assertion is not valid: {fault}")


def _moment(value: object) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if is_number and abs(value) < 1e12 else None  # type: ignore[arg-type]


def _use_once(client_id: str, jti: str, *, seconds: float) -> bool:
    name = hashlib.sha256(f"{client_id}\0{jti}".encode()).hexdigest()
    return bool(cache.add(f"oauth:assertion:{name}", True, timeout=int(seconds)))
