"""The authentication of Mem0's clients: `Authorization: Token <key>`."""

from __future__ import annotations

from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from accounts.authentication import find_key
from accounts.models import ApiKey, User

MISSING = "The API key is missing. Send it as `Authorization: Token <key>`."


class TokenAuthentication(BaseAuthentication):
    """Also takes `Bearer <key>` and `X-API-Key`. Without a key nobody is let in, ever."""

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        header = request.headers.get("Authorization", "").strip()
        scheme, _, secret = header.partition(" ")
        if scheme.lower() == "token":
            header = f"Bearer {secret}"
        elif not header and "X-API-Key" in request.headers:
            header = f"Bearer {request.headers['X-API-Key']}"
        if not header:
            raise AuthenticationFailed(MISSING, code="key_missing")
        key = find_key(header)
        key.record_use()
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Token"
