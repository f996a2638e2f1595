from __future__ import annotations

import uuid
import zoneinfo
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.db import models

from core.visible_text import validate_visible

MAX_CATEGORIES_NOT_KEPT = 50

# User ids appear in URLs, file names and logs.
validate_user_id = RegexValidator(
    r"^[^\s\x00-\x1f\x7f/]+\Z",
    "A user id cannot contain spaces, slashes or control characters.",
    code="invalid_user_id",
)


def validate_time_zone(name: str) -> None:
    """Raises ValidationError for a time zone that the IANA database does not have."""
    if name and name not in _time_zones():
        raise ValidationError(
            "%(name)s is not a time zone. Name one such as Europe/Berlin.",
            code="invalid_time_zone",
            params={"name": name},
        )


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones())


class UserManager(BaseUserManager["User"]):
    def create_user(self, user_id: str, password: str | None = None, **fields: Any) -> User:
        """Create a user. Without a password they cannot sign in to the admin."""
        user = self.model(user_id=user_id, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, user_id: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(user_id, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A user whose memories the server stores.

    A user with an `owner` is an end user: a person whom an account serves, and names by any
    string. Their `user_id` is made up. An end user has no end users.

    Operators are staff with all permissions; over the API they can access any user. Other staff
    can sign in to the admin, where their permissions decide what they see and change.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_id = models.CharField(
        max_length=255,
        unique=True,
        validators=[validate_user_id],
        help_text="The name by which clients identify this user.",
    )
    # Erasing an account erases its end users first, with receipts.
    owner = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="end_users",
        db_index=False,
        help_text="The account whose end user this is. Null for an account.",
    )
    external_id = models.CharField(
        max_length=255,
        blank=True,
        default="",
        db_default="",
        help_text="How the account names this end user.",
    )
    name = models.CharField(max_length=255, blank=True, help_text="The display name of this user.")
    email = models.EmailField(blank=True, help_text="The email address of this user.")
    metadata = models.JSONField(
        default=dict, blank=True, help_text="Arbitrary data stored by clients."
    )
    time_zone = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        validators=[validate_time_zone],
        help_text="The time zone of this user, such as Europe/Berlin: what `yesterday` means in a "
        "search. UTC if empty.",
    )
    infer = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Whether what is stored is categorized, and turned into facts by a language "
        "model where there is one. Otherwise every text is stored as it was sent.",
    )
    categories_not_kept = ArrayField(
        models.CharField(max_length=100),
        default=list,
        db_default=[],
        blank=True,
        size=MAX_CATEGORIES_NOT_KEPT,
        help_text="A text of one of these categories is not stored.",
    )
    is_staff = models.BooleanField(
        default=False, help_text="Whether this user can sign in to the admin."
    )
    is_active = models.BooleanField(
        default=True, help_text="Whether the keys of this user are accepted."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UserManager()

    USERNAME_FIELD = "user_id"

    class Meta:
        constraints = [
            # Null owners are distinct: this is about end users, and serves to find them.
            models.UniqueConstraint(fields=["owner", "external_id"], name="end_user_named_once"),
            models.CheckConstraint(
                condition=models.Q(owner__isnull=False) | models.Q(external_id=""),
                name="end_user_has_an_account",
            ),
            models.CheckConstraint(
                condition=models.Q(owner=None) | models.Q(is_staff=False, is_superuser=False),
                name="end_user_is_not_staff",
                violation_error_message="An end user cannot be an operator.",
            ),
        ]

    @property
    def named_id(self) -> str:
        """The name by which clients know this user: an account's is its `user_id`."""
        return self.user_id if self.owner_id is None else self.external_id

    @property
    def is_stored(self) -> bool:
        """Whether this user exists. An end user to whom nothing was written yet does not."""
        return not self._state.adding

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone or "UTC")

    @property
    def is_operator(self) -> bool:
        """Whether this user can access any user and change the configuration."""
        return self.is_staff and self.is_superuser

    @property
    def path(self) -> str:
        """What commands and operators call this user: `shop/alice` is an end user of `shop`."""
        return self.user_id if self.owner is None else f"{self.owner.user_id}/{self.external_id}"

    def __str__(self) -> str:
        return self.user_id if self.owner_id is None else f"{self.user_id} ({self.external_id})"

    def clean(self) -> None:
        super().clean()
        validate_visible(self.user_id)


def check_user_id(user_id: str) -> None:
    """Validate the characters and the length of a user id. Raises ValidationError."""
    User._meta.get_field("user_id").clean(user_id, None)
    validate_visible(user_id)
