from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client

from accounts.models import SignInLink
from tests.cast import Member

PASSWORD = "correct horse battery staple"


@pytest.fixture
def browser_of() -> Callable[[Member], Client]:
    """A browser in which somebody has signed in by a link."""

    def sign_in(member: Member) -> Client:
        client = Client(headers={"User-Agent": "Mozilla/5.0 (X11; Linux) Firefox/140.0"})
        token = SignInLink.objects.issue(member.user)
        answer = client.post("/sign-in/link", {"token": token})
        assert answer.status_code == 302
        return client

    return sign_in


@pytest.fixture
def browser(browser_of: Callable[[Member], Client], alice: Member) -> Client:
    """Alice's browser."""
    return browser_of(alice)
