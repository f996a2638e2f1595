"""The end users of an account, by the names that the account gives them.

One comes into being on the first write. Until then it reads as a user without data: an object that
is not stored. See docs/decisions/0035-accounts.md.
"""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import IntegrityError, transaction

from core.errors import Malformed, NotAllowed, TooLarge

from .models import User

MAX_EXTERNAL_ID = 255

# The end user of an account to whom belongs what is about nobody in particular.
NAMELESS = ""

# In place of a name, this means everybody.
WILDCARD = "*"


class TooManyEndUsers(TooLarge):
    """This account has as many end users as it may have."""

    code = "end_user_quota"


class EndUserDeactivated(NotAllowed):
    """This end user is deactivated, or being erased."""

    code = "end_user_deactivated"


def find_end_user(account: User, external_id: str) -> User:
    """Get an end user, or one that is not stored if there is none of this name yet.

    Raises Malformed and EndUserDeactivated.
    """
    if external_id != NAMELESS:
        check_external_id(external_id)
    user = User.objects.filter(owner=account, external_id=external_id).first()
    if user is None:
        made_up = uuid.uuid4()
        user = User(
            id=made_up, user_id=f"end-user-{made_up}", owner=account, external_id=external_id
        )
        user.set_unusable_password()
    elif not user.is_active:
        raise EndUserDeactivated
    return user


def store_end_user(user: User) -> None:
    """Store a user whom `find_end_user` did not find: the first write is about to be made.

    If another request has stored them meanwhile, the object becomes that user. Raises
    TooManyEndUsers, and Malformed for the name that means everybody.
    """
    if user.is_stored:
        return
    if user.external_id == WILDCARD:
        raise Malformed("`*` means everybody. It cannot be the name of a user.", field="user_id")
    assert user.owner is not None  # noqa: S101 - only end users are not stored
    try:
        with transaction.atomic():
            _require_space(user.owner)
            user.save(force_insert=True)
    except IntegrityError:
        stored = User.objects.get(owner=user.owner, external_id=user.external_id)
        user.__dict__.update(stored.__dict__)


def _require_space(account: User) -> None:
    """Raises TooManyEndUsers. First writes of one account wait for each other here."""
    User.objects.select_for_update(no_key=True).get(pk=account.pk)
    if User.objects.filter(owner=account).count() >= settings.MAX_END_USERS:
        raise TooManyEndUsers(
            f"This account has {settings.MAX_END_USERS:,} end users, the most that it may have."
            " Erase some, or ask the operator to raise OPENMEMORY_MAX_END_USERS."
        )


def check_external_id(external_id: str) -> None:
    """Raises Malformed for what cannot be the name of an end user."""
    if not 0 < len(external_id) <= MAX_EXTERNAL_ID:
        raise Malformed(f"A user id has 1 to {MAX_EXTERNAL_ID} characters.", field="user_id")
    try:
        external_id.encode()
    except UnicodeEncodeError:
        raise Malformed("A user id must be valid Unicode.", field="user_id") from None
    if "\0" in external_id:
        raise Malformed("A user id cannot contain NUL.", field="user_id")
