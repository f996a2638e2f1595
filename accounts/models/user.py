from __future__ import annotations

import uuid
from typing import Any

from django.contrib.auth.models import AbstractBaseUser, BaseUserManager, PermissionsMixin
from django.core.validators import RegexValidator
from django.db import models

# Anything readable: a user id stands in addresses, file names and logs.
validate_user_id = RegexValidator(
    r"^[^\s\x00-\x1f\x7f/]+\Z",
    "A user id has no spaces, slashes or control characters.",
    code="invalid_user_id",
)


class UserManager(BaseUserManager["User"]):
    def create_user(self, user_id: str, password: str | None = None, **fields: Any) -> User:
        """Make a user. Without a password they cannot sign in to the admin."""
        user = self.model(user_id=user_id, **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def create_superuser(self, user_id: str, password: str | None = None, **fields: Any) -> User:
        return self.create_user(user_id, password, is_staff=True, is_superuser=True, **fields)


class User(AbstractBaseUser, PermissionsMixin):
    """A person whose memories the server keeps.

    Operators are staff that may do everything: over the API they may name any user. Other staff
    may sign in to the admin, where their permissions say what they see and do.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    user_id = models.CharField(
        max_length=255,
        unique=True,
        validators=[validate_user_id],
        help_text="The name that clients call this user by.",
    )
    name = models.CharField(max_length=255, blank=True, help_text="What people call this user.")
    email = models.EmailField(blank=True, help_text="Where this user can be reached.")
    metadata = models.JSONField(
        default=dict, blank=True, help_text="Anything else that a client wants to keep."
    )
    is_staff = models.BooleanField(
        default=False, help_text="Whether this user may sign in to the admin."
    )
    is_active = models.BooleanField(
        default=True, help_text="Whether the keys of this user are accepted."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = UserManager()

    USERNAME_FIELD = "user_id"

    @property
    def is_operator(self) -> bool:
        """Whether they may name any user and change the configuration."""
        return self.is_staff and self.is_superuser

    def __str__(self) -> str:
        return self.user_id


def check_user_id(user_id: str) -> None:
    """Raises ValidationError for what is no user id: what it is made of, and how long it is."""
    User._meta.get_field("user_id").clean(user_id, None)
