from __future__ import annotations

import hashlib
import secrets
import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from core.compiled_query import CompiledQuery
from core.errors import Malformed, NotAllowed, OpenMemoryError

from .user import User

# `last_used_at` may lag by this much, so that a busy key is not written on every request.
LAST_USED_RESOLUTION = timedelta(minutes=1)

PREFIX_LENGTH = 11


class Scope(models.TextChoices):
    READ = "read"
    WRITE = "write"


class KeyRejected(OpenMemoryError):
    """The API key is invalid: it does not exist."""

    code: ClassVar[str] = "key_invalid"


class KeyRevoked(KeyRejected):
    """The API key was revoked. Request a new one."""

    code = "key_revoked"


class KeyExpired(KeyRejected):
    """The API key has expired. Request a new one."""

    code = "key_expired"


class KeyForAnotherAddress(KeyRejected):
    """The API key is for other addresses of this server. Use a key that is bound to none."""

    code = "key_audience"


class ScopeMissing(NotAllowed):
    """This key lacks a scope."""

    code = "key_scope"


class EndUsersNotNamed(Malformed):
    """Only an account's key that is not pinned can name end users."""

    code = "end_users_not_named"


def digest(secret: str) -> bytes:
    """Hash a key for storage. Keys have 256 random bits, so one fast round is enough."""
    return hashlib.sha256(secret.encode()).digest()


def new_secret() -> str:
    return f"om_{secrets.token_urlsafe(32)}"


class ApiKeyQuerySet(models.QuerySet["ApiKey"]):
    def issue(
        self,
        *,
        user: User,
        name: str = "",
        app_name: str = "",
        scopes: Iterable[str] = (Scope.READ, Scope.WRITE),
        expires_at: datetime | None = None,
        names_end_users: bool = False,
        is_pinned: bool = False,
        audience: str = "",
        renewable_until: datetime | None = None,
    ) -> tuple[ApiKey, str]:
        """Create a key and return it with its secret, which is not stored.

        Raises EndUsersNotNamed.
        """
        if names_end_users and (is_pinned or user.owner_id is not None):
            raise EndUsersNotNamed
        secret = new_secret()
        key = self.create(
            user=user,
            name=name,
            app_name=app_name,
            scopes=sorted(set(scopes)),
            expires_at=expires_at,
            names_end_users=names_end_users,
            is_pinned=is_pinned,
            audience=audience,
            renewable_until=renewable_until,
            prefix=secret[:PREFIX_LENGTH],
            digest=digest(secret),
        )
        return key, secret

    def valid(self) -> ApiKeyQuerySet:
        """The keys that are accepted now."""
        unexpired = models.Q(expires_at=None) | models.Q(expires_at__gt=timezone.now())
        active = models.Q(user__owner=None) | models.Q(user__owner__is_active=True)
        return self.filter(unexpired, active, revoked_at=None, user__is_active=True)

    def authenticate(self, secret: str) -> ApiKey:
        """Get the valid key with this secret, and its user.

        Raises KeyRejected. Its subclasses distinguish revoked and expired keys.
        """
        keys: list[ApiKey] = _keys_of_digest.fetch(digest=digest(secret))
        if not keys:
            raise KeyRejected
        [key] = keys
        account = key.user.owner or key.user
        if key.revoked_at is not None or not (key.user.is_active and account.is_active):
            raise KeyRevoked
        if key.expires_at is not None and key.expires_at <= timezone.now():
            raise KeyExpired
        return key


def _of_digest(digest: bytes) -> models.QuerySet[ApiKey]:
    keys = ApiKey.objects.select_related("user__owner").filter(digest=digest)
    return keys.defer(*(f"user__{name}" for name in NOT_OF_REQUESTS))


# Of a key's user and of the user's account: what no request needs.
NOT_OF_REQUESTS = (
    "password",
    "last_login",
    *(f"owner__{name}" for name in ("password", "last_login", "name", "email", "metadata")),
    *(f"owner__{name}" for name in ("created_at", "updated_at")),
)

# Of each request. It is asked anew each time: a key that was revoked is accepted by no process.
_keys_of_digest = CompiledQuery(_of_digest, digest=digest("an example"))


class ApiKey(models.Model):
    """A credential with which a program acts for one user, optionally as one of their apps."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="api_keys")
    name = models.CharField(max_length=255, blank=True, help_text="What the key is for.")
    # A name, not a foreign key: apps are created on first use, and this Django app must not
    # import theirs.
    app_name = models.CharField(
        max_length=255, blank=True, help_text="The only app that this key can act as, if any."
    )
    prefix = models.CharField(
        max_length=16, help_text="The first characters of the key, to identify it."
    )
    digest = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of the key.")
    scopes = ArrayField(
        models.CharField(max_length=8, choices=Scope), help_text="What the key permits."
    )
    names_end_users = models.BooleanField(
        "may name end users",
        default=False,
        db_default=False,
        help_text="Whether `user_id` names an end user of the key's user, over REST and MCP too.",
    )
    is_pinned = models.BooleanField(
        "pinned to its user",
        default=False,
        db_default=False,
        help_text="Whether the key reaches nobody but its own user, not even through the API of "
        "Mem0.",
    )
    audience = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="The path that the key opens, and those below it. Empty if it opens all.",
    )
    created_at = models.DateTimeField(auto_now_add=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    renewable_until = models.DateTimeField(
        null=True,
        blank=True,
        help_text="Until when the program that got the key by a connection can renew it.",
    )
    revoked_at = models.DateTimeField(null=True, blank=True)
    last_used_at = models.DateTimeField(
        null=True, blank=True, help_text="Accurate to the minute: not every request updates it."
    )

    objects = ApiKeyQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(scopes__contained_by=list(Scope.values), scopes__len__gt=0),
                name="api_key_has_known_scopes",
            ),
            models.CheckConstraint(
                condition=models.Q(names_end_users=False) | models.Q(is_pinned=False),
                name="api_key_is_pinned_or_names_end_users",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.prefix}…"

    @property
    def has_operator_rights(self) -> bool:
        """Whether the key carries its operator's rights.

        A key bound to an app never does, nor one that is pinned or names end users.
        """
        is_limited = self.app_name or self.is_pinned or self.names_end_users
        return self.user.is_operator and not is_limited

    @property
    def can_read(self) -> bool:
        return Scope.READ in self.scopes

    def stored(self) -> ApiKey | None:
        """This key, or None if it is that of a client without one, which is in no table."""
        return self if self.pk else None

    def require_scope(self, scope: Scope) -> None:
        """Raises ScopeMissing if the key lacks the scope."""
        if scope not in self.scopes:
            raise ScopeMissing(f"This key has no `{scope}` scope.")

    def require_audience(self, path: str) -> None:
        """Raises KeyForAnotherAddress if the key does not open this path."""
        if self.audience and not f"{path}/".startswith(f"{self.audience}/"):
            raise KeyForAnotherAddress(f"This API key opens `{self.audience}` and nothing else.")

    def renew(self, *, scopes: Iterable[str], expires_at: datetime, until: datetime) -> str:
        """Give the key another secret, and return it. The former one is void."""
        secret = new_secret()
        self.prefix, self.digest = secret[:PREFIX_LENGTH], digest(secret)
        self.scopes, self.expires_at = sorted(set(scopes)), expires_at
        self.renewable_until = until
        self.save(update_fields=["prefix", "digest", "scopes", "expires_at", "renewable_until"])
        return secret

    def record_use(self) -> None:
        now = timezone.now()
        if self.last_used_at is None or now - self.last_used_at > LAST_USED_RESOLUTION:
            self.last_used_at = now
            self.save(update_fields=["last_used_at"])

    def revoke(self) -> None:
        """Reject this key from the next request on. Revoking again keeps the first time."""
        if self.revoked_at is None:
            self.revoked_at = timezone.now()
            self.save(update_fields=["revoked_at"])
