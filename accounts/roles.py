"""Make a user an operator, with all permissions or read-only."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, Permission

from .models import User

# Members see every page of the admin and cannot change anything.
READ_ONLY = "Read-only operators"


def make_operator(user: User) -> None:
    """Give a user all permissions, in the admin and over the API."""
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser", "updated_at"])


def make_read_only_operator(user: User) -> None:
    """Give a user read access to the whole admin. Over the API they remain an ordinary user."""
    group, _ = Group.objects.get_or_create(name=READ_ONLY)
    group.permissions.set(Permission.objects.filter(codename__startswith="view_"))
    user.is_staff, user.is_superuser = True, False
    user.save(update_fields=["is_staff", "is_superuser", "updated_at"])
    user.groups.add(group)


def can_change_user(operator: AbstractBaseUser | AnonymousUser, user: User) -> bool:
    """Whether an operator can change a user, or create keys for them.

    Staff without all permissions cannot change other staff: they could take over the account.
    """
    return bool(getattr(operator, "is_superuser", False)) or not user.is_staff
