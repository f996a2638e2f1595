from __future__ import annotations

import uuid
from datetime import timedelta

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils import timezone

from accounts.models import Scope, User
from oauth.redirect_uris import MAX_URI
from oauth.scopes import join

from .oauth_client import OAuthClient
from .oauth_connection import MAX_RESOURCE, Connection

LIFETIME = timedelta(seconds=60)
# A code that is presented again within this time ends the connection that was made with it.
REMEMBERED_FOR = timedelta(days=1)


class AuthorizationCodeQuerySet(models.QuerySet["AuthorizationCode"]):
    def expired(self) -> AuthorizationCodeQuerySet:
        return self.filter(created_at__lt=timezone.now() - REMEMBERED_FOR)


class AuthorizationCode(models.Model):
    """What a person has allowed a program: the program exchanges it, once, for a connection."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    digest = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of the code.")
    client = models.ForeignKey(
        OAuthClient, on_delete=models.CASCADE, related_name="authorization_codes"
    )
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="authorization_codes")
    app_name = models.CharField(max_length=255, help_text="The app that the program acts as.")
    scopes = ArrayField(models.CharField(max_length=8, choices=Scope))
    resource = models.CharField(max_length=MAX_RESOURCE, help_text="The address that it is for.")
    redirect_uri = models.CharField(
        max_length=MAX_URI, blank=True, help_text="As it was asked for. Empty if it was not."
    )
    code_challenge = models.CharField(max_length=128, help_text="Of PKCE, with S256.")
    created_at = models.DateTimeField(default=timezone.now)
    used_at = models.DateTimeField(null=True)
    connection = models.ForeignKey(
        Connection, on_delete=models.SET_NULL, null=True, related_name="authorization_codes"
    )

    objects = AuthorizationCodeQuerySet.as_manager()

    class Meta:
        indexes = [models.Index(fields=["created_at"], name="authorization_code_by_age")]

    def __str__(self) -> str:
        return f"for {self.client} of {self.user}"

    @property
    def is_expired(self) -> bool:
        return self.created_at < timezone.now() - LIFETIME

    # What Authlib asks of a code.

    code_challenge_method = "S256"

    def get_redirect_uri(self) -> str:
        return self.redirect_uri

    def get_scope(self) -> str:
        return join(self.scopes)
