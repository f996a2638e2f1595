"""The tools of ChatGPT's connectors, and which tools a key is offered."""

from __future__ import annotations

import json
import uuid

import pytest

from memories.models import Access
from tests.agents.agent import Agent

TEXT = (
    "Our dog Rex is afraid of thunder, and of the vacuum cleaner, and of nobody else in the world"
)


def test_search_finds_what_fetch_returns(agent, alice):
    memory = alice.remember(TEXT, infer=False)

    found = agent.call("search", query="dog").data["results"]
    fetched = agent.call("fetch", id=found[0]["id"]).data

    assert found == [
        {
            "id": memory["id"],
            "title": f"{TEXT[:79].rstrip()}…",
            "url": f"http://127.0.0.1:8000/memories/{memory['id']}",
        }
    ]
    assert {**fetched, "metadata": None} == {**found[0], "text": TEXT, "metadata": None}
    assert fetched["metadata"]["app"] == "openmemory"
    assert all(isinstance(value, str) for value in fetched["metadata"].values())


def test_their_results_are_json_in_a_text(agent, alice):
    alice.remember(TEXT, infer=False)

    result = agent.call("search", query="dog")

    assert json.loads(result.text) == result.data


def test_what_they_show_is_logged(agent, alice):
    alice.remember(TEXT, infer=False)
    found = agent.call("search", query="dog").data["results"]
    agent.call("fetch", id=found[0]["id"])

    assert Access.objects.count() == 2


def test_what_is_not_there_is_not_fetched(agent, bob):
    theirs = bob.remember("Bob's secret", infer=False)["id"]

    for each in (str(uuid.uuid4()), theirs):
        result = agent.call("fetch", id=each)
        assert result.is_error
        assert "memory_not_found" in result.text
    assert agent.call("fetch", id="not an id").is_error
    assert agent.call("search", query="").is_error


@pytest.mark.parametrize(
    ("scopes", "offered", "withheld"),
    [
        (["read"], {"search", "fetch", "search_memories", "get_memories"}, {"add_memory"}),
        (["write"], {"add_memory", "delete_all_memories"}, {"search", "get_memory"}),
        (["read", "write"], {"search", "add_memory"}, set()),
    ],
)
def test_a_key_is_offered_what_it_may_call(scopes, offered, withheld, alice):
    for version in ("2026-07-28", "2025-11-25"):
        agent = Agent(alice.with_key(scopes=scopes).secret, version=version)
        names = {tool["name"] for tool in agent.ask("tools/list")["tools"]}
        assert offered <= names
        assert not withheld & names


def test_what_is_withheld_is_also_refused(alice):
    agent = Agent(alice.with_key(scopes=["read"]).secret)

    assert "key_scope" in agent.call("add_memory", text="Tea").text


def test_the_originals_tools_are_listed_by_scope_too(alice):
    agent = Agent(alice.with_key(scopes=["read"]).secret, "/mcp/cursor/http/alice")

    names = {tool["name"] for tool in agent.ask("tools/list")["tools"]}

    assert names == {"search_memory", "list_memories"}
