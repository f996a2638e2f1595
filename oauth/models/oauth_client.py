from __future__ import annotations

import hmac
import uuid
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models.api_key import digest
from oauth import redirect_uris
from oauth.redirect_uris import MAX_URI
from oauth.scopes import normalize

MAX_CLIENT_ID = 1000
MAX_NAME = 100

# A client that nobody has connected is removed after this time.
UNUSED_FOR = timedelta(days=30)
# There may be this many of those. For a new one, the oldest of them makes room, if it is older.
MAX_UNUSED = 1000
MIN_AGE = timedelta(hours=1)


class AuthMethod(models.TextChoices):
    """How a client authenticates itself, in the words of RFC 7591."""

    NONE = "none"
    BASIC = "client_secret_basic"
    POST = "client_secret_post"
    KEY = "private_key_jwt"  # of clients with a document that has or names their public keys


# Those of clients that register.
REGISTRABLE = (AuthMethod.NONE, AuthMethod.BASIC, AuthMethod.POST)
SIGNING_ALGORITHMS = ("RS256", "PS256", "ES256")


class OAuthClientQuerySet(models.QuerySet["OAuthClient"]):
    def unused(self) -> OAuthClientQuerySet:
        """Keep those that nobody has connected. A blocked one is kept blocked."""
        return self.filter(connections=None, authorization_codes=None, blocked_at=None)

    def expired(self) -> OAuthClientQuerySet:
        return self.unused().filter(created_at__lt=timezone.now() - UNUSED_FOR)

    def make_room(self) -> bool:
        """Remove the oldest unused clients that registered. Returns whether there is room for one.

        Documents take none of it: only persons who have signed in have them fetched.
        """
        unused = self.unused().filter(fetched_at=None).order_by("-created_at")
        surplus = list(unused.values_list("pk", "created_at")[MAX_UNUSED - 1 : 2 * MAX_UNUSED])
        if not surplus:
            return True
        old = [pk for pk, created_at in surplus if created_at < timezone.now() - MIN_AGE]
        self.filter(pk__in=old).delete()
        return len(old) == len(surplus)


class OAuthClient(models.Model):
    """A program that asks persons for access: it has registered, or it is a document on the web."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    client_id = models.CharField(
        max_length=MAX_CLIENT_ID,
        unique=True,
        help_text="How it names itself: made up here, or the address of its document.",
    )
    name = models.CharField(max_length=MAX_NAME, help_text="What it calls itself. Nobody checks.")
    redirect_uris = ArrayField(
        models.CharField(max_length=MAX_URI),
        help_text="Where browsers are sent back to.",
    )
    auth_method = models.CharField(
        max_length=32, choices=AuthMethod, help_text="How it authenticates itself."
    )
    secret_digest = models.BinaryField(
        max_length=32, null=True, help_text="SHA-256 of its secret, if it has one."
    )
    keys = models.JSONField(
        null=True, blank=True, help_text="Its public keys (JWKS), if it signs what it sends."
    )
    keys_uri = models.CharField(
        max_length=MAX_URI,
        blank=True,
        default="",
        db_default="",
        help_text="Where these keys are, if they are not in its document.",
    )
    keys_tried_at = models.DateTimeField(
        null=True, blank=True, help_text="When these keys were last fetched, or tried to be."
    )
    fetched_at = models.DateTimeField(
        null=True, blank=True, help_text="When its document was last fetched, if it has one."
    )
    created_at = models.DateTimeField(default=timezone.now)
    blocked_at = models.DateTimeField(
        null=True, blank=True, help_text="Since when an operator lets nobody connect it."
    )

    objects = OAuthClientQuerySet.as_manager()

    class Meta:
        verbose_name = "client"
        indexes = [models.Index(fields=["created_at"], name="oauth_client_by_age")]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(auth_method=AuthMethod.NONE, secret_digest=None)
                | models.Q(auth_method=AuthMethod.KEY, secret_digest=None, keys__isnull=False)
                | models.Q(
                    auth_method__in=[AuthMethod.BASIC, AuthMethod.POST],
                    secret_digest__isnull=False,
                ),
                name="oauth_client_has_what_it_authenticates_with",
            )
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def document_host(self) -> str:
        """The host of its document, which vouches for it. Empty if it has registered."""
        return self.client_id.split("/")[2] if self.fetched_at else ""

    # What Authlib asks of a client.

    def get_client_id(self) -> str:
        return self.client_id

    def get_default_redirect_uri(self) -> str | None:
        uris: list[str] = self.redirect_uris
        return uris[0] if len(uris) == 1 else None

    def get_allowed_scope(self, scope: str | None) -> str | None:
        return normalize(scope)

    def check_redirect_uri(self, redirect_uri: str) -> bool:
        return redirect_uris.is_registered(redirect_uri, self.redirect_uris)

    def check_client_secret(self, client_secret: str) -> bool:
        expected = bytes(self.secret_digest or b"")
        return bool(expected) and hmac.compare_digest(digest(client_secret), expected)

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        # A document may offer both to sign and to send nothing.
        return method == self.auth_method or (method == AuthMethod.KEY and self.keys is not None)

    def check_response_type(self, response_type: str) -> bool:
        return response_type == "code"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type in ("authorization_code", "refresh_token")
