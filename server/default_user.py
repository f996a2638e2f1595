"""The default user, with an API key for the first request to a new server."""

from pathlib import Path

from django.core.exceptions import ImproperlyConfigured, ValidationError

from accounts import roles
from accounts.models import ApiKey, KeyRejected, User
from accounts.models.user import check_user_id
from embedded.state_folder import write_private


def ensure_default_user(*, user_id: str, key_file: Path) -> str:
    """Ensure that the user exists, is an operator and has a valid key. Returns the key.

    The file stores the key. A key that is revoked, expired or another user's is replaced.
    """
    user = _ensure_operator(user_id)
    secret = key_file.read_text().strip() if key_file.exists() else ""
    if not _is_valid(secret, user):
        _, secret = ApiKey.objects.issue(user=user, name="created at the start of the server")
        write_private(key_file, secret)
    return secret


def _ensure_operator(user_id: str) -> User:
    try:
        check_user_id(user_id)
    except ValidationError as error:
        raise ImproperlyConfigured(
            f"USER={user_id!r} is not a valid user id. {' '.join(error.messages)}"
        ) from error
    user = User.objects.filter(user_id=user_id).first() or User.objects.create_user(user_id)
    if not user.is_operator:
        roles.make_operator(user)
    return user


def _is_valid(secret: str, user: User) -> bool:
    try:
        return ApiKey.objects.authenticate(secret).user == user
    except KeyRejected:
        return False
