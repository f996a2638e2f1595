"""Clients that introduce themselves (RFC 7591), and what bounds them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from oauth.models import OAuthClient
from oauth.models.oauth_client import MAX_UNUSED
from tests.oauth.program import REDIRECT, REGISTRATION, Program, new_client


def register(body, **headers):
    return new_client(**headers).post("/oauth/register", body, content_type="application/json")


def test_a_client_is_told_what_it_is_registered_with(db):
    answer = register({**REGISTRATION, "logo_uri": "https://claude.ai/logo.png"})

    told = answer.json()
    client = OAuthClient.objects.get(client_id=told.pop("client_id"))
    assert answer.status_code == 201
    assert answer["Cache-Control"] == "no-store"
    assert told == {
        "client_id_issued_at": int(client.created_at.timestamp()),
        "client_name": "Claude",
        "redirect_uris": [REDIRECT],
        "token_endpoint_auth_method": "none",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "read write",
    }


def test_a_client_that_names_no_method_has_a_secret_that_is_not_stored(db):
    told = register({"redirect_uris": [REDIRECT]}).json()

    client = OAuthClient.objects.get()
    assert told["token_endpoint_auth_method"] == "client_secret_basic"
    assert told["client_secret_expires_at"] == 0
    assert told["client_name"] == "claude.ai"
    assert told["client_secret"] not in repr(vars(client))
    assert client.check_client_secret(told["client_secret"])


@pytest.mark.parametrize(
    "uri",
    [
        "https://example.org/callback", "https://example.org:8443/callback?x=y",
        "http://127.0.0.1/callback", "http://127.0.0.1:33418", "http://localhost:1/x",
        "http://[::1]:6274/oauth/callback", "cursor://anysphere.cursor-mcp/oauth/callback",
        "com.example.app:/callback", "vscode://x.y/z",
    ],
)  # fmt: skip
def test_these_addresses_can_be_registered_and_connected(uri, browser):
    program = Program.register(redirect_uris=[uri])

    assert browser.get(program.address()).status_code == 200
    assert program.connect(browser)["token_type"] == "Bearer"


@pytest.mark.attacks
@pytest.mark.parametrize(
    "uri",
    [
        "http://example.org/callback", "http://127.0.0.1.evil.example/", "http://localhost.evil/",
        "javascript:alert(1)", "JavaScript:alert(1)", "data:text/html,x", "file:///etc/passwd",
        "vbscript:x", "blob:https://x/y", "about:blank", "https://", "https:///x", "//x.example/y",
        "/callback", "", " ", "https://user@example.org/", "https://user:secret@example.org/",
        "https://example.org/#x", "https://example.org/#", "https://exa mple.org/",
        "https://example.org/\n", "https://example.org\\@evil.example/", "https://example.org:x/",
        "https://example.org:0/", "https://exämple.org/", "https://example.org/'\"<>",
        "http://127.0.0.1:99999/", "https://[::1/", "x" * 3000, f"https://x.org/{'a' * 3000}",
        None, 7, [], {"a": 1}, True,
    ],
)  # fmt: skip
def test_these_cannot(uri, db):
    answer = register({**REGISTRATION, "redirect_uris": [REDIRECT, uri]})

    assert answer.status_code == 400
    assert answer.json()["error"] == "invalid_redirect_uri"
    assert not OAuthClient.objects.exists()


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"redirect_uris": []}, "invalid_redirect_uri"),
        ({"redirect_uris": None}, "invalid_redirect_uri"),
        ({"redirect_uris": REDIRECT}, "invalid_redirect_uri"),
        ({"redirect_uris": [f"https://x.org/{n}" for n in range(21)]}, "invalid_redirect_uri"),
        ({"client_name": "x" * 101}, "invalid_client_metadata"),
        ({"client_name": "\u200b"}, "invalid_client_metadata"),
        ({"client_name": "Claude\u202e.evil"}, "invalid_client_metadata"),
        ({"client_name": "Claude\nAllow"}, "invalid_client_metadata"),
        ({"client_name": 7}, "invalid_client_metadata"),
        ({"grant_types": ["client_credentials"]}, "invalid_client_metadata"),
        ({"grant_types": "authorization_code"}, "invalid_client_metadata"),
        ({"response_types": ["token"]}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": "private_key_jwt"}, "invalid_client_metadata"),
        ({"token_endpoint_auth_method": []}, "invalid_client_metadata"),
    ],
)
def test_what_cannot_be_registered_is_named(fields, error, db):
    answer = register({**REGISTRATION, **fields})

    assert answer.status_code == 400
    assert answer.json()["error"] == error
    assert answer.json()["error_description"]


@pytest.mark.parametrize("body", ["", "x", "[]", "7", "null", '{"a":', "[" * 60_000])
def test_a_body_that_is_no_object_is_refused(body, db):
    answer = register(body)

    assert answer.status_code == 400
    assert answer.json()["error"] in {"invalid_request", "invalid_client_metadata"}


def test_a_large_body_is_refused(db):
    assert register({**REGISTRATION, "x": "y" * 70_000}).status_code == 413


def test_another_method_is_refused(db):
    assert new_client().get("/oauth/register").status_code == 405
    assert new_client().get("/oauth/token").status_code == 405


@pytest.mark.attacks
def test_a_flood_from_one_address_is_stopped(db, settings):
    settings.RATE_LIMITS = {**settings.RATE_LIMITS, "registrations": (3, 3600)}
    http = new_client()

    answers = [
        http.post(
            "/oauth/register", REGISTRATION, "application/json", REMOTE_ADDR="192.0.2.77"
        )
        for _ in range(5)
    ]  # fmt: skip

    assert [answer.status_code for answer in answers] == [201, 201, 201, 429, 429]
    assert answers[-1]["Retry-After"]
    assert answers[-1].json()["error"] == "temporarily_unavailable"


@pytest.mark.attacks
def test_a_flood_from_many_addresses_fills_no_table(browser, program):
    program.connect(browser)
    store_unused(MAX_UNUSED, age=timedelta(minutes=1))

    refused = register(REGISTRATION)
    OAuthClient.objects.filter(client_id="flood 1").update(fetched_at=timezone.now())
    beside_a_document = register(REGISTRATION)
    OAuthClient.objects.filter(client_id="flood 1").update(fetched_at=None)
    OAuthClient.objects.filter(name="flood").update(created_at=timezone.now() - timedelta(days=1))
    accepted = register(REGISTRATION)

    assert refused.status_code == 503
    assert refused["Retry-After"]
    assert beside_a_document.status_code == accepted.status_code == 201
    assert OAuthClient.objects.unused().count() == MAX_UNUSED
    assert OAuthClient.objects.filter(client_id=program.client_id).exists()


def test_housekeeping_removes_what_nobody_has_connected(browser, program):
    program.connect(browser)
    store_unused(2, age=timedelta(days=31))
    OAuthClient.objects.update(created_at=timezone.now() - timedelta(days=31))

    assert OAuthClient.objects.expired().count() == 2


def store_unused(number, *, age):
    OAuthClient.objects.bulk_create(
        OAuthClient(
            client_id=f"flood {n}",
            name="flood",
            redirect_uris=[REDIRECT],
            auth_method="none",
            created_at=timezone.now() - age,
        )
        for n in range(number)
    )
