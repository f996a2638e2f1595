import time
import uuid

import pytest
from django.db import connection
from django.utils import timezone

from apps_registry.models import App
from memories.models import Access, Embedding, Memory, StateChange
from memories.vectors.embed import embed_texts
from tests.cast import errors_of


def test_a_memory_is_stored_as_it_was_sent(alice):
    before = int(time.time())

    answer = alice.post(
        "/memories",
        {
            "user_id": "alice",
            "text": "  I like tea.\n",
            "metadata": {"a": [1, None]},
            "app": "chat",
        },
    )

    assert answer.status_code == 200
    shown = answer.json()
    memory = Memory.objects.get()
    assert before <= shown.pop("created_at") <= time.time()
    assert shown == {
        "id": str(memory.pk),
        "text": "  I like tea.\n",
        "state": "active",
        "app_id": str(memory.app_id),
        "app_name": "chat",
        "categories": sorted(category.name for category in memory.categories.all()),
        "metadata_": {"a": [1, None]},
        "superseded_by": None,
        "supersedes": [],
        "actor": None,
        "conversation": None,
        "expires_at": None,
        "valid_from": None,
        "valid_until": None,
        "immutable": False,
        "namespace": None,
        "key": None,
        "event": "ADD",
        "job": None,
    }
    assert memory.user == alice.user
    assert memory.content == "  I like tea.\n"
    assert memory.metadata == {"a": [1, None]}


def test_its_history_begins_and_its_vector_is_there(alice):
    alice.remember("I like tea.")

    change = StateChange.objects.get()
    assert (change.old_state, change.new_state) == ("", "active")
    assert change.changed_by == alice.user
    embedding = Embedding.objects.select_related("space").get()
    assert embedding.user == alice.user
    assert len(embedding.vector) == embedding.space.dimensions


def test_it_is_found_as_soon_as_the_answer_arrives(alice):
    memory = alice.remember("The dog is called Rex.")

    hits = alice.post("/memories/search", {"query": "name of my pet"}).json()["results"]

    assert [hit["id"] for hit in hits] == [memory["id"]]


def test_the_app_is_openmemory_unless_named_and_made_on_first_use(alice):
    assert alice.remember("One.")["app_name"] == "openmemory"
    assert alice.remember("Two.", app=None)["app_name"] == "openmemory"
    assert alice.remember("Three.", app="chat")["app_name"] == "chat"

    assert set(App.objects.owned_by(alice.user).values_list("name", flat=True)) == {
        "openmemory",
        "chat",
    }


def test_apps_of_the_same_name_belong_to_one_user_each(alice, bob):
    assert alice.remember("Mine.")["app_id"] != bob.remember("Mine too.")["app_id"]


def test_a_paused_app_cannot_remember(alice):
    alice.remember("One.", app="chat")
    App.objects.update(is_active=False)

    answer = alice.post("/memories", {"text": "Two.", "app": "chat"})

    assert answer.status_code == 403
    assert answer.json()["code"] == "app_paused"
    assert Memory.objects.count() == 1


def test_a_key_bound_to_an_app_acts_as_no_other(alice):
    bound = alice.with_key(app_name="notes")

    assert bound.remember("One.")["app_name"] == "notes"
    assert bound.remember("Two.", app="notes")["app_name"] == "notes"
    answer = bound.post("/memories", {"text": "Three.", "app": "chat"})
    assert answer.status_code == 403
    assert answer.json()["code"] == "key_bound_to_app"


def test_a_memory_is_categorised_without_a_language_model(alice):
    assert alice.remember("We fly to Japan in October and stay in a hotel.")["categories"] == [
        "travel"
    ]
    assert alice.remember("Xyzzy.", infer=False)["categories"] == []


def test_the_same_text_is_not_stored_twice_for_an_app(alice, bob):
    first = alice.remember("I like tea.")

    again = alice.remember("  i LIKE\ttea. ")

    assert again.pop("event") == "DUPLICATE"
    assert first.pop("event") == "ADD"
    assert again == first
    assert alice.remember("I like tea.", app="other")["event"] == "ADD"
    assert bob.remember("I like tea.")["event"] == "ADD"


def test_a_verbatim_text_is_stored_again(alice):
    first = alice.remember("I like tea.", infer=False)

    assert alice.remember("I like tea.", infer=False)["id"] != first["id"]


def test_a_deleted_memory_does_not_keep_its_text_from_being_stored_again(alice):
    first = alice.remember("I like tea.")
    alice.delete(f"/memories/{first['id']}")

    again = alice.remember("I like tea.")

    assert again["event"] == "ADD"
    assert again["id"] != first["id"]


def test_a_memory_can_be_older_than_its_sending(alice):
    memory = alice.remember("I moved to Leeds.", timestamp=1_000_000_000)

    assert memory["created_at"] == 1_000_000_000
    assert alice.get(f"/memories/{memory['id']}").json()["created_at"] == 1_000_000_000


def test_an_operator_stores_memories_of_any_user(olga, alice):
    answer = olga.post("/memories", {"user_id": "alice", "text": "I like tea."})

    assert answer.status_code == 200
    memory = Memory.objects.get()
    assert memory.user == alice.user
    assert memory.state_changes.get().changed_by == olga.user


def test_an_operator_who_names_nobody_is_told(olga):
    answer = olga.post("/memories", {"user_id": "nobody", "text": "I like tea."})

    assert answer.status_code == 404
    assert answer.json()["detail"] == "User not found."


@pytest.mark.parametrize("user_id", ["bob", "nobody"])
def test_another_user_cannot_be_named(alice, bob, user_id):
    answer = alice.post("/memories", {"user_id": user_id, "text": "I like tea."})

    assert answer.status_code == 403
    assert not Memory.objects.exists()


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ({}, {("body", "text")}),
        ({"text": ""}, {("body", "text")}),
        ({"text": " \n\t"}, {("body", "text")}),
        ({"text": None}, {("body", "text")}),
        ({"text": 5}, {("body", "text")}),
        ({"text": ["a"]}, {("body", "text")}),
        ({"text": "é" * (16 * 1024 + 1)}, {("body", "text")}),
        ({"text": "a", "metadata": []}, {("body", "metadata")}),
        ({"text": "a", "metadata": "b"}, {("body", "metadata")}),
        ({"text": "a", "metadata": {"k": "x" * 16 * 1024}}, {("body", "metadata")}),
        ({"text": "a", "infer": "yes"}, {("body", "infer")}),
        ({"text": "a", "infer": 1}, {("body", "infer")}),
        ({"text": "a", "app": 5}, {("body", "app")}),
        ({"text": "a", "app": "x" * 256}, {("body", "app")}),
        ({"text": "a", "app": " "}, {("body", "app")}),
        ({"text": "a", "actor": 5}, {("body", "actor")}),
        ({"text": "a", "actor": " "}, {("body", "actor")}),
        ({"text": "a", "actor": "x" * 256}, {("body", "actor")}),
        ({"text": "a", "actor": "a\0"}, {("body", "actor")}),
        ({"text": "a", "conversation": 5}, {("body", "conversation")}),
        ({"text": "a", "conversation": ""}, {("body", "conversation")}),
        ({"text": "a", "conversation": "x" * 256}, {("body", "conversation")}),
        ({"text": "a", "timestamp": "now"}, {("body", "timestamp")}),
        ({"text": "a", "timestamp": True}, {("body", "timestamp")}),
        ({"text": "a", "timestamp": -1}, {("body", "timestamp")}),
        ({"text": "a", "timestamp": 10**30}, {("body", "timestamp")}),
        ({"text": "a", "timestamp": 32_503_680_000}, {("body", "timestamp")}),
        ({"text": "a", "user_id": 5}, {("body", "user_id")}),
        ({"text": 5, "infer": 5}, {("body", "text"), ("body", "infer")}),
    ],
)  # fmt: skip
def test_bad_input_is_named_and_changes_nothing(alice, body, places):
    answer = alice.post("/memories", body)

    assert answer.status_code == 400
    assert errors_of(answer) == places
    assert not Memory.objects.exists()
    assert not App.objects.exists()


def test_text_at_the_limit_is_kept_byte_for_byte(alice):
    text = "🙂é\u202e\u0301\ufeff" + "x" * (32 * 1024 - 14)
    assert len(text.encode()) == 32 * 1024

    memory = alice.remember(text)

    assert memory["text"] == text
    assert alice.get(f"/memories/{memory['id']}").json()["text"] == text


def test_an_unknown_field_is_refused(alice):
    answer = alice.post("/memories", {"text": "a", "expires_on": 2000000000})

    assert answer.status_code == 400
    assert answer.json()["code"] == "unknown_field"
    assert not Memory.objects.exists()


def test_the_number_of_statements_is_fixed(alice, django_assert_num_queries):
    alice.remember("We fly to Japan in May and stay in a hotel.")
    memory_with_one_category = "We fly to Japan in October and stay in a hotel."

    # key, app, spaces, category, lock, duplicate, memory, history, its category, its embedding and
    # tokens, configuration, and a savepoint around them: the transaction outside of tests
    with django_assert_num_queries(13):
        alice.remember(memory_with_one_category)
    with django_assert_num_queries(8):
        alice.post("/memories", {"text": "Verbatim.", "infer": False, "app": "openmemory"})


def test_a_text_that_cannot_be_stored_leaves_nothing_behind(alice):
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE memories_embedding ADD CONSTRAINT none CHECK (false) NOT VALID")

    answer = alice.post("/memories", {"text": "I like tea."})

    assert answer.status_code == 500
    assert not Memory.objects.exists()
    assert not StateChange.objects.exists()
    assert not Access.objects.exists()


def test_ids_are_of_version_four(alice):
    assert uuid.UUID(alice.remember("One.")["id"]).version == 4


def test_a_memory_is_of_the_moment_of_its_request_however_long_the_model_takes(alice, monkeypatch):
    embedded_at = []

    def embed(texts):
        embedded_at.append(timezone.now())
        return embed_texts(texts)

    monkeypatch.setattr("memories.lifecycle.remember.embed_texts", embed)

    memory = Memory.objects.get(pk=alice.remember("We have a dog")["id"])

    assert memory.created_at <= embedded_at[0]
