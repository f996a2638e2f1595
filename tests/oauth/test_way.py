"""The whole way, from the bare address to the tools, and what the tokens then open."""

from __future__ import annotations

import pytest

from accounts.models import ApiKey
from oauth.models import Connection
from tests.oauth.program import ISSUER, REDIRECT, RESOURCE, Program, new_client, query_of

METADATA = f"{ISSUER}/.well-known/oauth-protected-resource/mcp"


def test_the_bare_address_leads_to_the_tools(browser, alice, agent_with):
    alice.remember("Rex is afraid of thunder")
    http = new_client()
    refused = http.post("/mcp", {}, content_type="application/json")
    challenge = refused["WWW-Authenticate"]
    resource = http.get("/.well-known/oauth-protected-resource/mcp").json()
    server = http.get("/.well-known/oauth-authorization-server").json()

    program = Program.register()
    page = browser.get(program.address())
    answer = program.ask(browser)
    tokens = program.exchange(query_of(answer["Location"])["code"]).json()
    agent = agent_with(tokens["access_token"])

    assert refused.status_code == 401
    assert challenge == f'Bearer resource_metadata="{METADATA}", scope="read write"'
    assert resource["resource"] == RESOURCE
    assert resource["authorization_servers"] == [server["issuer"]] == [ISSUER]
    assert page.status_code == 200
    assert query_of(answer["Location"])["state"] == "the state"
    assert query_of(answer["Location"])["iss"] == ISSUER
    assert tokens["token_type"] == "Bearer"
    assert tokens["expires_in"] == 3600
    assert tokens["scope"] == "read write"
    assert "Rex" in agent.call("search_memories", query="thunder").text


def test_the_documents_name_what_there_is(db):
    http = new_client()

    assert http.get("/.well-known/oauth-protected-resource").json() == {
        "resource": ISSUER,
        "authorization_servers": [ISSUER],
        "scopes_supported": ["read", "write"],
        "bearer_methods_supported": ["header"],
        "resource_name": "OpenMemory",
    }
    assert http.get("/.well-known/oauth-authorization-server").json() == {
        "issuer": ISSUER,
        "authorization_endpoint": f"{ISSUER}/oauth/authorize",
        "token_endpoint": f"{ISSUER}/oauth/token",
        "registration_endpoint": f"{ISSUER}/oauth/register",
        "revocation_endpoint": f"{ISSUER}/oauth/revoke",
        "scopes_supported": ["read", "write"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": ["authorization_code", "refresh_token"],
        "token_endpoint_auth_methods_supported": [
            "none", "client_secret_basic", "client_secret_post", "private_key_jwt",
        ],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256"],
        "revocation_endpoint_auth_methods_supported": [
            "none", "client_secret_basic", "client_secret_post", "private_key_jwt",
        ],
        "revocation_endpoint_auth_signing_alg_values_supported": ["RS256", "PS256", "ES256"],
        "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": True,
        "client_id_metadata_document_supported": True,
        "ui_locales_supported": ["en", "de"],
    }  # fmt: skip
    assert http.get("/.well-known/oauth-authorization-server/mcp").json()["issuer"] == ISSUER
    assert http.get("/.well-known/openid-configuration").status_code == 404


def test_a_token_is_a_key_where_keys_are_listed(browser, alice, program, agent_with):
    agent_with(program.connect(browser, app="desk")["access_token"]).ask("tools/list")

    [key] = [each for each in alice.get("/keys").json()["items"] if each["app"] == "desk"]

    assert key["name"] == "Claude"
    assert key["scopes"] == ["read", "write"]
    assert key["last_used_at"] is not None
    assert key["pinned"] is True
    assert key["renewable_until"] > key["expires_at"]


def test_revoked_where_keys_are_it_fails_at_its_next_call(browser, alice, program, agent_with):
    tokens = program.connect(browser)
    agent = agent_with(tokens["access_token"])
    assert agent.send("tools/list").status_code == 200
    [key] = [each for each in alice.get("/keys").json()["items"] if each["app"] == "claude"]

    alice.delete(f"/keys/{key['id']}")

    refused = agent.send("tools/list")
    assert refused.status_code == 401
    assert refused.json()["code"] == "key_revoked"
    assert 'error="invalid_token"' in refused["WWW-Authenticate"]
    assert program.refresh(tokens["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_token_acts_as_its_app_and_no_other(browser, alice, program, agent_with):
    agent = agent_with(program.connect(browser, app="My desk")["access_token"])

    agent.call("add_memory", text="Tea, not coffee")

    [memory] = alice.get("/memories").json()["items"]
    assert memory["app_name"] == "My desk"
    other = agent.post("{}", Host="localhost")
    assert other.status_code == 400
    named = type(agent)(agent.secret, address="/mcp?app=other", headers=agent.headers)
    assert named.call("list_apps").is_error


def test_a_person_may_allow_less_than_is_asked(browser, program, agent_with):
    tokens = program.connect(browser, access="read")
    agent = agent_with(tokens["access_token"])

    result = agent.call("add_memory", text="Tea")

    assert tokens["scope"] == "read"
    assert result.is_error
    assert "key_scope" in result.text


def test_a_person_cannot_allow_more_than_is_asked(browser, program):
    answer = program.ask(browser, scope="read", access="read write")

    assert answer.status_code == 200
    assert "Location" not in answer
    assert program.connect(browser, scope="read", access="read")["scope"] == "read"


@pytest.mark.parametrize("path", ["/api/v1/memories", "/api/v1/keys", "/api/v1/users/me"])
def test_a_token_for_mcp_opens_nothing_else(path, browser, program):
    token = program.connect(browser)["access_token"]

    refused = new_client(Authorization=f"Bearer {token}").get(path)

    assert refused.status_code == 401
    assert refused.json()["code"] == "key_audience"


def test_a_token_for_the_whole_server_opens_the_api(browser, alice, program):
    alice.remember("Rex is afraid of thunder")
    asked = {"resource": ISSUER}
    page = browser.get(program.address(**asked))
    code = program.get_code(browser, **asked)
    token = program.exchange(code, resource=ISSUER).json()["access_token"]

    http = new_client(Authorization=f"Bearer {token}")

    assert "the whole API" in page.content.decode()
    assert http.get("/api/v1/memories").json()["total"] == 1
    assert http.post("/api/v1/keys", {"name": "more"}, "application/json").status_code == 403


def test_an_operators_token_has_no_operators_rights(browser_of, olga, alice, program):
    code = program.get_code(browser_of(olga), resource=ISSUER)
    token = program.exchange(code, resource=ISSUER).json()["access_token"]
    http = new_client(Authorization=f"Bearer {token}")

    assert http.get("/api/v1/memories", {"user_id": "alice"}).status_code == 403
    assert http.get("/api/v1/users").status_code == 403


def test_nothing_that_is_stored_is_a_token(browser, program):
    tokens = program.connect(browser)
    connection = Connection.objects.get()
    stored = repr([ApiKey.objects.values().get(pk=connection.key_id), vars(connection)])

    assert tokens["access_token"] not in stored
    assert tokens["refresh_token"] not in stored
    assert tokens["refresh_token"][4:36] not in stored


def test_denied_a_program_is_told_so(browser, program):
    answer = program.ask(browser, decision="deny")

    sent = query_of(answer["Location"])
    assert answer["Location"].startswith(REDIRECT)
    assert (sent["error"], sent["state"], sent["iss"]) == ("access_denied", "the state", ISSUER)


def test_a_client_with_a_secret_sends_it(browser):
    program = Program.register(token_endpoint_auth_method="client_secret_post")
    code = program.get_code(browser)
    thief = Program(program.client_id, verifier=program.verifier, secret="guessed")
    without = Program(program.client_id, verifier=program.verifier)

    assert thief.exchange(code).json()["error"] == "invalid_client"
    assert without.exchange(code).json()["error"] == "invalid_client"
    assert program.exchange(code).status_code == 200


def test_signing_in_leads_back_to_what_was_asked(alice, program):
    alice.user.set_password("correct horse battery staple")
    alice.user.save()
    browser = new_client()
    sent = browser.get(program.address(state="s" * 2000))

    answer = browser.post(
        "/sign-in",
        {
            "user_id": "alice",
            "password": "correct horse battery staple",
            "next": query_of(sent["Location"])["next"],
        },
    )

    assert answer["Location"] == program.address(state="s" * 2000)
    assert browser.get(answer["Location"]).status_code == 200
