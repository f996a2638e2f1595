"""Clients of the original server, which know no keys: they act as the default user."""

from __future__ import annotations

from corsheaders.conf import conf as cors
from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from .models import ApiKey, Scope, User

OTHER_PAGE = (
    "A web page that CORS_ALLOWED_ORIGINS does not name may not call without a key. "
    "Send a key, or name its origin."
)


def authenticate(request: Request) -> tuple[User, ApiKey]:
    """Let in a request without a key, as the default user with a key that is nowhere kept.

    A browser sends a request of any page that somebody visits, and often without asking first.
    Raises PermissionDenied when it was a page that is not named.
    """
    if not _comes_from_an_allowed_place(request):
        raise PermissionDenied(OTHER_PAGE, code="origin_not_allowed")
    user = User.objects.filter(user_id=settings.DEFAULT_USER, is_active=True).first()
    if user is None:
        raise AuthenticationFailed("There is no default user to act as.", code="key_missing")
    return user, ApiKey(id=None, user=user, scopes=[Scope.READ, Scope.WRITE])


def _comes_from_an_allowed_place(request: Request) -> bool:
    origin = request.headers.get("Origin")
    if origin is None:
        # Only browsers send this one. An image or a link on another page has no Origin.
        return request.headers.get("Sec-Fetch-Site", "none") in ("none", "same-origin")
    # Its own documentation. The Host was compared with ALLOWED_HOSTS before.
    own = f"{request.scheme}://{request.get_host()}"
    return origin == own or origin in cors.CORS_ALLOWED_ORIGINS
