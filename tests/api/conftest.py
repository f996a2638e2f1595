import pytest
from django.test import Client


@pytest.fixture
def client() -> Client:
    """A client that gets a 500 as its caller would."""
    return Client(raise_request_exception=False)
