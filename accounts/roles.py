"""Make somebody an operator: one who may do everything, or one who only looks."""

from __future__ import annotations

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser, Group, Permission

from .models import User

# Whoever is in this group sees every page of the admin and changes nothing.
READ_ONLY = "Read-only operators"


def make_operator(user: User) -> None:
    """Let a user do everything, in the admin and over the API."""
    user.is_staff = user.is_superuser = True
    user.save(update_fields=["is_staff", "is_superuser", "updated_at"])


def make_read_only_operator(user: User) -> None:
    """Let a user see everything in the admin. Over the API they are a user like any other."""
    group, _ = Group.objects.get_or_create(name=READ_ONLY)
    group.permissions.set(Permission.objects.filter(codename__startswith="view_"))
    user.is_staff, user.is_superuser = True, False
    user.save(update_fields=["is_staff", "is_superuser", "updated_at"])
    user.groups.add(group)


def can_change_user(operator: AbstractBaseUser | AnonymousUser, user: User) -> bool:
    """Whether an operator may change a user, or make keys for them.

    Who may not do everything changes nobody who may sign in: else they could take their place.
    """
    return bool(getattr(operator, "is_superuser", False)) or not user.is_staff
