from __future__ import annotations

import secrets
import uuid
from datetime import timedelta

from django.db import models, transaction
from django.utils import timezone

from core.errors import Gone, NotAllowed

from .api_key import digest
from .user import User

# How long a link can be used: time enough for somebody who is sent it.
LIFETIME = timedelta(days=1)
MAX_LIFETIME = timedelta(days=7)
# Of one person. A new link takes the place of the oldest one.
MAX_LINKS = 20


class LinkInvalid(Gone):
    """This link was used before, or has expired. Ask for a new one."""

    code = "link_invalid"


class AccountInactive(NotAllowed):
    """This account is deactivated: nobody can sign in to it."""

    code = "account_inactive"


class SignInLinkQuerySet(models.QuerySet["SignInLink"]):
    def issue(self, user: User, *, lifetime: timedelta = LIFETIME) -> str:
        """Create a link and return its secret, which is not stored. Raises AccountInactive."""
        if not user.is_active:
            raise AccountInactive
        secret = secrets.token_urlsafe(32)
        older = self.filter(user=user).order_by("-created_at").values_list("pk", flat=True)
        self.filter(pk__in=list(older[MAX_LINKS - 1 : 2 * MAX_LINKS])).delete()
        self.create(user=user, digest=digest(secret), expires_at=timezone.now() + lifetime)
        return secret

    def valid(self) -> SignInLinkQuerySet:
        return self.filter(expires_at__gt=timezone.now(), user__is_active=True)

    def expired(self) -> SignInLinkQuerySet:
        return self.filter(expires_at__lte=timezone.now())

    def find_user(self, secret: str) -> User:
        """Get the user whom a link signs in, and leave the link as it is. Raises LinkInvalid."""
        link = self.valid().select_related("user").filter(digest=digest(secret)).first()
        if link is None:
            raise LinkInvalid
        return link.user

    def redeem(self, secret: str) -> User:
        """Use up a link, and return the user whom it signs in. Raises LinkInvalid."""
        with transaction.atomic():
            # Locked: of two requests with the same link, one finds it gone.
            links = self.valid().select_related("user").select_for_update(of=("self",))
            link = links.filter(digest=digest(secret)).first()
            if link is None:
                raise LinkInvalid
            link.delete()
            return link.user


class SignInLink(models.Model):
    """A link that signs a person in once, without a password."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="sign_in_links")
    digest = models.BinaryField(max_length=32, unique=True, help_text="SHA-256 of its secret.")
    created_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    objects = SignInLinkQuerySet.as_manager()

    def __str__(self) -> str:
        return f"for {self.user} until {self.expires_at}"
