"""The table of docs/authority.md, called over the Model Context Protocol."""

import json
import re
from urllib.parse import urlencode

import pytest

from tests.agents.agent import Agent
from tests.authority import table
from tests.authority.operations import filled
from tests.authority.test_table import undone
from tests.authority.world import ADDRESSES, build, callers

pytestmark = pytest.mark.slow

TABLE = table.read()

# Each tool, what it is called with, and the operation of the API that it may do as much as.
TOOLS = {
    "add_memory": ({"text": "We go to the sea in June", "infer": False}, "POST /memories"),
    "search_memories": ({"query": "What scares the dog?"}, "POST /memories/search"),
    "recall_context": ({"query": "What scares the dog?"}, "POST /memories/context"),
    "get_memories": ({}, "GET /memories"),
    "get_memory": ({"memory_id": "{memory_id}"}, "GET /memories/{memory_id}"),
    "get_related": ({"memory_id": "{memory_id}"}, "GET /memories/{memory_id}/related"),
    "list_apps": ({}, "GET /apps"),
    "update_memory": (
        {"memory_id": "{memory_id}", "text": "Rex is brave"},
        "PUT /memories/{memory_id}",
    ),
    "pause_memories": ({"memory_ids": ["{memory_id}"]}, "POST /memories/actions/pause"),
    "delete_memory": ({"memory_id": "{memory_id}"}, "DELETE /memories/{memory_id}"),
}

_CODE = re.compile(r"\((\w+)\)$")


@pytest.mark.parametrize("tool", TOOLS)
def test_a_tool_may_do_what_the_api_may_and_nothing_else(tool, alice, bob, olga):
    arguments, operation = TOOLS[tool]
    world = build(alice)
    asking = callers(alice, bob, olga)

    found = {who: outcome(tool, arguments, world, caller) for who, caller in asking.items()}

    assert found == {who: as_told(cell) for who, cell in TABLE[operation].items()}


def test_everybody_forgets_only_their_own(alice, bob, olga):
    world = build(alice)
    asking = callers(alice, bob, olga)
    arguments = {"confirm": True}

    found = {
        who: outcome("delete_all_memories", arguments, world, caller)
        for who, caller in asking.items()
    }

    # As what changes a list, where nothing of others is named.
    expected = {who: as_told(cell) for who, cell in TABLE["POST /memories"].items()}
    assert found == expected


def outcome(tool, arguments, world, caller):
    """What becomes of a call, in the words of the table; it is undone afterwards."""
    query = urlencode({"user_id": caller.names}) if caller.names else ""
    agent = Agent(caller.secret, f"/mcp?{query}", remote=str(next(ADDRESSES)))
    call = {"name": tool, "arguments": filled(arguments, world.ids)}
    with undone():
        before = world.owned()
        answer = agent.send("tools/call", call)
        changed = world.owned() != before
    if answer.status_code != 200:
        return f"refused {answer.json()['code']}{' and changed' if changed else ''}"
    result = answer.json()["result"]
    if result["isError"]:
        (code,) = _CODE.findall(result["content"][0]["text"])
        return f"refused {code}{' and changed' if changed else ''}"
    shown = any(mark in json.dumps(result) for mark in (*world.ids.values(), "Rex", "Minka"))
    return "done" if changed or shown else "done own"


def as_told(cell):
    """A cell of the table without the status, which a tool has none of."""
    status, _, rest = cell.partition(" ")
    return f"refused {rest}" if int(status) >= 400 else f"done {rest}".strip()
