"""Wherever an id can stand in a tool's arguments, somebody else's is as an unknown one."""

import json
import uuid

import pytest

from apps_registry.models import App
from memories.models import Memory
from tests.agents.agent import Agent
from tests.authority.operations import filled
from tests.authority.positions import tool_positions
from tests.authority.world import build

pytestmark = [pytest.mark.slow, pytest.mark.attacks]

# A tool, its argument that is an id, and its other arguments. `{id}` is that id; the `{own_…}`
# are the caller's.
POSITIONS = [
    ("add_memory", "supersedes", {"text": "Mine", "supersedes": ["{own_memory_id}", "{id}"]}),
    ("get_memory", "memory_id", {"memory_id": "{id}"}),
    ("fetch", "id", {"id": "{id}"}),
    ("get_related", "memory_id", {"memory_id": "{id}"}),
    ("update_memory", "memory_id", {"memory_id": "{id}", "text": "Mine"}),
    ("delete_memory", "memory_id", {"memory_id": "{id}"}),
    ("pause_memories", "memory_ids", {"memory_ids": ["{own_memory_id}", "{id}"]}),
    ("pause_memories", "memory_ids", {"memory_ids": ["{id}"], "state": "active"}),
    ("get_memories", "cursor", {"cursor": "2099-01-01T00:00:00+00:00|{id}"}),
    ("search_memories", "cursor", {"query": "dog", "cursor": "{id}"}),
    ("get_related", "cursor", {"memory_id": "{own_memory_id}", "cursor": "{id}"}),
    ("list_apps", "cursor", {"cursor": "0{id}"}),
    ("search_memories", "actors", {"query": "dog", "actors": ["{actor}"]}),
    ("recall_context", "actors", {"query": "dog", "actors": ["{actor}"]}),
    ("get_memories", "conversations", {"conversations": ["{conversation}"]}),
]


@pytest.fixture
def world(alice):
    return build(alice, category="animals")


@pytest.fixture
def own(bob):
    App.objects.create(owner=bob.user, name="openmemory")  # that of agents which name none
    return build(bob, category="plants")


@pytest.mark.parametrize(("tool", "argument", "arguments"), POSITIONS, ids=str)
def test_an_id_of_somebody_else_is_answered_as_an_unknown_one(
    tool, argument, arguments, bob, world, own
):
    before = world.owned(), own.owned()

    answers = [
        answer(Agent(bob.secret), tool, arguments, own, ids)
        for ids in (
            {**world.ids, "id": world.ids["memory_id"]},
            dict.fromkeys([*world.ids, "id"], str(uuid.uuid4())),
        )
    ]

    assert answers[0] == answers[1]
    assert not any(mark in str(answers[0]) for mark in world.ids.values())
    # What the caller named of their own is not done by half.
    assert (world.owned(), own.owned()) == before


def answer(agent, tool, arguments, own, ids):
    known = {f"own_{name}": pk for name, pk in own.ids.items()}
    result = agent.call(tool, **filled(arguments, {**known, **ids}))
    return result.is_error, result.text.replace(ids["id"], "<id>"), result.data


def test_every_position_of_an_id_in_the_tools_is_tried(bob):
    """A new argument that holds an id, or a cursor, needs a row in the table above."""
    expected = tool_positions(Agent(bob.secret).ask("tools/list")["tools"])

    assert ("get_memory", "memory_id") in expected
    assert expected - {(tool, argument) for tool, argument, _ in POSITIONS} == set()


def test_the_cursor_of_somebody_else_leads_into_the_callers_own_list(alice, bob, world, own):
    cursor = Agent(alice.secret).call("get_memories", limit=1).data["next_cursor"]

    listed = Agent(bob.secret).call("get_memories", cursor=cursor).data["memories"]

    assert world.ids["memory_id"] in cursor or cursor.partition("|")[2] in pks(alice)
    assert {memory["id"] for memory in listed} <= pks(bob)


def pks(member):
    return {str(pk) for pk in Memory.objects.owned_by(member.user).values_list("pk", flat=True)}


@pytest.mark.parametrize("uri", ["memory://categories/animals", "memory://categories/unknown"])
def test_a_category_of_somebody_else_is_as_empty_as_an_unknown_one(uri, bob, world, own):
    contents = Agent(bob.secret).ask("resources/read", {"uri": uri})["contents"]

    assert [json.loads(each["text"]) for each in contents] == [{"memories": []}]
    listed = Agent(bob.secret).ask("resources/list")["resources"]
    assert [resource["name"] for resource in listed] == ["plants"]


@pytest.mark.parametrize(
    "address",
    [
        "/mcp?user_id={user_id}",
        "/mcp?user_id={user_id}&app=desk",
        "/mcp/desk/http/{user_id}",
        "/mcp/desk/sse/{user_id}/messages?session_id={session_id}",
        "/mcp/messages?session_id={session_id}",
    ],
)
def test_an_address_that_names_somebody_else_is_answered_as_an_unknown_one(
    address, alice, bob, world
):
    before = world.owned()

    answers = []
    for user_id in (alice.user.user_id, str(uuid.uuid4())):
        path = address.format(user_id=user_id, session_id=uuid.uuid4().hex)
        response = Agent(bob.secret, address=path).send("tools/list")
        document = json.loads(response.content.decode().replace(user_id, "<id>"))
        document.pop("request_id", None)
        answers.append((response.status_code, document))

    assert answers[0] == answers[1]
    assert answers[0][0] >= 400
    assert world.owned() == before


@pytest.fixture
def denied(alice, world):
    """A memory that a rule denies to the app `desk`."""
    App.objects.get(pk=world.ids["app_id"]).rules.create(
        memory_id=world.ids["memory_id"], effect="deny"
    )
    return world.ids["memory_id"]


@pytest.fixture
def desk(alice):
    return Agent(alice.with_key(app_name="desk").secret)


@pytest.mark.parametrize(
    ("tool", "argument", "arguments"),
    [row for row in POSITIONS if row[1] in ("memory_id", "memory_ids", "supersedes", "cursor")],
    ids=str,
)
def test_an_id_that_a_rule_denies_is_answered_as_an_unknown_one(
    tool, argument, arguments, alice, desk, world, denied
):
    (allowed,) = pks(alice) - {denied}
    before = world.owned()

    answers = []
    for pk in (denied, str(uuid.uuid4())):
        result = desk.call(tool, **filled(arguments, {"id": pk, "own_memory_id": allowed}))
        answers.append((result.is_error, result.text.replace(pk, "<id>")))

    assert answers[0] == answers[1]
    assert world.owned() == before


def test_what_a_rule_denies_is_in_no_list_and_is_not_deleted_with_the_rest(desk, denied):
    assert denied not in str(desk.call("get_memories").data)
    assert denied not in str(desk.call("search_memories", query="dog afraid of thunder").data)
    read = desk.ask("resources/read", {"uri": "memory://categories/animals"})
    assert denied not in str(read)
    assert "Minka" in str(read)

    assert desk.call("delete_all_memories", confirm=True).data == {"deleted": 1}
    assert Memory.objects.get(pk=denied).state == "active"
