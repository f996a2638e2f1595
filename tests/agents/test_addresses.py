import json

import pytest
from django.test import Client

from agents.mcp_servers import INSTRUCTIONS
from memories.models import Memory
from tests.agents.agent import BEFORE, TODAY, Agent

CALL = {"name": "get_memories", "arguments": {}}
ADDRESSES = ["/mcp", "/mcp/", "/mcp/cursor/http/alice", "/mcp/cursor/http/alice/"]


@pytest.mark.parametrize("address", ADDRESSES)
@pytest.mark.parametrize("version", [TODAY, BEFORE, "2024-11-05"])
def test_each_address_answers_in_each_version_with_one_document(address, version, alice):
    agent = Agent(alice.secret, address, version)

    answer = agent.send("tools/list")

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert "Mcp-Session-Id" not in answer.headers
    assert answer.json()["result"]["tools"]


@pytest.mark.parametrize("version", ["2024-11-05", "2025-03-26", "2025-06-18", BEFORE])
def test_a_client_from_before_today_is_welcomed_in_its_version(version, alice):
    asked = {
        "protocolVersion": version,
        "capabilities": {},
        "clientInfo": {"name": "old", "version": "1"},
    }

    result = Agent(alice.secret, version=version).ask("initialize", asked)

    assert result["protocolVersion"] == version
    assert result["instructions"] == INSTRUCTIONS


def test_every_tool_says_what_it_takes_gives_and_does(alice):
    for address, named in (("/mcp", 13), ("/mcp/cursor/http/alice", 5)):
        tools = Agent(alice.secret, address).ask("tools/list")["tools"]

        assert len(tools) == named
        for tool in tools:
            assert len(tool["description"]) > 40
            assert tool["outputSchema"]["type"] == "object"
            for argument in tool["inputSchema"]["properties"].values():
                assert argument["description"]
            hints = tool["annotations"]
            assert hints["openWorldHint"] is False
            assert hints["readOnlyHint"] or {"destructiveHint", "idempotentHint"} <= set(hints)


@pytest.mark.parametrize("address", [*ADDRESSES, "/mcp/messages?session_id=x"])
def test_a_call_without_a_good_key_is_401_and_says_how_to_send_one(address, alice):
    for secret in (None, "om_wrong"):
        answer = Agent(secret, address).send("tools/list")

        assert answer.status_code == 401
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Content-Type"] == "application/problem+json"


@pytest.mark.parametrize(
    "path",
    [
        "/.well-known/oauth-protected-resource",
        "/.well-known/oauth-protected-resource/mcp",
        "/.well-known/oauth-authorization-server",
        "/.well-known/openid-configuration",
        "/register",
    ],
)
def test_no_oauth_is_advertised_over_plain_http_to_other_machines(path, client):
    assert client.get(path).status_code == 404


def test_the_query_names_the_user_and_the_app(olga, alice):
    agent = Agent(olga.secret, "/mcp?user_id=alice&app=phone")

    added = agent.call("add_memory", text="Our dog Rex is afraid of thunder")

    assert added.data["app"] == "phone"
    assert Memory.objects.get().user == alice.user


@pytest.mark.parametrize("address", ["/mcp?user_id=alice", "/mcp/cursor/http/alice"])
def test_only_an_operator_names_another_user(address, alice, bob):
    answer = Agent(bob.secret, address).send("tools/call", CALL)

    assert answer.status_code == 403
    assert answer.json()["code"] == "forbidden"


@pytest.mark.parametrize("address", ["/mcp?user_id=nobody", "/mcp/cursor/http/nobody"])
def test_an_operator_who_names_nobody_is_told_so(address, olga):
    answer = Agent(olga.secret, address).send("tools/call", CALL)

    assert answer.status_code == 404
    assert answer.json()["code"] == "user_not_found"


def test_a_key_that_is_bound_to_an_app_is_no_other(alice):
    bound = alice.with_key(app_name="desk")

    refused = Agent(bound.secret, "/mcp/cursor/http/alice").call("list_memories")
    let_in = Agent(bound.secret, "/mcp/desk/http/alice").call("list_memories")

    assert refused.is_error
    assert "(key_bound_to_app)" in refused.text
    assert not let_in.is_error


@pytest.mark.parametrize("name", ["%20", "x" * 256])
def test_an_app_has_a_name_of_some_length(name, alice):
    for address in (f"/mcp?app={name}", f"/mcp/{name}/http/alice"):
        answer = Agent(alice.secret, address).send("tools/call", CALL)

        assert answer.status_code == 400
        assert "1 to 255 characters" in answer.json()["detail"]


@pytest.mark.parametrize("uri", ["memory://categories/a%00", "memory://nothing", "file:///etc"])
def test_a_resource_that_is_none_is_an_error_of_the_protocol(uri, alice):
    error = Agent(alice.secret).send("resources/read", {"uri": uri}).json()["error"]

    assert error["code"] in (-32600, -32602)


def test_a_prompt_that_is_none_or_lacks_its_topic_is_an_error_that_says_so(alice):
    agent = Agent(alice.secret)

    unknown = agent.send("prompts/get", {"name": "forget"}).json()["error"]
    asked = [{}, {"arguments": {}}, {"arguments": {"topic": ""}}]
    lacking = [agent.send("prompts/get", {"name": "recall", **a}).json()["error"] for a in asked]

    assert (unknown["code"], "Unknown prompt" in unknown["message"]) == (-32602, True)
    assert {error["code"] for error in lacking} == {-32602}
    assert all(error["message"].startswith("`topic`: ") for error in lacking)


def test_a_key_that_may_not_read_is_told_so_where_there_is_no_tool(alice):
    writing = Agent(alice.with_key(scopes=["write"]).secret)

    for method, params in (
        ("resources/list", {}),
        ("resources/read", {"uri": "memory://categories/pets"}),
        ("prompts/get", {"name": "recall", "arguments": {"topic": "dogs"}}),
    ):
        assert "(key_scope)" in writing.send(method, params).json()["error"]["message"]


def test_a_client_without_a_key_is_the_default_user_where_that_is_allowed(alice, settings):
    settings.LEGACY_CLIENTS = True
    settings.DEFAULT_USER = "alice"

    added = Agent(None, "/mcp/cursor/http/alice").call("add_memories", text="Rex likes snow")
    other_page = Agent(None, headers={"Origin": "https://evil.example"}).send("tools/list")

    assert not added.is_error
    assert Memory.objects.get().user == alice.user
    assert other_page.status_code == 403


@pytest.mark.parametrize("method", ["get", "delete", "put"])
def test_there_is_no_stream_and_no_session_to_end(method, alice):
    headers = {"Authorization": f"Bearer {alice.secret}", "Accept": "text/event-stream"}

    answer = getattr(Client(), method)("/mcp", headers=headers)

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]


@pytest.mark.parametrize("address", ["/mcp", "/mcp/cursor/http/alice"])
def test_an_unknown_session_is_404(address, alice):
    agent = Agent(alice.secret, address, BEFORE, headers={"Mcp-Session-Id": "of-another-server"})

    answer = agent.send("tools/list")

    assert answer.status_code == 404
    assert answer.json()["code"] == "session_not_found"


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost.evil.example"]
)
def test_a_web_page_that_is_not_named_may_not_call(origin, alice):
    answer = Agent(alice.secret, headers={"Origin": origin}).send("tools/list")

    assert answer.status_code == 403
    assert answer.json()["code"] == "origin_not_allowed"


@pytest.mark.parametrize("origin", ["http://testserver", "http://localhost:6274"])
def test_a_web_page_that_is_named_may_call(origin, alice, settings):
    settings.CORS_ALLOWED_ORIGINS = ["http://localhost:6274"]

    answer = Agent(alice.secret, headers={"Origin": origin}).send("tools/list")

    assert answer.status_code == 200


def test_a_host_that_is_not_ours_is_refused(alice):
    answer = Agent(alice.secret, headers={"Host": "rebound.example"}).send("tools/list")

    assert answer.status_code == 400
    assert answer.json()["code"] == "host_not_allowed"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ("{", 400, -32700),
        ("[" * 100_000, 400, -32700),
        ("[]", 400, -32600),
        ('"tools/call"', 400, -32600),
        ('{"jsonrpc": "2.0", "id": 1, "method": 7}', 400, -32600),
    ],
)
def test_a_message_that_is_none_is_an_error_of_the_protocol(body, status, code, alice):
    answer = Agent(alice.secret).post(body, **{"MCP-Protocol-Version": TODAY})

    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize("address", ["/mcp", "/mcp/cursor/http/alice"])
def test_news_are_not_offered_and_who_asks_for_them_is_told_so(address, alice):
    answer = Agent(alice.secret, address).send("subscriptions/listen", {"notifications": {}})

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == -32601


def test_a_version_that_is_not_known_is_refused_with_those_that_are(alice):
    answer = Agent(alice.secret, version="2030-01-01").send("tools/list")

    assert answer.status_code == 400
    assert TODAY in json.dumps(answer.json())


def test_a_body_that_is_too_large_is_413(alice, settings):
    answer = Agent(alice.secret).post("x" * (settings.MAX_BODY_BYTES + 1))

    assert answer.status_code == 413


def test_a_notification_is_accepted_without_an_answer(alice):
    message = {"jsonrpc": "2.0", "method": "notifications/initialized"}

    answer = Agent(alice.secret).post(json.dumps(message), **{"MCP-Protocol-Version": BEFORE})

    assert answer.status_code == 202
    assert answer.content == b""
