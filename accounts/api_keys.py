"""Create and revoke keys on behalf of a key."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from core.errors import NotAllowed, NotFound

from .end_users import store_end_user
from .models import ApiKey, User
from .models.api_key import ApiKeyQuerySet


class KeyNotFound(NotFound):
    """Key not found."""

    code = "key_not_found"


class KeyTooStrong(NotAllowed):
    """A key cannot create a key with more rights or a later expiry than its own."""

    code = "key_too_strong"


def create_key(
    *,
    user: User,
    creator: ApiKey,
    name: str,
    app_name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
    names_end_users: bool = False,
    is_pinned: bool | None = None,
) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret. Raises KeyTooStrong and EndUsersNotNamed.

    What a pinned key creates is pinned.
    """
    if names_end_users and not (creator.names_end_users or creator.has_operator_rights):
        raise KeyTooStrong
    if creator.is_pinned and is_pinned is False:
        raise KeyTooStrong
    if not set(scopes) <= set(creator.scopes):
        raise KeyTooStrong
    if creator.expires_at and (expires_at is None or expires_at > creator.expires_at):
        raise KeyTooStrong
    store_end_user(user)
    return ApiKey.objects.issue(
        user=user,
        name=name,
        app_name=app_name,
        scopes=scopes,
        expires_at=expires_at,
        names_end_users=names_end_users,
        is_pinned=creator.is_pinned if is_pinned is None else is_pinned,
    )


def revoke_key(pk: uuid.UUID, *, among: ApiKeyQuerySet) -> None:
    """Revoke one key `among` these. Raises KeyNotFound."""
    key = among.filter(pk=pk).first()
    if key is None:
        raise KeyNotFound
    key.revoke()
