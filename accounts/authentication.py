from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from . import legacy
from .models import ApiKey, KeyRejected, User


class AuthenticatedRequest(Request):
    """A request that BearerAuthentication has let in."""

    user: User
    auth: ApiKey


MISSING = "The API key is missing: send it as `Authorization: Bearer <key>`."
NOT_BEARER = "The Authorization header is invalid: send `Authorization: Bearer <key>`."


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`, the only thing that authenticates a call of the API.

    With LEGACY_CLIENTS, a request without that header is let in as well.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        if settings.LEGACY_CLIENTS and "Authorization" not in request.headers:
            return legacy.authenticate(request)
        key = self._key(request.headers.get("Authorization", ""))
        key.record_use()
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"

    def _key(self, header: str) -> ApiKey:
        if not header.strip():
            raise AuthenticationFailed(MISSING, code="key_missing")
        scheme, _, secret = header.strip().partition(" ")
        if scheme.lower() != "bearer" or not secret.strip():
            raise AuthenticationFailed(NOT_BEARER, code="key_invalid")
        try:
            return ApiKey.objects.authenticate(secret.strip())
        except KeyRejected as refusal:
            raise AuthenticationFailed(refusal.detail, code=refusal.code) from refusal
