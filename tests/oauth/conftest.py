from __future__ import annotations

import ssl
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client

from accounts.models import SignInLink
from tests.agents.agent import Agent
from tests.cast import Member
from tests.oauth.certificate import Certificate, make_certificate
from tests.oauth.program import Program
from tests.oauth.web_server import Web


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


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return make_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture
def web(certificate: Certificate, settings: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Web]:
    """Where programs publish their documents."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key_file)
    server = Web(context)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.file))
    settings.OAUTH_PRIVATE_HOSTS = [server.host]
    yield server
    server.shutdown()
    server.server_close()
