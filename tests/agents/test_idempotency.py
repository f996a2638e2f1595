"""Tools with an idempotency key: a call that is sent again is done once."""

import json
import uuid

import pytest

from accounts.models import KeptAnswer
from apps_registry.models import AccessRule, App
from memories.models import Memory, Revision
from tests.agents.agent import Agent

KEY = "8e03978e-40d5-43e8-bc93-6894a57f9324"


def test_the_same_call_is_done_once_and_says_so(agent):
    arguments = {"text": "Rex is brave", "infer": False, "idempotency_key": KEY}
    first = agent.call("add_memory", **arguments)
    second = agent.call("add_memory", **arguments)

    assert first.data["event"] == "ADD"
    assert "replayed" not in first.data
    assert second.data == {**first.data, "replayed": True}
    assert json.loads(second.text)["replayed"] is True
    assert Memory.objects.count() == 1


def test_another_call_with_the_same_key_is_refused(agent, alice):
    agent.call("add_memory", text="Rex is brave", idempotency_key=KEY)
    other = agent.call("add_memory", text="Rex is afraid", idempotency_key=KEY)

    assert other.is_error
    assert "idempotency_key_reused" in other.text
    answer = alice.post("/memories", {"text": "Rex is brave"}, **{"Idempotency-Key": KEY})
    assert answer.status_code == 422
    assert Memory.objects.count() == 1


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("update_memory", {"memory_id": "{id}", "metadata": {"a": 1}}),
        ("delete_memory", {"memory_id": "{id}"}),
        ("pause_memories", {"memory_ids": ["{id}"]}),
        ("delete_all_memories", {"confirm": True}),
    ],
)
def test_every_tool_that_changes_something_takes_a_key(agent, tool, arguments):
    memory = agent.call("add_memory", text="Rex is brave").data
    filled = json.loads(json.dumps(arguments).replace("{id}", memory["id"]))

    first = agent.call(tool, **filled, idempotency_key=KEY)
    second = agent.call(tool, **filled, idempotency_key=KEY)

    assert not first.is_error, first.text
    assert second.data == {**first.data, "replayed": True}
    assert Revision.objects.count() == (tool == "update_memory")


def test_the_same_call_about_another_user_is_another_call(alice):
    shop = alice.with_key(names_end_users=True)
    for name in ("ann", "bea"):
        Agent(shop.secret, f"/mcp?user_id={name}").call("add_memory", text=f"I am {name}")
    forget = {"confirm": True, "idempotency_key": KEY}

    first = Agent(shop.secret, "/mcp?user_id=ann").call("delete_all_memories", **forget)
    other = Agent(shop.secret, "/mcp?user_id=bea").call("delete_all_memories", **forget)

    assert not first.is_error, first.text
    assert other.is_error
    assert "idempotency_key_reused" in other.text
    assert Memory.objects.get(user__external_id="bea").state == "active"


def test_the_original_servers_tools_take_a_key(alice):
    agent = Agent(alice.secret, "/mcp/desk/http/alice")
    arguments = {"text": "Rex is brave", "infer": False, "idempotency_key": KEY}
    first = agent.call("add_memories", **arguments)
    second = agent.call("add_memories", **arguments)

    assert json.loads(second.text) == {**json.loads(first.text), "replayed": True}
    assert Memory.objects.count() == 1


def test_only_tools_that_change_something_have_the_argument(agent):
    for tool in agent.ask("tools/list")["tools"]:
        takes_key = "idempotency_key" in tool["inputSchema"]["properties"]
        assert takes_key is not tool["annotations"]["readOnlyHint"]
        assert takes_key is ("replayed" in tool["outputSchema"]["properties"])


@pytest.mark.parametrize("key", ["ä", "x" * 256, "a\x07"])
def test_a_malformed_key_is_refused(agent, key):
    result = agent.call("add_memory", text="Rex is brave", idempotency_key=key)

    assert result.is_error
    assert not Memory.objects.exists()


def test_an_empty_key_counts_as_none(agent):
    agent.call("add_memory", text="Rex is brave", idempotency_key="")

    assert not KeptAnswer.objects.exists()


def test_an_error_is_not_kept(agent):
    missing = {"memory_id": str(uuid.uuid4()), "text": "a"}
    assert agent.call("update_memory", **missing, idempotency_key=KEY).is_error
    assert not agent.call("delete_all_memories", confirm=False, idempotency_key=KEY).data
    assert not KeptAnswer.objects.exists()


def test_what_an_app_may_not_read_any_more_is_not_repeated(agent):
    arguments = {"text": "Rex is brave", "idempotency_key": KEY}
    memory = agent.call("add_memory", **arguments).data
    app = App.objects.get(name="desk")
    AccessRule.objects.create(app=app, effect="deny", memory_id=memory["id"])

    assert "memory_not_found" in agent.call("add_memory", **arguments).text
    app.set_active(False)
    assert "app_paused" in agent.call("add_memory", **arguments).text
