"""POST /log/{sequence}/undo takes back the change of a line, a run of inference or an import."""

from __future__ import annotations

import uuid

import pytest
from django.db import transaction

from memories.categories.merge import rename_category
from memories.change_log.chain_check import find_faults
from memories.change_log.run_name import name_run
from memories.lifecycle import purge
from memories.lifecycle.remember import NewMemory, remember
from memories.models import Category, LogLine, Memory, State

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def undo(member, sequence, **body):
    return member.post(f"/log/{sequence}/undo", body)


def shown(member, memory):
    return member.get(f"/memories/{memory['id']}").json()


def last_line(member):
    return LogLine.objects.of_user(member.user).order_by("sequence").last().sequence


def test_each_kind_of_change_is_taken_back(alice):
    memory = alice.remember("Rex is a dog", metadata={"a": 1}, actor="Ana")
    path = f"/memories/{memory['id']}"
    selection = {"memory_ids": [memory["id"]]}
    changes = [
        lambda: alice.patch(path, {"text": "Rex is a cat", "metadata": {"a": None, "b": 2}}),
        lambda: alice.patch(path, {"categories": ["kennel", "cats"]}),
        lambda: alice.patch(path, {"actor": "Bo", "valid_from": 1_700_000_000}),
        lambda: alice.patch(path, {"immutable": True}),
        lambda: alice.post("/memories/actions/pause", selection),
        lambda: alice.post("/memories/actions/archive", selection),
        lambda: alice.delete(path),
    ]
    for change in changes:
        before = shown(alice, memory)
        assert change().status_code == 200
        assert shown(alice, memory) != before

        answer = undo(alice, last_line(alice))

        assert (answer.status_code, answer.json()["count"]) == (200, 1), answer.content
        assert shown(alice, memory) == before
    assert find_faults(alice.user.pk) == []
    found = alice.post("/memories/search", {"query": "What is Rex?", "min_score": 0}).json()
    assert [hit["text"] for hit in found["results"]] == ["Rex is a dog"]


def test_a_stored_memory_is_deleted_and_an_undo_is_undone(alice):
    memory = alice.remember("Rex is a dog")

    assert undo(alice, 1).status_code == 200
    assert shown(alice, memory)["state"] == State.DELETED
    assert undo(alice, 2).status_code == 200
    assert shown(alice, memory)["state"] == State.ACTIVE
    lines = LogLine.objects.of_user(alice.user).after(0)
    assert [(line.kind, line.by_id) for line in lines] == [
        ("stored", alice.user.pk),
        ("state", alice.user.pk),
        ("state", alice.user.pk),
    ]


def test_a_replaced_memory_comes_back_and_is_linked_again(alice):
    old = alice.remember("I live in Rome")
    new = alice.remember("I live in Paris", supersedes=[old["id"]])
    superseded = LogLine.objects.get(kind="superseded").sequence

    assert undo(alice, superseded).status_code == 200
    assert (shown(alice, old)["state"], shown(alice, old)["superseded_by"]) == ("active", None)
    assert undo(alice, last_line(alice)).status_code == 200
    assert (shown(alice, old)["state"], shown(alice, old)["superseded_by"]) == (
        "archived",
        new["id"],
    )


def test_later_changes_stand_in_the_way_and_are_named(alice):
    memory = alice.remember("Rex is a dog")
    alice.patch(f"/memories/{memory['id']}", {"text": "Rex is a cat"})
    alice.remember("Tea is green")
    alice.patch(f"/memories/{memory['id']}", {"text": "Rex is a fish"})

    answer = undo(alice, 1)

    assert (answer.status_code, answer.json()["code"]) == (409, "changed_since")
    assert answer.json()["lines"] == [2, 4]
    assert shown(alice, memory)["text"] == "Rex is a fish"
    assert [undo(alice, line).status_code for line in (4, 5)] == [200, 200]


def test_what_is_gone_or_about_no_memory_is_not_taken_back(alice, bob):
    memory = alice.remember("Rex is a dog")
    alice.patch(f"/memories/{memory['id']}", {"categories": ["kennel"]})
    rename_category(Category.objects.get(name="kennel").pk, "dogs")
    with transaction.atomic():
        purge.purge([memory["id"]])

    codes = [undo(alice, sequence).json()["code"] for sequence in (1, 2, 3, 4, 5, 2**70)]

    assert codes == ["redacted", "redacted", "not_undoable", "redacted", *["line_not_found"] * 2]
    assert undo(bob, 1).json()["code"] == "line_not_found"


def test_a_key_of_an_app_and_an_unknown_field_are_refused(alice):
    alice.remember("Rex is a dog", app="desk")

    assert undo(alice.with_key(app_name="desk"), 1).status_code == 403
    assert undo(alice, 1, everything=True).json()["code"] == "unknown_field"
    assert undo(alice, 1, run=True).json()["code"] == "not_undoable"
    assert Memory.objects.get().state == State.ACTIVE


def test_a_run_is_taken_back_as_a_whole_or_not_at_all(alice):
    revised, archived = alice.remember("Rex is a dog"), alice.remember("Tea is green")
    app = Memory.objects.get(pk=revised["id"]).app
    run = uuid.uuid4()
    with transaction.atomic():
        name_run(run)
        Memory.objects.filter(pk=revised["id"]).update(content="Rex is a cat")
        Memory.objects.filter(pk=archived["id"]).change_state(State.ARCHIVED, by=alice.user)
        remember(NewMemory("Ana plays the piano"), user=alice.user, app=app, by=alice.user)
    lines = alice.get("/log", {"run": run}).json()["items"]
    assert [line["run"] for line in lines] == [str(run)] * 3
    stored = next(line for line in lines if line["kind"] == "stored")
    alice.patch(f"/memories/{stored['memory_id']}", {"metadata": {"a": 1}})

    refused = undo(alice, lines[0]["sequence"], run=True)
    assert (refused.status_code, refused.json()["lines"]) == (409, [6])
    assert undo(alice, 6).status_code == 200
    assert undo(alice, 7).status_code == 200
    assert undo(alice, 8).status_code == 200
    assert undo(alice, lines[0]["sequence"], run=True).json()["lines"] == [6, 7, 8, 9]


def test_all_changes_of_a_run_are_taken_back(alice):
    revised, archived = alice.remember("Rex is a dog"), alice.remember("Tea is green")
    app = Memory.objects.get(pk=revised["id"]).app
    before = [shown(alice, memory) for memory in (revised, archived)]
    with transaction.atomic():
        name_run(uuid.uuid4())
        Memory.objects.filter(pk=revised["id"]).update(content="Rex is a cat")
        Memory.objects.filter(pk=archived["id"]).change_state(State.ARCHIVED, by=alice.user)
        new = remember(NewMemory("Ana plays the piano"), user=alice.user, app=app, by=alice.user)

    answer = undo(alice, last_line(alice), run=True)

    assert (answer.status_code, answer.json()["count"]) == (200, 3)
    assert [shown(alice, memory) for memory in (revised, archived)] == before
    assert Memory.objects.get(pk=new.memory.pk).state == State.DELETED
    assert find_faults(alice.user.pk) == []
