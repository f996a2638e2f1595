import pytest
from rest_framework.test import APIClient

from accounts.models import User
from core.legacy_clients import ORIGINS


@pytest.fixture
def legacy_mode(settings):
    """The server as it starts with OPENMEMORY_LEGACY_CLIENTS=1."""
    settings.LEGACY_CLIENTS = True
    settings.CORS_ALLOW_ALL_ORIGINS = False
    settings.CORS_ALLOWED_ORIGINS = ORIGINS


@pytest.fixture
def default_user(db, settings):
    """The user that `make run` makes."""
    return User.objects.create_superuser(settings.DEFAULT_USER)


@pytest.fixture
def keyless():
    """A program that sends no key."""
    return APIClient(HTTP_HOST="localhost:8000", raise_request_exception=False)
