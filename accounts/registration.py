"""Register a user together with a first key."""

from typing import Any

from django.db import IntegrityError, transaction

from core.errors import Conflict

from .models import ApiKey, User


class UserExists(Conflict):
    """A user with this `user_id` already exists."""

    code = "user_exists"


def register_user(*, user_id: str, **fields: Any) -> tuple[User, str]:
    """Create a user and a key, and return the user and the secret. Raises UserExists."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(user_id, **fields)
            _, secret = ApiKey.objects.issue(user=user, name="first key")
    except IntegrityError as error:
        raise UserExists from error
    return user, secret
