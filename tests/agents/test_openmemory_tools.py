"""What clients of the original server are answered, at its address."""

import json

import pytest

from apps_registry.models import App
from memories.models import Access, Memory, State
from tests.agents.agent import BEFORE, TODAY, Agent

SHOWN = {"id", "memory", "hash", "metadata", "created_at", "updated_at"}


@pytest.fixture(params=[TODAY, BEFORE])
def cursor(request, alice):
    return Agent(alice.secret, "/mcp/cursor/http/alice", request.param)


def test_a_memory_is_added_by_the_client_that_the_address_names(cursor):
    result = cursor.call("add_memories", text="Our dog Rex is afraid of thunder")

    memory = Memory.objects.get()
    assert json.loads(result.text) == {
        "results": [
            {"id": str(memory.pk), "memory": "Our dog Rex is afraid of thunder", "event": "ADD"}
        ]
    }
    assert memory.app.name == "cursor"
    assert result.data == {"result": result.text}


def test_what_is_known_already_is_no_event(cursor):
    cursor.call("add_memories", text="Our dog Rex is afraid of thunder")

    again = cursor.call("add_memories", text="Our dog Rex is afraid of thunder")

    assert [each["event"] for each in json.loads(again.text)["results"]] == ["NONE"]


def test_a_search_answers_in_the_shape_of_the_original(cursor, alice):
    memory_id = alice.remember("Our dog Rex is afraid of thunder")["id"]

    result = cursor.call("search_memory", query="What scares the dog?")

    (found,) = json.loads(result.text)["results"]
    assert set(found) == SHOWN | {"score"}
    assert found["id"] == memory_id
    assert found["memory"] == "Our dog Rex is afraid of thunder"
    assert Access.objects.get(app__name="cursor").access_type == "search"


def test_a_list_answers_in_the_shape_of_the_original(cursor, alice):
    for number in range(2):
        alice.remember(f"Fact {number}", infer=False, timestamp=1000 + number)

    listed = json.loads(cursor.call("list_memories").text)

    assert [each["memory"] for each in listed] == ["Fact 1", "Fact 0"]
    assert all(set(each) == SHOWN | {"user_id"} for each in listed)


def test_named_memories_are_forgotten_and_others_left(cursor, alice, bob):
    mine, kept = (alice.remember(text)["id"] for text in ("Rex", "Bello"))
    theirs = bob.remember("Hasso")["id"]

    done = cursor.call("delete_memories", memory_ids=[mine, theirs])
    refused = cursor.call("delete_memories", memory_ids=[theirs])

    assert done.text == "Successfully deleted 1 memories"
    assert refused.is_error
    undeleted = Memory.objects.exclude(state=State.DELETED).values_list("pk", flat=True)
    assert {str(pk) for pk in undeleted} == {kept, theirs}


def test_everything_is_forgotten_without_a_word_more(cursor, alice, bob):
    alice.remember("Rex")
    bob.remember("Hasso")

    result = cursor.call("delete_all_memories")

    assert result.text.startswith("Successfully deleted all memories")
    assert Memory.objects.exclude(state=State.DELETED).get().content == "Hasso"


def test_a_client_whose_app_is_paused_reads_and_writes_nothing(cursor, alice):
    memory_id = alice.remember("Our dog Rex is afraid of thunder", app="cursor")["id"]
    App.objects.get(name="cursor").set_active(False)
    calls = [
        ("add_memories", {"text": "Bello"}),
        ("search_memory", {"query": "dog"}),
        ("list_memories", {}),
        ("delete_memories", {"memory_ids": [memory_id]}),
        ("delete_all_memories", {}),
    ]

    results = [cursor.call(tool, **arguments) for tool, arguments in calls]

    assert all(result.is_error and "(app_paused)" in result.text for result in results)
    assert Memory.objects.get().state == State.ACTIVE
