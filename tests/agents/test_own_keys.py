"""Memories by keys of one's own, over MCP."""

import pytest

from apps_registry.models import App
from memories.models import Memory, Revision
from tests.agents.agent import Agent

GARDEN = {"namespace": "projects.house", "key": "garden/roses"}


def test_a_key_is_stored_replaced_and_read(agent, alice):
    added = agent.call("add_memory", text="The roses are red", **GARDEN)
    replaced = agent.call("add_memory", text="The roses are white", infer=False, **GARDEN)

    assert (added.data["event"], replaced.data["event"]) == ("ADD", "UPDATE")
    assert added.data["id"] == replaced.data["id"]
    shown = agent.call("get_memory", **GARDEN).data
    assert shown["text"] == "The roses are white"
    assert {name: shown[name] for name in GARDEN} == GARDEN
    assert shown == agent.call("get_memory", memory_id=added.data["id"]).data
    assert alice.get("/memories/by-key/projects.house/garden/roses").json()["id"] == shown["id"]
    assert Revision.objects.get().content == "The roses are red"


def test_what_has_no_key_says_so(agent):
    assert agent.call("add_memory", text="Rex").data["key"] is None


@pytest.mark.parametrize("tool", ["get_memories", "search_memories", "recall_context"])
def test_a_namespace_narrows_what_is_read(agent, tool):
    agent.call("add_memory", text="The roses are red", **GARDEN)
    agent.call("add_memory", text="The tulips are red", namespace="projects.hut", key="tulips")
    agent.call("add_memory", text="The lilies are red")
    query = {"query": "What is red?"} if tool != "get_memories" else {}

    found = agent.call(tool, namespace="projects.house", **query)

    assert "roses" in found.text
    assert "tulips" not in found.text
    assert "lilies" not in found.text


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"key": "a"}, "`namespace`: Send `namespace` and `key` together"),
        ({"namespace": "a"}, "`key`: Send `namespace` and `key` together"),
        ({"namespace": "a..b", "key": "c"}, "Separate its parts with one dot each"),
        ({"namespace": "a", "key": "../b"}, "cannot stand between slashes"),
        ({"namespace": "a", "key": "b\0"}, "NUL"),
        ({"namespace": "a", "key": "b" * 300}, "at most"),
    ],
)
@pytest.mark.parametrize("tool", ["add_memory", "get_memory"])
def test_what_is_no_key_is_refused(agent, tool, arguments, why):
    text = {"text": "Rex"} if tool == "add_memory" else {}

    result = agent.call(tool, **text, **arguments)

    assert result.is_error
    assert why in result.text
    assert not Memory.objects.exists()


@pytest.mark.parametrize(
    "more",
    [
        {"messages": [{"role": "user", "content": "Rex"}]},
        {"text": "Rex", "supersedes": ["8c9c4d56-5c6e-4c8e-9f0e-0a4e6d5c7b11"]},
        {},
    ],
)
def test_only_a_text_is_stored_by_a_key(agent, more):
    assert agent.call("add_memory", **more, **GARDEN).is_error
    assert not Memory.objects.exists()


def test_a_memory_is_named_in_one_way(agent, alice):
    memory_id = alice.remember("Rex", infer=False)["id"]

    for arguments in ({}, {"memory_id": memory_id, **GARDEN}):
        refused = agent.call("get_memory", **arguments)
        assert "Send either `memory_id`, or `namespace` and `key`" in refused.text
    assert "(memory_not_found)" in agent.call("get_memory", **GARDEN).text


def test_a_key_of_what_is_denied_is_refused(agent, alice):
    alice.put("/memories/by-key/projects.house/garden/roses", {"text": "The roses are red"})
    agent.call("add_memory", text="Mine")
    rule = {"memory_id": str(Memory.objects.get(namespace="projects.house").pk), "effect": "deny"}
    alice.post(f"/apps/{App.objects.get(name='desk').pk}/rules", rule)

    refused = agent.call("add_memory", text="The roses are white", **GARDEN)

    assert "(own_key_taken)" in refused.text
    assert agent.call("get_memory", **GARDEN).is_error
    assert Memory.objects.get(own_key="garden/roses").content == "The roses are red"


def test_a_call_that_is_sent_again_is_done_once(agent):
    sent = {"text": "The roses are red", "idempotency_key": "once", **GARDEN}
    first = agent.call("add_memory", **sent)
    agent.call("add_memory", text="The roses are white", **GARDEN)

    again = agent.call("add_memory", **sent)

    assert again.data["replayed"]
    assert again.data["event"] == first.data["event"] == "ADD"
    assert Memory.objects.get().content == "The roses are white"


def test_a_key_without_reading_is_told_nothing_else(alice):
    writer = Agent(alice.with_key(scopes=["write"]).secret)
    writer.call("add_memory", text="The roses are red", **GARDEN)

    again = writer.call("add_memory", text="The roses are white", **GARDEN)

    assert again.data.keys() == {"id", "event", "job"}
