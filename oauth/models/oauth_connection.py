from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import ApiKey, Scope, User
from accounts.models.api_key import ApiKeyQuerySet, digest
from oauth.scopes import join

from .oauth_client import OAuthClient

ACCESS_LIFETIME = timedelta(hours=1)
# A connection that is not used for this long ends.
REFRESH_LIFETIME = timedelta(days=90)
# Its key is shown for this long afterwards.
SHOWN_FOR = timedelta(days=90)
# Of one user. The one that was renewed longest ago ends when there are more.
MAX_CONNECTIONS = 200
MAX_RESOURCE = 300

REFRESH_PREFIX = "omr_"
_FAMILY_BYTES, _SECRET_BYTES = 16, 32


@dataclass(frozen=True)
class Tokens:
    """What a program is given: neither of them is stored."""

    access: str
    refresh: str
    scopes: Collection[str]


@dataclass(frozen=True)
class RefreshToken:
    """All refresh tokens of a connection begin alike, so that an old one is known as such."""

    family: str
    secret: str

    @classmethod
    def create(cls, family: str | None = None) -> RefreshToken:
        return cls(family or secrets.token_hex(_FAMILY_BYTES), secrets.token_hex(_SECRET_BYTES))

    @classmethod
    def parse(cls, text: str) -> RefreshToken | None:
        family, _, secret = text.removeprefix(REFRESH_PREFIX).partition("_")
        is_whole = len(family) == 2 * _FAMILY_BYTES and len(secret) == 2 * _SECRET_BYTES
        return cls(family, secret) if is_whole and text.startswith(REFRESH_PREFIX) else None

    def __str__(self) -> str:
        return f"{REFRESH_PREFIX}{self.family}_{self.secret}"


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def open(
        self, *, user: User, client: OAuthClient, app_name: str, scopes: Collection[str],
        resource: str, audience: str,
    ) -> tuple[Connection, Tokens]:  # fmt: skip
        """Connect a client: make it a key, and tokens for it."""
        now = timezone.now()
        key, access = ApiKey.objects.issue(
            user=user,
            name=client.name,
            app_name=app_name,
            scopes=scopes,
            expires_at=now + ACCESS_LIFETIME,
            is_pinned=True,
            audience=audience,
            renewable_until=now + REFRESH_LIFETIME,
        )
        token = RefreshToken.create()
        connection = self.create(
            key=key,
            client=client,
            scopes=sorted(scopes),
            resource=resource,
            family_digest=digest(token.family),
            refresh_digest=digest(str(token)),
        )
        self._end_surplus(user)
        return connection, Tokens(access, str(token), scopes)

    def live(self) -> ConnectionQuerySet:
        return self.filter(key__revoked_at=None, key__renewable_until__gt=timezone.now())

    def _end_surplus(self, user: User) -> None:
        newest = self.live().filter(key__user=user).order_by("-key__renewable_until", "-key")
        for connection in newest.select_related("key")[MAX_CONNECTIONS : 2 * MAX_CONNECTIONS]:
            connection.key.revoke()


class Connection(models.Model):
    """A program that a person has let in. Its key is its access: revoked, it has none.

    Renewing it gives the key another secret, so that the key, what is counted for it and its open
    streams go on.
    """

    key = models.OneToOneField(
        ApiKey, on_delete=models.CASCADE, primary_key=True, related_name="connection"
    )
    client = models.ForeignKey(OAuthClient, on_delete=models.CASCADE, related_name="connections")
    scopes = ArrayField(
        models.CharField(max_length=8, choices=Scope), help_text="What the person has allowed."
    )
    resource = models.CharField(max_length=MAX_RESOURCE, help_text="The address that it is for.")
    family_digest = models.BinaryField(
        max_length=32, unique=True, help_text="SHA-256 of what all of its refresh tokens share."
    )
    refresh_digest = models.BinaryField(
        max_length=32, help_text="SHA-256 of the refresh token that is valid."
    )
    created_at = models.DateTimeField(default=timezone.now)
    renewed_at = models.DateTimeField(null=True, blank=True, help_text="The last renewal.")

    objects = ConnectionQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.client} of {self.key.user}"

    @property
    def is_live(self) -> bool:
        until = self.key.renewable_until
        is_renewable = until is not None and until > timezone.now()
        return is_renewable and self.key.revoked_at is None

    def is_current(self, token: RefreshToken) -> bool:
        return hmac.compare_digest(bytes(self.refresh_digest), digest(str(token)))

    def renew(self, token: RefreshToken, *, scopes: Collection[str]) -> Tokens:
        """Make new tokens. Those given out before are void."""
        now = timezone.now()
        new = RefreshToken.create(token.family)
        self.refresh_digest, self.renewed_at = digest(str(new)), now
        self.save(update_fields=["refresh_digest", "renewed_at"])
        access = self.key.renew(
            scopes=scopes, expires_at=now + ACCESS_LIFETIME, until=now + REFRESH_LIFETIME
        )
        return Tokens(access, str(new), scopes)

    # What Authlib asks of a token.

    def check_client(self, client: OAuthClient) -> bool:
        return self.client_id == client.pk

    def get_scope(self) -> str:
        return join(self.scopes)


def expired_keys() -> ApiKeyQuerySet:
    """The keys of connections that ended long ago."""
    return ApiKey.objects.filter(renewable_until__lt=timezone.now() - SHOWN_FOR)
