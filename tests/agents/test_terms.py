"""Expiry, validity and immutability in the tools of agents."""

import pytest

from memories.models import Memory
from tests.agents.agent import Agent

FUTURE, FUTURE_SHOWN = 4_000_000_000, "2096-10-02T07:06:40Z"
TERMS = ("expires_at", "valid_from", "valid_until", "immutable")


def test_a_memory_is_stored_and_found_with_its_terms(agent, alice):
    old = alice.remember("Ada lives in Porto", app="desk")

    added = agent.call(
        "add_memory",
        text="Ada lives in Rome",
        expires_at=FUTURE,
        valid_from="2024-01-31T10:30:00+02:00",
        valid_until=FUTURE_SHOWN,
        supersedes=[old["id"]],
        immutable=True,
    )

    assert not added.is_error, added.text
    shown = [FUTURE_SHOWN, "2024-01-31T08:30:00Z", FUTURE_SHOWN, True]
    assert [added.data[name] for name in TERMS] == shown
    [hit] = agent.call("search_memories", query="Where does Ada live?").data["memories"]
    assert [hit[name] for name in (*TERMS, "valid")] == [*shown, True]
    assert agent.call("get_memory", memory_id=old["id"]).data["state"] == "archived"


def test_a_search_asks_about_a_time(agent):
    agent.call("add_memory", text="Ada lives in Rome", valid_from="2024-01-31T10:30:00Z")

    [hit] = agent.call("search_memories", query="Ada", at="2023-01-01T00:00:00Z").data["memories"]

    assert hit["valid"] is False


@pytest.mark.parametrize("tool", ["add_memory", "update_memory"])
def test_a_time_needs_a_zone(agent, alice, tool):
    memory = alice.remember("Ada lives in Rome", app="desk")
    target = {"text": "x"} if tool == "add_memory" else {"memory_id": memory["id"]}

    result = agent.call(tool, expires_at="2024-01-31T10:30:00", **target)

    assert result.is_error
    assert "needs an offset" in result.text


def test_terms_are_changed_and_removed(agent, alice):
    memory = alice.remember("Ada lives in Rome", app="desk", valid_from=5, expires_at=FUTURE)

    updated = agent.call(
        "update_memory", memory_id=memory["id"], expires_at="none", valid_until=FUTURE
    )

    assert not updated.is_error, updated.text
    assert [updated.data[name] for name in TERMS] == [
        None,
        "1970-01-01T00:00:05Z",
        FUTURE_SHOWN,
        False,
    ]


def test_null_leaves_a_time_as_it_is(agent, alice):
    memory = alice.remember("Ada lives in Rome", app="desk", expires_at=FUTURE)

    updated = agent.call("update_memory", memory_id=memory["id"], expires_at=None, text="Ada!")

    assert updated.data["expires_at"] == FUTURE_SHOWN


@pytest.mark.parametrize("bound", [True, False])
def test_no_tool_shows_what_has_expired(alice, bound):
    key = alice.with_key(app_name="desk" if bound else "")
    agent = Agent(key.secret)
    alice.remember("Rex is afraid of thunder", app="desk")
    gone = alice.remember("Rex bites in thunder", app="desk", expires_at=5)["id"]
    kept = Memory.objects.get(expires_at=None)

    found = agent.call("search_memories", query="thunder").data["memories"]
    listed = agent.call("get_memories").data["memories"]
    related = agent.call("get_related", memory_id=str(kept.pk)).data["memories"]
    by_id = [
        agent.call("get_memory", memory_id=gone),
        agent.call("get_related", memory_id=gone),
        agent.call("update_memory", memory_id=gone, expires_at="none"),
        agent.call("delete_memory", memory_id=gone),
        agent.call("pause_memories", memory_ids=[gone]),
    ]

    assert [memory["id"] for memory in found] == [str(kept.pk)]
    assert [memory["id"] for memory in listed] == [str(kept.pk)]
    assert related == []
    assert all("memory_not_found" in result.text for result in by_id)
    apps = agent.call("list_apps").data["apps"]
    assert [app["memories"] for app in apps if app["name"] == "desk"] == [1]


def test_an_agent_does_not_unlock_what_is_immutable(agent, alice):
    memory = alice.remember("Ada lives in Rome", app="desk", immutable=True)

    edited = agent.call("update_memory", memory_id=memory["id"], text="Ada lives in Oslo")
    unlocked = agent.call("update_memory", memory_id=memory["id"], immutable=False)

    assert "memory_immutable" in edited.text
    assert "only_user_unlocks" in unlocked.text
    assert Memory.objects.get().content == "Ada lives in Rome"
