from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.models import User
from memories.models import Memory

PASSWORD = "correct horse battery staple"


def browser_of(user: User) -> Client:
    """A browser in which this user is signed in."""
    client = Client(raise_request_exception=False)
    client.force_login(user)
    return client


def staff_with(*permissions: str) -> Client:
    """The browser of staff who have these permissions, such as `jobs.view_job`, and no others."""
    user = User.objects.create_user("staff", PASSWORD, is_staff=True)
    names = [permission.split(".")[1] for permission in permissions]
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    return browser_of(user)


@pytest.fixture
def root(db: None) -> User:
    """An operator who may do everything."""
    return User.objects.create_superuser("root", PASSWORD)


@pytest.fixture
def reader(db: None) -> User:
    """An operator who sees everything and changes nothing."""
    user = User.objects.create_user("reader", PASSWORD, is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    return user


@pytest.fixture
def browser(root: User) -> Client:
    """The browser of an operator who may do everything."""
    return browser_of(root)


@pytest.fixture
def reading(reader: User) -> Client:
    """The browser of an operator who only sees."""
    return browser_of(reader)


@pytest.fixture
def tea(alice) -> Memory:
    return Memory.objects.get(pk=alice.remember("Alice likes green tea.")["id"])


@pytest.fixture
def trip(bob) -> Memory:
    return Memory.objects.get(pk=bob.remember("Bob travels to Lisbon by train.")["id"])
