import pytest
from django.db import connection

from apps_registry.models import App
from memories.models import Memory, Revision, State, StateChange


def test_what_is_added_can_be_found_at_once(agent_of_any_version):
    agent = agent_of_any_version

    added = agent.call("add_memory", text="Our dog Rex is afraid of thunder", metadata={"a": 1})

    assert not added.is_error
    assert added.data["event"] == "ADD"
    assert added.data["app"] == "desk"
    assert added.data["metadata"] == {"a": 1}
    found = agent.call("search_memories", query="What scares the dog?")
    assert [memory["id"] for memory in found.data["memories"]] == [added.data["id"]]


def test_adding_the_same_again_does_no_harm(agent):
    agent.call("add_memory", text="Our dog Rex is afraid of thunder")

    again = agent.call("add_memory", text="our dog rex is afraid of thunder")

    assert again.data["event"] == "DUPLICATE"
    assert Memory.objects.count() == 1


def test_a_language_model_goes_on_with_a_text_after_the_answer(agent, alice, olga):
    model = {
        "provider": "vllm",
        "config": {"model": "none", "openai_base_url": "http://127.0.0.1:9/v1"},
    }
    assert olga.put("/config/mem0/llm", model).status_code == 200

    added = agent.call("add_memory", text="Our dog Rex is afraid of thunder")

    job = alice.get(added.data["job"].removeprefix("/api/v1")).json()
    assert job["state"] == "queued"


def test_a_text_is_kept_as_it_is_when_nothing_shall_be_inferred(agent):
    agent.call("add_memory", text="  Rex\n", infer=False)

    assert Memory.objects.get().content == "  Rex\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("a\0b", "NUL or unpaired"),
        ("a\ud800b", "surrogate"),
        ("ä" * 20_000, "32768 bytes"),
    ],
)
def test_a_text_is_refused_by_the_rules_of_the_api(agent, text, why):
    for tool, argument in (("add_memory", "text"), ("search_memories", "query")):
        result = agent.call(tool, **{argument: text})

        assert result.is_error
        assert why in result.text

    assert not Memory.objects.exists()


def test_metadata_is_refused_by_the_rules_of_the_api(agent):
    result = agent.call("add_memory", text="Rex", metadata={"a": "b" * 20_000})

    assert result.is_error
    assert "`metadata`: Send an object of at most 16384 bytes." in result.text


DEEP: list = []
for _ in range(40):
    DEEP = [DEEP]


@pytest.mark.parametrize("value", ["a\0", "\ud800", float("inf"), 10**320, DEEP])
def test_metadata_that_cannot_be_kept_is_refused(agent, value):
    result = agent.call("add_memory", text="Rex", metadata={"a": value})

    assert result.is_error
    assert not Memory.objects.exists()


def test_a_memory_is_corrected_and_keeps_what_it_said(agent):
    memory_id = agent.call("add_memory", text="Rex is afraid of thunder").data["id"]

    changed = agent.call("update_memory", memory_id=memory_id, text="Rex is brave")

    assert changed.data["text"] == "Rex is brave"
    assert Revision.objects.get().content == "Rex is afraid of thunder"


def test_a_memory_is_forgotten_once(agent, alice):
    memory_id = agent.call("add_memory", text="Rex is afraid of thunder").data["id"]

    assert agent.call("delete_memory", memory_id=memory_id).data == {"deleted": 1}
    assert agent.call("delete_memory", memory_id=memory_id).data == {"deleted": 0}

    assert agent.call("get_memories").data["memories"] == []
    change = StateChange.objects.get(new_state=State.DELETED)
    assert change.changed_by == alice.user


def test_memories_are_set_aside_and_brought_back_all_or_none(agent):
    ids = [agent.call("add_memory", text=text).data["id"] for text in ("Rex", "Bello")]
    unknown = "00000000-0000-4000-8000-000000000000"

    refused = agent.call("pause_memories", memory_ids=[*ids, unknown])
    paused = agent.call("pause_memories", memory_ids=ids)
    listed = agent.call("get_memories").data["memories"]
    resumed = agent.call("pause_memories", memory_ids=ids, state="active")

    assert refused.is_error
    assert unknown in refused.text
    assert paused.data == {"changed": 2, "state": "paused"}
    assert listed == []
    assert resumed.data == {"changed": 2, "state": "active"}


def test_everything_is_forgotten_only_when_that_is_confirmed(agent, bob):
    for text in ("Rex", "Bello"):
        agent.call("add_memory", text=text)
    bob.remember("Mine")

    refused = agent.call("delete_all_memories")
    kept = Memory.objects.exclude(state=State.DELETED).count()
    done = agent.call("delete_all_memories", confirm=True)

    assert refused.is_error
    assert "would delete 2 memories" in refused.text
    assert "confirm: true" in refused.text
    assert kept == 3
    assert done.data == {"deleted": 2}
    assert Memory.objects.exclude(state=State.DELETED).get().content == "Mine"


def test_a_paused_app_reads_and_writes_nothing(agent, alice):
    memory_id = agent.call("add_memory", text="Rex is afraid of thunder").data["id"]
    App.objects.get(owner=alice.user, name="desk").set_active(False)
    calls = [
        ("add_memory", {"text": "Bello is brave"}),
        ("search_memories", {"query": "dog"}),
        ("get_memories", {}),
        ("get_memory", {"memory_id": memory_id}),
        ("get_related", {"memory_id": memory_id}),
        ("list_apps", {}),
        ("update_memory", {"memory_id": memory_id, "text": "Rex is brave"}),
        ("pause_memories", {"memory_ids": [memory_id]}),
        ("delete_memory", {"memory_id": memory_id}),
        ("delete_all_memories", {"confirm": True}),
    ]

    results = [agent.call(tool, **arguments) for tool, arguments in calls]

    assert all(result.is_error and "(app_paused)" in result.text for result in results)
    assert "Rex" not in "".join(result.text for result in results)
    assert list(Memory.objects.values_list("content", "state")) == [
        ("Rex is afraid of thunder", "active")
    ]


def test_what_is_wrong_with_an_argument_is_said_to_the_model(agent):
    result = agent.call("search_memories", query="dog", limit=1000)

    assert result.is_error
    assert result.text == "`limit`: Input should be less than or equal to 50. (validation_failed)"


def test_no_more_is_said_of_what_is_wrong_than_a_model_can_take_in(agent):
    result = agent.call("pause_memories", memory_ids=["nothing"] * 100)

    assert result.is_error
    assert "`memory_ids.0`: Input should be a valid UUID" in result.text
    assert result.text.endswith("(validation_failed)")
    assert "memory_ids.10" not in result.text


def test_a_mistake_of_ours_is_not_told(agent, alice):
    alice.remember("Our dog Rex is afraid of thunder", app="desk")
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE memories_memory RENAME COLUMN content TO missing")

    result = agent.call("get_memories")

    assert result.is_error
    assert result.text == "Error executing tool get_memories"


def test_what_was_said_is_added_with_who_said_it_and_in_which_conversation(agent):
    added = agent.call("add_memory", text="I like tea.", actor="Ana", conversation="chat")

    assert (added.data["actor"], added.data["conversation"]) == ("Ana", "chat")
    shown = agent.call("get_memory", memory_id=added.data["id"])
    assert (shown.data["actor"], shown.data["conversation"]) == ("Ana", "chat")


def test_a_conversation_is_added_as_it_was_held(agent):
    said = [
        {"role": "user", "name": "Ana", "content": "I like tea."},
        {"role": "tool", "content": "{}"},
    ]

    added = agent.call("add_memory", messages=said)

    assert added.data["text"] == "Ana: I like tea."
    assert added.data["actor"] == "Ana"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({}, "Send `text` or `messages`."),
        ({"text": "a", "messages": [{"role": "user", "content": "b"}]}, "not both"),
        (
            {"messages": [{"role": "tool", "content": "b"}]},
            "Send at least one message of a user or an assistant",
        ),
        ({"messages": [{"role": "king", "content": "b"}]}, "role"),
        ({"text": ""}, "Send `text` or `messages`."),
        ({"text": "a", "conversation": "x" * 256}, "255"),
    ],
)
def test_what_cannot_be_added_is_said(agent, given, why):
    result = agent.call("add_memory", **given)

    assert result.is_error
    assert why in result.text
    assert not Memory.objects.exists()


def test_an_update_changes_what_it_names(agent, alice):
    added = agent.call("add_memory", text="Rex is afraid", metadata={"a": 1, "b": 2}, actor="Ana")

    updated = agent.call(
        "update_memory",
        memory_id=added.data["id"],
        metadata={"a": None, "c": {"d": 3}},
        categories="dogs",
        timestamp="2024-01-31T10:30:00Z",
        text="",
        actor=None,
    )

    assert not updated.is_error
    assert updated.data["event"] == "UPDATE"
    assert updated.data["text"] == "Rex is afraid"
    assert updated.data["metadata"] == {"b": 2, "c": {"d": 3}}
    assert updated.data["categories"] == ["dogs"]
    assert updated.data["actor"] == "Ana"
    assert updated.data["created_at"] == "2024-01-31T10:30:00Z"
    revision = Revision.objects.get()
    assert (revision.edits_text, revision.metadata) == (False, {"a": 1, "b": 2})
    assert (revision.app.name, revision.key) == ("desk", agent_key(alice))


def agent_key(alice):
    return alice.user.api_keys.exclude(pk=alice.key.pk).first() or alice.key


def test_an_update_is_refused_by_the_rules_of_the_api(agent):
    added = agent.call("add_memory", text="Rex is afraid")

    result = agent.call("update_memory", memory_id=added.data["id"], categories=["a,b"])

    assert result.is_error
    assert "without commas" in result.text
