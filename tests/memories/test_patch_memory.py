"""Change some fields of a memory."""

import pytest

from configuration.providers import local
from memories.limits import MAX_CATEGORIES
from memories.models import Categorization, Embedding, Memory, Revision, State, UserCategory
from tests.cast import errors_of


def receipt_free(memory):
    return {name: value for name, value in memory.items() if name not in ("event", "job")}


def revision_of(memory):
    return Revision.objects.get(memory=memory["id"])


def test_all_fields_change_at_once_with_one_revision(alice):
    memory = alice.remember("The dog is called Rex.", metadata={"a": 1}, actor="Ana")
    patch = {
        "text": "The cat is called Tom.",
        "metadata": {"b": 2},
        "categories": ["Felines", "pets"],
        "actor": "Bo",
        "conversation": "c-1",
        "timestamp": 1_700_000_000,
    }

    answer = alice.patch(f"/memories/{memory['id']}", patch)

    assert answer.status_code == 200
    assert answer.json() == {
        **receipt_free(memory),
        "text": "The cat is called Tom.",
        "metadata_": {"a": 1, "b": 2},
        "categories": ["felines", "pets"],
        "actor": "Bo",
        "conversation": "c-1",
        "created_at": 1_700_000_000,
    }
    assert alice.get(f"/memories/{memory['id']}").json() == answer.json()
    revision = revision_of(memory)
    assert revision.content == "The dog is called Rex."
    assert revision.edits_text
    assert revision.metadata == {"a": 1}
    assert revision.categories == memory["categories"]
    assert (revision.actor, revision.conversation) == ("Ana", "")
    assert int(revision.said_at.timestamp()) == memory["created_at"]
    assert (revision.edited_by, revision.key, revision.app) == (alice.user, alice.key, None)


@pytest.mark.parametrize(
    ("before", "patch", "after"),
    [
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({"a": 1}, {"b": 2}, {"a": 1, "b": 2}),
        ({"a": 1, "b": 2}, {"a": None}, {"b": 2}),
        ({"a": 1}, {"x": None}, {"a": 1}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": "x"}, {"a": ["x"]}, {"a": ["x"]}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": None, "d": 3}}, {"a": {"c": 2, "d": 3}}),
        ({"a": [1]}, {"a": {"b": 1, "c": None}}, {"a": {"b": 1}}),
        ({}, {"a": {"b": {"c": None}}}, {"a": {"b": {}}}),
        ({"a": None}, {"b": 1}, {"a": None, "b": 1}),
        ({"a": 1}, {"a": True}, {"a": True}),
        ({"a": 1, "b": 2}, None, {}),
        ({"a": 1}, {"a": [None]}, {"a": [None]}),
    ],
)
def test_metadata_is_merged_after_rfc_7396(alice, before, patch, after):
    memory = alice.remember("One.", metadata=before)

    answer = alice.patch(f"/memories/{memory['id']}", {"metadata": patch})

    assert answer.json()["metadata_"] == after
    stored = Memory.objects.get().metadata
    assert [stored, *map(type, stored.values())] == [after, *map(type, after.values())]


@pytest.mark.parametrize(
    "patch",
    [
        {},
        {"user_id": "alice"},
        {"text": "One."},
        {"metadata": {}},
        {"metadata": {"a": 1, "x": None}},
        {"actor": None, "conversation": None},
        {"timestamp": 1_700_000_000},
        {"categories": []},
    ],
)
def test_a_patch_that_changes_nothing_writes_nothing(alice, patch):
    fields = {"metadata": {"a": 1}, "timestamp": 1_700_000_000, "infer": False}
    memory = alice.remember("One.", **fields)
    before = Memory.objects.values().get()

    answer = alice.patch(f"/memories/{memory['id']}", patch)

    assert answer.status_code == 200
    assert answer.json() == receipt_free(memory)
    assert not Revision.objects.exists()
    after = Memory.objects.values().get()
    assert {**after, "categories_given": False} == before


def test_only_a_new_text_is_embedded_and_once(alice, monkeypatch):
    memory = alice.remember("One.")
    vector = Embedding.objects.get().vector
    calls = []
    embed = local.LocalEmbedder.embed_documents_with_tokens
    monkeypatch.setattr(
        local.LocalEmbedder,
        "embed_documents_with_tokens",
        lambda self, texts: calls.append(list(texts)) or embed(self, texts),
    )

    alice.patch(f"/memories/{memory['id']}", {"metadata": {"a": 1}, "categories": ["x"]})
    assert calls == []
    assert Embedding.objects.get().vector == vector

    alice.patch(f"/memories/{memory['id']}", {"text": "We fly to Japan.", "metadata": {"a": 2}})
    assert calls == [["We fly to Japan."]]
    assert Embedding.objects.get().vector != vector


def test_a_new_text_is_categorized_unless_categories_are_given(alice):
    memory = alice.remember("The dog is called Rex.")
    trip = "We fly to Japan in October and stay in a hotel."

    given = alice.patch(f"/memories/{memory['id']}", {"text": trip, "categories": ["mine"]})
    assert given.json()["categories"] == ["mine"]

    kept = alice.patch(f"/memories/{memory['id']}", {"metadata": {"a": 1}, "text": trip})
    assert kept.json()["categories"] == ["mine"]

    again = alice.patch(f"/memories/{memory['id']}", {"text": f"{trip} Again."})
    assert again.json()["categories"] == ["travel"]


def test_an_actor_that_is_named_wins_over_the_one_that_the_text_begins_with(alice):
    alice.remember("Hello.", actor="Ana")
    memory = alice.remember("I went there.")

    found = alice.patch(f"/memories/{memory['id']}", {"text": "Ana: I went there."})
    assert found.json()["actor"] == "Ana"

    named = alice.patch(f"/memories/{memory['id']}", {"text": "Ana: I go.", "actor": "Bo"})
    assert named.json()["actor"] == "Bo"

    cleared = alice.patch(f"/memories/{memory['id']}", {"actor": None})
    assert cleared.json()["actor"] is None


def test_a_new_time_moves_it_in_the_list_and_in_the_search_for_a_time(alice):
    old = alice.remember("One.", timestamp=1_600_000_000)
    alice.remember("Two.", timestamp=1_650_000_000)

    alice.patch(f"/memories/{old['id']}", {"timestamp": "2023-11-14T22:13:20Z"})

    listed = alice.get("/memories").json()["items"]
    assert [memory["content"] for memory in listed] == ["One.", "Two."]
    assert listed[0]["created_at"] == 1_700_000_000


@pytest.mark.parametrize(
    ("patch", "place"),
    [
        ({"text": None}, ("body", "text")),
        ({"text": ""}, ("body", "text")),
        ({"text": "\u200b"}, ("body", "text")),
        ({"text": "x" * (32 * 1024 + 1)}, ("body", "text")),
        ({"metadata": []}, ("body", "metadata")),
        ({"metadata": "x"}, ("body", "metadata")),
        ({"metadata": {"a": "x" * 16_384}}, ("body", "metadata")),
        ({"metadata": {"b": "x" * 9_000}}, ("body", "metadata")),  # with what is there
        ({"categories": ["a,b"]}, ("body", "categories", "0")),
        ({"categories": ["ok", ""]}, ("body", "categories", "1")),
        ({"categories": ["x" * 101]}, ("body", "categories", "0")),
        ({"categories": [5]}, ("body", "categories", "0")),
        ({"categories": ["\u202ex"]}, ("body", "categories", "0")),
        ({"categories": [str(n) for n in range(101)]}, ("body", "categories")),
        ({"actor": ""}, ("body", "actor")),
        ({"actor": "x" * 256}, ("body", "actor")),
        ({"conversation": 5}, ("body", "conversation")),
        ({"timestamp": None}, ("body", "timestamp")),
        ({"timestamp": 99_999_999_999}, ("body", "timestamp")),
        ({"memory_content": "x"}, ("body", "memory_content")),
        ({"superseded_by": None}, ("body", "superseded_by")),
        ({"metadata_": {}}, ("body", "metadata_")),
    ],
)
def test_what_is_not_right_is_refused_and_changes_nothing(alice, patch, place):
    memory = alice.remember("One.", metadata={"a": "y" * 9_000})
    before = Memory.objects.values().get()

    answer = alice.patch(f"/memories/{memory['id']}", {"actor": "Ana", **patch})

    assert answer.status_code == 400
    assert place in errors_of(answer)
    assert Memory.objects.values().get() == before
    assert not Revision.objects.exists()


def test_a_user_has_a_limited_number_of_categories(alice):
    memories = [alice.remember(f"Number {n}.", infer=False) for n in range(6)]
    for start, memory in zip(range(0, MAX_CATEGORIES, 100), memories, strict=False):
        names = [f"c{n}" for n in range(start, start + 100)]
        answer = alice.patch(f"/memories/{memory['id']}", {"categories": names})
        assert answer.status_code == 200

    answer = alice.patch(f"/memories/{memories[5]['id']}", {"categories": ["one more"]})

    assert answer.status_code == 400
    assert answer.json()["code"] == "too_many_categories"
    assert errors_of(answer) == {("body", "categories")}
    assert UserCategory.objects.filter(user=alice.user).count() == MAX_CATEGORIES
    assert not Categorization.objects.filter(memory=memories[5]["id"]).exists()
    known = alice.patch(f"/memories/{memories[5]['id']}", {"categories": ["c1"]})
    assert known.json()["categories"] == ["c1"]


def test_categories_of_another_form_of_the_same_name_are_one(alice):
    memory = alice.remember("One.", infer=False)

    answer = alice.patch(
        f"/memories/{memory['id']}", {"categories": ["Café  Bar", "cafe\u0301 bar", "CAFÉ BAR"]}
    )

    assert answer.json()["categories"] == ["café bar"]


def test_another_users_memory_does_not_exist(alice, bob):
    memory = alice.remember("One.")

    answer = bob.patch(f"/memories/{memory['id']}", {"text": "Two."})
    unknown = bob.patch("/memories/none", {"text": "Two."})

    assert answer.status_code == unknown.status_code == 404
    assert answer.json()["detail"] == unknown.json()["detail"]
    assert Memory.objects.get().content == "One."


def test_a_deleted_memory_cannot_be_patched(alice):
    memory = alice.remember("One.")
    alice.delete(f"/memories/{memory['id']}")

    answer = alice.patch(f"/memories/{memory['id']}", {"metadata": {"a": 1}})

    assert answer.status_code == 409
    assert answer.json()["code"] == "memory_deleted"


@pytest.mark.parametrize("state", [State.PAUSED, State.ARCHIVED])
def test_what_is_put_aside_can_be_patched_and_stays_there(alice, state):
    memory = alice.remember("One.")
    Memory.objects.all().change_state(state, by=alice.user)

    answer = alice.patch(f"/memories/{memory['id']}", {"metadata": {"a": 1}})

    assert (answer.status_code, answer.json()["state"]) == (200, state)


def test_a_key_that_may_not_read_is_answered_nothing_of_it(alice):
    memory = alice.remember("One.", metadata={"secret": 1})
    writer = alice.with_key(scopes=["write"])

    answer = writer.patch(f"/memories/{memory['id']}", {"metadata": {"a": 1}})

    assert answer.json() == {"id": memory["id"], "event": "UPDATE", "job": None}
    assert Memory.objects.get().metadata == {"secret": 1, "a": 1}


def test_what_an_app_may_not_read_it_cannot_patch(alice):
    memory = alice.remember("One.", app="desk")
    bound = alice.with_key(app_name="desk")
    assert bound.patch(f"/memories/{memory['id']}", {"actor": "Ana"}).status_code == 200
    assert Revision.objects.get().app.name == "desk"
    app = alice.get("/apps").json()["apps"][0]["id"]
    alice.post(f"/apps/{app}/rules", {"memory_id": memory["id"], "effect": "deny"})

    answer = bound.patch(f"/memories/{memory['id']}", {"text": "Two."})

    assert answer.status_code == 404
    assert Memory.objects.get().content == "One."


def test_put_replaces_the_metadata_if_it_has_any(alice):
    memory = alice.remember("One.", metadata={"a": 1})
    path = f"/memories/{memory['id']}"

    kept = alice.put(path, {"memory_content": "Two."})
    replaced = alice.put(path, {"memory_content": "Two.", "metadata": {"b": 2}})
    emptied = alice.put(path, {"memory_content": "Two.", "metadata": None})

    found = [answer.json()["metadata_"] for answer in (kept, replaced, emptied)]
    assert found == [{"a": 1}, {"b": 2}, {}]
    kinds = [(it.edits_text, it.metadata) for it in Revision.objects.all()]
    assert kinds == [(True, None), (False, {"a": 1}), (False, {"b": 2})]
