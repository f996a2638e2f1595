"""Block a program for everybody, and allow it again."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.models import ApiKey

from .models import AuthorizationCode, OAuthClient


def block_client(client: OAuthClient) -> int:
    """Let nobody connect a client, and end its connections. Returns how many there were."""
    with transaction.atomic():
        client.blocked_at = timezone.now()
        client.save(update_fields=["blocked_at"])
        AuthorizationCode.objects.filter(client=client, used_at=None).delete()
        keys = ApiKey.objects.filter(connection__client=client, revoked_at=None)
        return keys.update(revoked_at=client.blocked_at)


def unblock_client(client: OAuthClient) -> None:
    client.blocked_at = None
    client.save(update_fields=["blocked_at"])
