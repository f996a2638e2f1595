"""Register a person: a user, and the first key of theirs."""

from typing import Any

from django.db import IntegrityError, transaction

from core.errors import Conflict

from .models import ApiKey, User


class UserExists(Conflict):
    """A user with this user_id exists already."""

    code = "user_exists"


def register_user(*, user_id: str, **fields: Any) -> tuple[User, str]:
    """Make a user and a key, and return both. Raises UserExists."""
    try:
        with transaction.atomic():
            user = User.objects.create_user(user_id, **fields)
            _, secret = ApiKey.objects.issue(user=user, name="first key")
    except IntegrityError as error:
        raise UserExists from error
    return user, secret
