"""The subject of a request: the user that it names, else the user of its key."""

from __future__ import annotations

from collections.abc import Mapping

from django.utils.functional import cached_property
from drf_spectacular.utils import OpenApiParameter

from core.api.fields import TextField
from core.api.serializers import RequestSerializer
from core.errors import Malformed, NotAllowed, NotFound

from .authentication import AuthenticatedRequest
from .end_users import find_end_user
from .keyed_view import KeyedView
from .models import ApiKey, User

USER_ID_HELP = (
    "Whose data, by default that of the key's user. Only operators can name another. A key with "
    "`end_users` names an end user of its own user."
)

# As a query parameter, for views without a FilterSet.
USER_ID_PARAMETER = OpenApiParameter("user_id", str, description=USER_ID_HELP)


class UserNotFound(NotFound):
    """User not found."""

    code = "user_not_found"


def get_user(user_id: str) -> User:
    """Get the user that a command names: `shop/alice` is the end user `alice` of `shop`.

    Raises UserNotFound.
    """
    account, slash, external_id = user_id.partition("/")
    name = {"owner__user_id": account, "external_id": external_id} if slash else {}
    try:
        return User.objects.select_related("owner").get(**(name or {"user_id": user_id}))
    except User.DoesNotExist:
        raise UserNotFound(f"There is no user {user_id!r}.") from None


def requested_user_id(request: AuthenticatedRequest) -> str | None:
    """Read `user_id` from the query or the body. None if neither has it."""
    values = [request.query_params.get("user_id")]
    if isinstance(request.data, Mapping):
        values.append(request.data.get("user_id"))
    user_ids = [value for value in values if value not in (None, "")]
    if not all(isinstance(user_id, str) for user_id in user_ids):
        raise Malformed("`user_id` must be a string.", field="user_id")
    if len(set(user_ids)) > 1:
        raise Malformed("The query and the body name different users.", field="user_id")
    return user_ids[0] if user_ids else None


class SubjectSerializer(RequestSerializer):
    """A request body that can name the subject."""

    user_id = TextField(required=False, allow_null=True, max_length=255, help_text=USER_ID_HELP)


def get_subject(request: AuthenticatedRequest) -> User:
    """Get the user whom the request is about. Raises as `resolve_subject` does."""
    return resolve_subject(request.auth, user_id=requested_user_id(request))


def resolve_subject(key: ApiKey, *, user_id: str | None) -> User:
    """Get the user with this id, else the key's own user.

    A key that names end users reaches those of its user alone. One that is not known yet is
    returned as a user that is not stored, and has no data: `store_end_user` stores it.

    Raises NotAllowed if a key without operator rights names another user, whether or not that
    user exists, and UserNotFound if an operator names an unknown user.
    """
    if user_id is None or user_id in (key.user.user_id, key.user.named_id):
        return key.user
    if key.names_end_users:
        return find_end_user(key.user, user_id)
    if not key.has_operator_rights:
        raise NotAllowed(
            "This key belongs to another user. Use a key of the user, or of an operator."
        )
    try:
        return get_user(user_id)
    except UserNotFound:
        raise UserNotFound from None


def require_stored(user: User) -> User:
    """Return the user. Raises UserNotFound for an end user who is not known yet."""
    if not user.is_stored:
        raise UserNotFound
    return user


class SubjectView(KeyedView):
    """Base of views whose objects all belong to one user, `self.subject`."""

    request: AuthenticatedRequest

    # Django's: until Python 3.12, that of functools holds one lock for all requests, and a slow
    # upload would stop them.
    @cached_property
    def subject(self) -> User:
        return get_subject(self.request)

    def get_subject_of_call(self) -> User:
        return self.subject
