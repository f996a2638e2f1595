"""Clients of the original server, which know no keys: they act as the default user."""

from __future__ import annotations

from django.conf import settings
from rest_framework.exceptions import AuthenticationFailed, PermissionDenied
from rest_framework.request import Request

from core.api.origins import ORIGIN_NOT_ALLOWED, has_allowed_origin

from .models import ApiKey, Scope, User

NO_KEY = f"{ORIGIN_NOT_ALLOWED}: add it, or send a key."


def authenticate(request: Request) -> tuple[User, ApiKey]:
    """Let in a request without a key, as the default user with a key that is nowhere kept.

    A browser sends a request of any page that somebody visits, and often without asking first.
    Raises PermissionDenied when it was a page that is not named.
    """
    if not has_allowed_origin(request):
        raise PermissionDenied(NO_KEY, code="origin_not_allowed")
    user = User.objects.filter(user_id=settings.DEFAULT_USER, is_active=True).first()
    if user is None:
        raise AuthenticationFailed("There is no default user to act as.", code="key_missing")
    return user, ApiKey(id=None, user=user, scopes=[Scope.READ, Scope.WRITE])
