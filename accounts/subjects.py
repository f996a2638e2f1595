"""Whose data a request is about: the user it names, else the user of its key."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.views import APIView

from core.api.fields import TextField
from core.errors import Malformed, NotAllowed, NotFound

from .authentication import AuthenticatedRequest
from .models import ApiKey, User

USER_ID_HELP = "Whose data: by default the key's user. Only an operator may name another."

# The same as a parameter of the query, for views that declare no filters.
USER_ID_PARAMETER = OpenApiParameter("user_id", str, description=USER_ID_HELP)


class UserNotFound(NotFound):
    """User not found."""

    code = "user_not_found"


def requested_user_id(request: AuthenticatedRequest) -> str | None:
    """Read `user_id` from the query or the body, None when neither names a user."""
    named = [request.query_params.get("user_id")]
    if isinstance(request.data, Mapping):
        named.append(request.data.get("user_id"))
    given = [value for value in named if value not in (None, "")]
    if not all(isinstance(value, str) for value in given):
        raise Malformed("`user_id` is a string.", field="user_id")
    if len(set(given)) > 1:
        raise Malformed("The query and the body name two different users.", field="user_id")
    return given[0] if given else None


class SubjectSerializer(serializers.Serializer):
    """Any body that may name whose data it is about."""

    user_id = TextField(required=False, allow_null=True, max_length=255, help_text=USER_ID_HELP)


def get_subject(request: AuthenticatedRequest) -> User:
    """Find the user that the request is about. Raises as `user_for` does."""
    return resolve_subject(request.auth, user_id=requested_user_id(request))


def resolve_subject(key: ApiKey, *, user_id: str | None) -> User:
    """Find the user that a call with this key is about: the one it names, else the key's own.

    Raises NotAllowed when a key without an operator's rights names another user, whether or not
    that user exists, and UserNotFound when an operator names nobody.
    """
    if user_id is None or user_id == key.user.user_id:
        return key.user
    if not key.has_operator_rights:
        raise NotAllowed("This key belongs to another user.")
    try:
        return User.objects.get(user_id=user_id)
    except User.DoesNotExist:
        raise UserNotFound from None


class SubjectView(APIView):
    """For views whose objects all belong to one user: `self.subject`."""

    request: AuthenticatedRequest

    @cached_property
    def subject(self) -> User:
        return get_subject(self.request)
