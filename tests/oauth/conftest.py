from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from accounts.models import SignInLink
from tests.agents.agent import Agent
from tests.cast import Member
from tests.oauth.program import Program


@pytest.fixture
def browser_of() -> Callable[..., Client]:
    def sign_in(member: Member, **options: Any) -> Client:
        browser = Client(SERVER_NAME="localhost", **options)
        token = SignInLink.objects.issue(member.user)
        page = browser.get("/sign-in/link", {"token": token})
        assert page.status_code == 200
        answer = Client.post(
            browser,
            "/sign-in/link",
            {"token": token, "csrfmiddlewaretoken": page.context["csrf_token"]},
        )
        assert answer.status_code == 302
        return browser

    return sign_in


@pytest.fixture
def browser(browser_of: Callable[..., Client], alice: Member) -> Client:
    """Alice's browser."""
    return browser_of(alice)


@pytest.fixture
def program(db: None) -> Program:
    return Program.register()


@pytest.fixture
def agent_with() -> Callable[[str], Agent]:
    return lambda token: Agent(token, headers={"Host": "localhost"})
