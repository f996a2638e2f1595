from __future__ import annotations

from django.conf import settings
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from core.api.origins import ORIGIN_NOT_ALLOWED, has_allowed_origin

from .models import ApiKey, KeyRejected, Scope, User


class AuthenticatedRequest(Request):
    """A request that BearerAuthentication has accepted."""

    user: User
    auth: ApiKey


MISSING = "The API key is missing. Send it as `Authorization: Bearer <key>`."
NOT_BEARER = "The Authorization header is invalid. Send `Authorization: Bearer <key>`."
NO_KEY = f"{ORIGIN_NOT_ALLOWED}: add it, or send a key."


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <key>`, the only authentication of the API.

    With LEGACY_CLIENTS, requests without that header are accepted as well.
    """

    def authenticate(self, request: Request) -> tuple[User, ApiKey]:
        if settings.LEGACY_CLIENTS and "Authorization" not in request.headers:
            return authenticate_legacy_client(request)
        key = find_key(request.headers.get("Authorization", ""), path=request.path_info)
        key.record_use()
        return key.user, key

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


def find_key(header: str, *, path: str | None = None) -> ApiKey:
    """Return the key of an Authorization header, which opens the path, if one is given.

    Raises AuthenticationFailed.
    """
    if not header.strip():
        raise AuthenticationFailed(MISSING, code="key_missing")
    scheme, _, secret = header.strip().partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise AuthenticationFailed(NOT_BEARER, code="key_invalid")
    try:
        key = ApiKey.objects.authenticate(secret.strip())
        if path is not None:
            key.require_audience(path)
        return key
    except KeyRejected as error:
        raise AuthenticationFailed(error.detail, code=error.code) from error


def authenticate_again(request: AuthenticatedRequest) -> None:
    """After a long wait, raise AuthenticationFailed if the key is not valid any more."""
    if request.auth.pk:  # that of a legacy client is not stored
        find_key(request.headers["Authorization"])


def authenticate_legacy_client(request: Request) -> tuple[User, ApiKey]:
    """Accept a client of the original server, which has no keys, as the default user.

    The key is not stored. Browsers send requests from any page that a user visits, often without a
    preflight request, so this raises PermissionDenied for pages of unlisted origins.
    """
    if not has_allowed_origin(request):
        raise PermissionDenied(NO_KEY, code="origin_not_allowed")
    user = User.objects.filter(user_id=settings.DEFAULT_USER, is_active=True).first()
    if user is None:
        raise AuthenticationFailed("There is no active default user.", code="key_missing")
    return user, ApiKey(id=None, user=user, scopes=[Scope.READ, Scope.WRITE])
