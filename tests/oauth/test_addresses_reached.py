"""What a client is told by where it has reached the server: HTTPS, loopback, or in the clear."""

from __future__ import annotations

import pytest
from django.test import Client

from core.exposure import PublicAddress
from tests.oauth.program import REGISTRATION

PATHS = [
    "/.well-known/oauth-protected-resource", "/.well-known/oauth-protected-resource/mcp",
    "/.well-known/oauth-authorization-server",
]  # fmt: skip


def ask(path="/mcp", *, host="localhost", method="post", secure=False, **headers):
    http = Client(raise_request_exception=False, SERVER_NAME=host.partition(":")[0])
    sent = {"Host": host, **headers}
    return getattr(http, method)(path, headers=sent, secure=secure)


def challenge(**options):
    return ask(**options)["WWW-Authenticate"]


@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "[::1]:8000"])
def test_on_loopback_tokens_are_offered_over_http(host, db):
    issuer = f"http://{host}"

    assert f'"{issuer}/.well-known/oauth-protected-resource/mcp"' in challenge(host=host)
    assert ask(PATHS[2], host=host, method="get").json()["issuer"] == issuer


def test_in_the_clear_none_is_offered(db, settings):
    settings.ALLOWED_HOSTS = ["*"]

    assert challenge(host="192.0.2.1:8000") == "Bearer"
    for path in PATHS:
        answer = ask(path, host="192.0.2.1:8000", method="get")
        assert answer.status_code == 404
        assert "HTTPS" in answer.json()["error_description"]
    answer = Client(SERVER_NAME="192.0.2.1").post("/oauth/register", REGISTRATION)
    assert answer.status_code == 404


def test_a_person_is_told_why_nothing_is_offered(browser, settings):
    settings.ALLOWED_HOSTS = ["*"]
    browser.defaults["SERVER_NAME"] = "192.0.2.1"

    page = browser.get("/oauth/authorize")

    assert page.status_code == 400
    assert "HTTPS" in page.content.decode()


def test_over_https_the_host_names_the_server(db, settings):
    settings.ALLOWED_HOSTS = ["memory.example.org"]

    assert '"https://memory.example.org/.well-known' in challenge(
        host="memory.example.org", secure=True
    )


@pytest.mark.parametrize(
    ("host", "headers"),
    [
        ("memory.example.org", {}),
        ("memory.example.org", {"X-Forwarded-For": "192.0.2.9"}),
        ("127.0.0.1:8000", {"X-Forwarded-For": "192.0.2.9"}),
        ("127.0.0.1:8000", {"X-Forwarded-Proto": "https"}),
    ],
)
def test_behind_a_proxy_it_is_the_public_address(host, headers, db, settings):
    settings.PUBLIC_ADDRESS = PublicAddress.parse("https://memory.example.org", proxies=1)
    settings.TRUSTED_PROXIES = 1
    settings.ALLOWED_HOSTS = ["memory.example.org", "127.0.0.1"]

    assert '"https://memory.example.org/.well-known' in challenge(host=host, **headers)


def test_a_program_beside_the_server_reaches_it_directly(db, settings):
    settings.PUBLIC_ADDRESS = PublicAddress.parse("https://memory.example.org", proxies=1)
    settings.TRUSTED_PROXIES = 1

    assert '"http://127.0.0.1:8000/.well-known' in challenge(host="127.0.0.1:8000")


@pytest.mark.attacks
def test_a_forged_host_names_no_server(db):
    assert ask(PATHS[2], host="evil.example", method="get").status_code == 400
    assert ask(host="evil.example").status_code == 400


def test_a_request_with_a_good_key_is_never_challenged(alice):
    good = {"Authorization": f"Bearer {alice.secret}"}

    for method in ("get", "post", "delete"):
        answer = ask(method=method, **good)
        assert answer.status_code != 401
        assert "WWW-Authenticate" not in answer


@pytest.mark.parametrize("path", ["/mcp", "/mcp/", "/mcp?app=desk"])
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_each_refusal_says_where_to_get_a_token(path, method, db):
    answer = ask(path, method=method)

    assert answer.status_code == 401
    assert "resource_metadata=" in answer["WWW-Authenticate"]


def test_other_addresses_want_a_key(db):
    for path in ("/mcp/cursor/http/alice", "/api/v1/memories"):
        assert ask(path, method="get")["WWW-Authenticate"] == "Bearer"


def test_web_pages_may_read_what_they_need(db):
    origin = {"Origin": "https://inspector.example"}

    answer = ask(PATHS[2], method="get", **origin)
    refused = ask(method="post", **origin)

    assert answer["Access-Control-Allow-Origin"] == "*"
    assert "WWW-Authenticate" in refused["Access-Control-Expose-Headers"]
    page = ask("/oauth/authorize", method="get", **origin)
    assert "Access-Control-Allow-Origin" not in page
