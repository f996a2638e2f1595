"""Attacks on the way of OAuth, as RFC 9700 and reports of other servers describe them."""

from __future__ import annotations

import base64
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from oauth.models import AuthorizationCode, Connection, OAuthClient
from tests.oauth.program import (
    ISSUER,
    REDIRECT,
    Program,
    challenge_of,
    csrf_of,
    new_client,
    query_of,
)

pytestmark = pytest.mark.attacks


def error_of(answer):
    assert answer.status_code in (400, 401), answer.content
    return answer.json()["error"]


# --- Codes ---------------------------------------------------------------------------------


def test_a_code_that_is_used_again_ends_what_it_began(browser, program, agent_with):
    code = program.get_code(browser)
    tokens = program.exchange(code).json()

    assert error_of(program.exchange(code)) == "invalid_grant"

    assert agent_with(tokens["access_token"]).send("tools/list").status_code == 401
    assert error_of(program.refresh(tokens["refresh_token"])) == "invalid_grant"


def test_a_code_lasts_a_minute(browser, program):
    code = program.get_code(browser)
    AuthorizationCode.objects.update(created_at=timezone.now() - timedelta(seconds=61))

    assert error_of(program.exchange(code)) == "invalid_grant"


def test_a_code_is_of_no_use_to_another_client(browser, program):
    code = program.get_code(browser)
    other = Program.register()
    other.verifier = program.verifier

    assert error_of(other.exchange(code)) == "invalid_grant"
    assert program.exchange(code).status_code == 200


@pytest.mark.parametrize("verifier", ["w" * 43, "", None, "short", "ü" * 43])
def test_a_code_is_of_no_use_without_its_verifier(verifier, browser, program):
    code = program.get_code(browser)

    assert error_of(program.exchange(code, code_verifier=verifier)) in {
        "invalid_grant", "invalid_request",
    }  # fmt: skip
    assert not Connection.objects.exists()


@pytest.mark.parametrize("uri", [None, "", "https://claude.ai/", f"{REDIRECT}/", f"{REDIRECT}?a=b"])
def test_a_code_is_exchanged_with_the_address_it_was_sent_to(uri, browser, program):
    assert error_of(program.exchange(program.get_code(browser), redirect_uri=uri)) == (
        "invalid_grant"
    )


def test_a_code_of_a_deactivated_person_is_void(browser, alice, program):
    code = program.get_code(browser)
    alice.user.is_active = False
    alice.user.save()

    assert error_of(program.exchange(code)) == "invalid_grant"


# --- PKCE ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": None},
        {"code_challenge": ""},
        {"code_challenge": "short"},
        {"code_challenge": "ü" * 43},
    ],
)
def test_nothing_but_s256_is_accepted(changes, browser, program):
    answer = browser.get(program.address(**changes))

    assert query_of(answer["Location"])["error"] == "invalid_request"
    assert query_of(answer["Location"])["iss"] == ISSUER


def test_the_challenge_itself_is_no_verifier(browser, program):
    challenge = challenge_of(program.verifier)

    assert error_of(program.exchange(program.get_code(browser), code_verifier=challenge)) == (
        "invalid_grant"
    )


# --- Refresh tokens ------------------------------------------------------------------------


def test_a_refresh_token_is_used_once(browser, program, agent_with):
    first = program.connect(browser)
    second = program.refresh(first["refresh_token"]).json()

    assert agent_with(first["access_token"]).send("tools/list").status_code == 401
    assert agent_with(second["access_token"]).send("tools/list").status_code == 200

    assert error_of(program.refresh(first["refresh_token"])) == "invalid_grant"

    assert agent_with(second["access_token"]).send("tools/list").status_code == 401
    assert error_of(program.refresh(second["refresh_token"])) == "invalid_grant"


def test_an_old_token_ends_the_family_however_old_it_is(browser, program):
    tokens = [program.connect(browser)["refresh_token"]]
    for _ in range(4):
        tokens.append(program.refresh(tokens[-1]).json()["refresh_token"])

    assert error_of(program.refresh(tokens[1])) == "invalid_grant"
    assert error_of(program.refresh(tokens[-1])) == "invalid_grant"


def test_a_refresh_token_is_of_no_use_to_another_client(browser, program):
    tokens = program.connect(browser)
    other = Program.register()

    assert error_of(other.refresh(tokens["refresh_token"])) == "invalid_grant"
    assert program.refresh(tokens["refresh_token"]).status_code == 200


@pytest.mark.parametrize("token", ["", "omr_", "omr_a_b", "om_x", "x" * 5000, "omr_" + "0" * 97])
def test_a_made_up_refresh_token_is_refused(token, program):
    assert error_of(program.refresh(token)) in {"invalid_grant", "invalid_request"}


def test_a_refresh_token_cannot_get_more_than_was_allowed(browser, program):
    tokens = program.connect(browser, access="read")

    assert error_of(program.refresh(tokens["refresh_token"], scope="read write")) == "invalid_scope"
    assert program.refresh(tokens["refresh_token"], scope="read").json()["scope"] == "read"


def test_less_can_be_asked_for_and_all_again_later(browser, program):
    tokens = program.connect(browser)

    less = program.refresh(tokens["refresh_token"], scope="read").json()
    again = program.refresh(less["refresh_token"]).json()

    assert (less["scope"], again["scope"]) == ("read", "read write")


def test_a_refresh_token_is_no_access_token(browser, program, agent_with):
    tokens = program.connect(browser)

    assert agent_with(tokens["refresh_token"]).send("tools/list").status_code == 401
    assert error_of(program.refresh(tokens["access_token"])) == "invalid_grant"


# --- Audience ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "resource",
    [
        "https://evil.example/mcp", "http://localhost.evil.example/mcp", "http://localhost:81/mcp",
        "http://localhost@evil.example/mcp", "https://localhost/mcp", "/mcp", "mcp", "",
        "http://localhost/mcp#x", "http://localhost/mcp?x=y", "http://localhost/mcpx",
        "http://localhost/api", "http://[", "http://localhost/mcp/../api",
    ],
)  # fmt: skip
def test_a_token_for_another_server_is_not_given_out(resource, browser, program):
    answer = browser.get(program.address(resource=resource))

    assert query_of(answer["Location"])["error"] == "invalid_target"


@pytest.mark.parametrize("resource", ["HTTP://LOCALHOST/mcp", "http://localhost:80/mcp/"])
def test_a_resource_may_be_spelled_otherwise(resource, browser, program):
    assert browser.get(program.address(resource=resource)).status_code == 200


def test_a_resource_is_not_changed_at_the_exchange(browser, program):
    code = program.get_code(browser)

    assert error_of(program.exchange(code, resource=ISSUER)) == "invalid_target"
    assert error_of(program.exchange(code, resource="https://evil.example")) == "invalid_target"
    tokens = program.exchange(code).json()
    assert error_of(program.refresh(tokens["refresh_token"], resource=ISSUER)) == "invalid_target"


# --- Redirects -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        "https://evil.example/", f"{REDIRECT}/../x", f"{REDIRECT}?x=y", f"{REDIRECT}#x",
        "https://claude.ai.evil.example/api/mcp/auth_callback", "https://claude.ai@evil.example/",
        "http://claude.ai/api/mcp/auth_callback", f"{REDIRECT}%2f", "//evil.example", "\\evil",
        "javascript:alert(1)", "https://claude.ai/api/mcp/auth_callback\n", "ü", '"><script>',
        "http://localhost/api/mcp/auth_callback",
    ],
)  # fmt: skip
def test_a_browser_is_sent_nowhere_but_to_what_is_registered(uri, browser, program):
    answer = browser.get(program.address(redirect_uri=uri))
    refused = program.ask(browser, redirect_uri=uri)

    assert answer.status_code == refused.status_code == 400
    assert "Location" not in answer
    assert "Location" not in refused
    assert "<script>" not in answer.content.decode()


def test_nor_is_it_with_an_error(browser, program):
    answer = browser.get(
        program.address(redirect_uri="https://evil.example/", response_type="token")
    )

    assert answer.status_code == 400
    assert "Location" not in answer


@pytest.mark.parametrize("changes", [{"client_id": None}, {"client_id": "unknown"}])
def test_an_unknown_client_is_not_sent_anywhere(changes, browser, program):
    answer = browser.get(program.address(**changes))

    assert answer.status_code == 400
    assert "Location" not in answer


def test_nobody_is_sent_away_before_they_have_signed_in(program):
    answer = Client(SERVER_NAME="localhost").get(program.address(scope="everything"))

    assert answer["Location"].startswith("/sign-in?next=")


@pytest.mark.parametrize("name", ["client_id", "redirect_uri", "state", "code_challenge", "scope"])
def test_a_parameter_is_not_there_twice(name, browser, program):
    answer = browser.get(f"{program.address()}&{name}=other")

    assert answer.status_code == 400
    assert "Location" not in answer


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "unsupported_response_type"),
        ({"scope": "admin"}, "invalid_scope"),
        ({"scope": "read admin"}, "invalid_scope"),
        ({"request": "eyJhbGciOiJub25lIn0.e30."}, None),
    ],
)
def test_what_is_not_offered_is_refused(changes, error, browser, program):
    answer = browser.get(program.address(**changes))

    if error is None:
        assert answer.status_code == 400
    else:
        assert query_of(answer["Location"])["error"] == error
        assert query_of(answer["Location"])["state"] == "the state"


def test_a_port_on_loopback_is_the_programs_own(browser):
    program = Program.register(redirect_uris=["http://127.0.0.1:3000/callback"])
    program.redirect_uri = "http://127.0.0.1:49152/callback"

    assert program.connect(browser)["scope"] == "read write"
    for other in ("http://127.0.0.1:3000/other", "http://localhost:3000/callback"):
        assert browser.get(program.address(redirect_uri=other)).status_code == 400


# --- Mix-up and the page of consent --------------------------------------------------------


def test_every_answer_names_its_server(browser, program):
    for changes in ({}, {"decision": "deny"}, {"scope": "admin"}, {"resource": "https://evil"}):
        assert query_of(program.ask(browser, **changes)["Location"])["iss"] == ISSUER


def test_a_consent_is_not_given_from_another_page(browser_of, alice, program):
    browser = browser_of(alice, enforce_csrf_checks=True)

    refused = program.ask(browser)
    page = browser.get(program.address())
    form = {"app": "desk", "access": "read", "decision": "allow"}
    allowed = browser.post(program.address(), {**form, "csrfmiddlewaretoken": csrf_of(page)})

    assert refused.status_code == 403
    assert allowed.status_code == 302
    assert AuthorizationCode.objects.count() == 1


def test_the_page_cannot_be_framed_and_runs_no_script_but_its_own(browser, program):
    page = browser.get(program.address())

    policy = page["Content-Security-Policy"].split("; ")
    assert page["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in policy
    # Browsers check each redirect after a form: where the program's own ones lead is not known.
    assert not any(each.startswith("form-action") for each in policy)
    assert "script-src 'self'" in policy
    assert page["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "Claude</h1>", "{{ settings.SECRET_KEY }}", "Cläude 🤖"]
)
def test_a_name_is_only_a_name(name, browser):
    program = Program.register(client_name=name)

    page = browser.get(program.address()).content.decode()

    assert "<script>alert" not in page
    assert "Claude</h1>" not in page
    assert "nobody has checked the name" in page
    assert "<strong>claude.ai</strong>" in page


def test_the_form_cannot_change_what_was_asked(browser, program):
    form = {
        "app": "desk", "access": "read", "decision": "allow", "redirect_uri": "https://evil.example",
        "client_id": "other", "scope": "read write", "state": "other",
    }  # fmt: skip
    answer = browser.post(program.address(), form)

    assert answer["Location"].startswith(REDIRECT)
    assert query_of(answer["Location"])["state"] == "the state"


def test_what_is_decided_is_decided_by_a_button(browser, program):
    for decision in ("", "yes", "ALLOW"):
        answer = program.ask(browser, decision=decision)
        assert query_of(answer["Location"])["error"] == "access_denied"


@pytest.mark.parametrize("app", ["", "   ", "\u200b", "x" * 256])
def test_an_app_has_a_name(app, browser, program):
    answer = program.ask(browser, app=app)

    assert answer.status_code == 200
    assert not AuthorizationCode.objects.exists()


def test_a_blocked_client_connects_nobody(browser, program, agent_with):
    OAuthClient.objects.update(blocked_at=timezone.now())

    assert browser.get(program.address()).status_code == 400


# --- The token endpoint --------------------------------------------------------------------


def test_a_token_request_is_a_form(program):
    answer = program.http.post("/oauth/token", {"grant_type": "x"}, content_type="application/json")

    assert error_of(answer) == "invalid_request"


@pytest.mark.parametrize(
    ("values", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"grant_type": "implicit\x00"}, "unsupported_grant_type"),
        ({"grant_type": "authorization_code"}, "invalid_request"),
        ({"grant_type": "authorization_code", "code": "x" * 9000}, "invalid_grant"),
        ({"grant_type": "authorization_code", "client_id": "ü"}, "invalid_client"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
    ],
)
def test_a_wrong_token_request_says_what_is_wrong(values, error, program):
    assert error_of(program.send("/oauth/token", values)) == error


@pytest.mark.parametrize("credentials", [b"a\0b:c", b"nobody:x", b"\0:", b"\xff\xfe:\xff"])
def test_wrong_credentials_of_a_client_are_refused(credentials, db):
    encoded = base64.b64encode(credentials).decode()
    http = new_client(Authorization=f"Basic {encoded}")

    assert error_of(Program("", http=http).exchange("x", client_id=None)) == "invalid_client"


def test_a_token_request_in_the_query_is_none(program, browser):
    code = program.get_code(browser)
    query = f"grant_type=authorization_code&code={code}&client_id={program.client_id}"

    answer = program.http.post(
        f"/oauth/token?{query}", "", content_type="application/x-www-form-urlencoded"
    )

    assert error_of(answer) == "invalid_request"


# --- Revocation ----------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["access_token", "refresh_token"])
def test_a_program_ends_its_connection(which, browser, program, agent_with):
    tokens = program.connect(browser)

    assert program.revoke(tokens[which]).status_code == 200

    assert agent_with(tokens["access_token"]).send("tools/list").status_code == 401
    assert error_of(program.refresh(tokens["refresh_token"])) == "invalid_grant"


def test_a_program_cannot_end_anothers(browser, alice, program, agent_with):
    tokens = program.connect(browser)
    other = Program.register()

    assert error_of(other.revoke(tokens["refresh_token"])) == "invalid_grant"
    assert other.revoke(alice.secret).status_code == 200

    assert agent_with(tokens["access_token"]).send("tools/list").status_code == 200
    assert alice.get("/memories").status_code == 200


def test_an_unknown_token_is_revoked_already(program):
    assert program.revoke("unknown", token_type_hint="whatever").status_code == 200
    assert error_of(program.revoke("")) == "invalid_request"
