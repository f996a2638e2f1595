"""In which format a message is answered, and at which addresses."""

import json
from urllib.parse import quote

import pytest
from django.test import Client

from accounts.models import ApiKey, User
from agents.accept import EVENT_STREAM, JSON, preferred_format
from apps_registry.models import App
from tests.agents.agent import BEFORE, TODAY, Agent


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("", JSON),
        ("*/*", JSON),
        ("application/*", JSON),
        (JSON, JSON),
        ("APPLICATION/JSON; charset=utf-8", JSON),
        (f"{JSON}, {EVENT_STREAM}", JSON),
        (f"{EVENT_STREAM}, {JSON}", JSON),
        (f"{JSON};q=0.5, {EVENT_STREAM}; q=0.5", JSON),
        (f"text/html, {JSON};q=0.9", JSON),
        (f"{EVENT_STREAM};q=0.1, */*", JSON),
        (EVENT_STREAM, EVENT_STREAM),
        ("text/*", EVENT_STREAM),
        (f"{JSON};q=0, {EVENT_STREAM}", EVENT_STREAM),
        (f"{JSON};q=0, */*", EVENT_STREAM),
        (f"{JSON};q=0.1, {EVENT_STREAM};q=0.9", EVENT_STREAM),
        ("text/html", None),
        ("*/*;q=0", None),
        (f"{JSON};q=0", None),
        (",;=", None),
    ],
)
@pytest.mark.parametrize(
    ("address", "version"), [("/mcp", TODAY), ("/mcp", BEFORE), ("/mcp/desk/http/alice", BEFORE)]
)
def test_each_accept_header_is_answered_in_its_format(accept, media_type, address, version, alice):
    agent = Agent(alice.secret, address, version, headers={"Accept": accept})

    answer = agent.send("tools/list")

    assert preferred_format(accept) == media_type
    if media_type is None:
        assert answer.status_code == 406
        assert answer.json()["code"] == "not_acceptable"
        return
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == media_type
    assert answer.headers["Content-Length"] == str(len(answer.content))
    assert document(answer, media_type)["result"]["tools"]


def document(answer, media_type):
    if media_type == JSON:
        return answer.json()
    event, data, *rest = answer.content.decode().split("\r\n")
    assert (event, rest) == ("event: message", ["", ""])
    return json.loads(data.removeprefix("data: "))


def test_no_accept_header_is_answered(alice):
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}}
    headers = {"Authorization": f"Bearer {alice.secret}", "MCP-Protocol-Version": BEFORE}

    answer = Client().post("/mcp", message, content_type=JSON, headers=headers)

    assert answer.json()["result"]["tools"]


@pytest.mark.parametrize("accept", [JSON, EVENT_STREAM, ""])
def test_a_notification_is_accepted_in_every_format(accept, alice):
    agent = Agent(alice.secret, version=BEFORE, headers={"Accept": accept})

    answer = agent.post('{"jsonrpc": "2.0", "method": "notifications/initialized"}')

    assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize("name", ["My App/1", "a/sse/b", "a/http/b", "/", "50%", "é", "x/messages"])
@pytest.mark.parametrize("slash", ["", "/"])
def test_the_name_of_an_app_may_have_any_character(name, slash, alice):
    agent = Agent(alice.secret, f"/mcp/{quote(name, safe='')}/http/alice{slash}")

    added = agent.call("add_memories", text="I like tea", infer=False)

    assert not added.is_error, added.text
    assert App.objects.get().name == name


@pytest.mark.parametrize("user_id", ["ada@example.org", "é", "a+b", "50%", "x#y?z", "messages"])
def test_the_id_of_a_user_may_have_any_character(user_id, db):
    _, secret = ApiKey.objects.issue(user=User.objects.create_user(user_id))
    agent = Agent(secret, f"/mcp/desk/http/{quote(user_id, safe='')}")

    assert not agent.call("list_memories").is_error
