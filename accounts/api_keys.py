"""Create and revoke keys on behalf of a key."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from datetime import datetime

from core.errors import NotAllowed, NotFound

from .models import ApiKey, User
from .models.api_key import ApiKeyQuerySet


class KeyNotFound(NotFound):
    """Key not found."""

    code = "key_not_found"


class KeyTooStrong(NotAllowed):
    """A key cannot create a key with more scopes or a later expiry than its own."""

    code = "key_too_strong"


def create_key(
    *,
    user: User,
    creator: ApiKey,
    name: str,
    app_name: str,
    scopes: Collection[str],
    expires_at: datetime | None,
) -> tuple[ApiKey, str]:
    """Create a key and return it with its secret. Raises KeyTooStrong."""
    if not set(scopes) <= set(creator.scopes):
        raise KeyTooStrong
    if creator.expires_at and (expires_at is None or expires_at > creator.expires_at):
        raise KeyTooStrong
    return ApiKey.objects.issue(
        user=user, name=name, app_name=app_name, scopes=scopes, expires_at=expires_at
    )


def revoke_key(pk: uuid.UUID, *, among: ApiKeyQuerySet) -> None:
    """Revoke one key `among` these. Raises KeyNotFound."""
    key = among.filter(pk=pk).first()
    if key is None:
        raise KeyNotFound
    key.revoke()
