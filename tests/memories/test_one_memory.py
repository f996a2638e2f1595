"""Get, revise and delete a memory by its id."""

import uuid

import pytest

from memories.models import Embedding, Memory, Revision, State, StateChange
from tests.cast import errors_of

UNKNOWN = "00000000-0000-4000-8000-000000000000"


def without_request_id(answer) -> dict:
    problem = answer.json()
    problem.pop("request_id")
    return problem


@pytest.mark.parametrize("state", State.values)
def test_a_memory_is_shown_in_any_state(alice, state):
    memory = alice.remember("I like tea.", metadata={"k": 1})
    Memory.objects.all().change_state(State(state), by=alice.user)

    answer = alice.get(f"/memories/{memory['id']}")

    memory.pop("event")
    memory.pop("job")
    assert answer.status_code == 200
    assert answer.json() == {**memory, "state": state}


def test_another_users_memory_does_not_exist(alice, bob):
    memory = alice.remember("I like tea.")
    body = {"memory_content": "I like coffee."}

    def refusals(pk):
        return [
            bob.get(f"/memories/{pk}"),
            bob.put(f"/memories/{pk}", body),
            bob.delete(f"/memories/{pk}"),
        ]

    unknown = [without_request_id(answer) for answer in refusals(UNKNOWN)]
    for pk in (memory["id"], "none", "1", "x" * 200):
        answers = refusals(pk)
        assert [answer.status_code for answer in answers] == [404, 404, 404]
        assert [without_request_id(answer) for answer in answers] == unknown
    assert Memory.objects.get().content == "I like tea."
    assert Memory.objects.get().state == State.ACTIVE


def test_naming_another_user_is_refused_before_anything_is_looked_up(alice, bob):
    memory = alice.remember("I like tea.")

    assert bob.get(f"/memories/{memory['id']}?user_id=alice").status_code == 403
    assert bob.put(
        f"/memories/{memory['id']}", {"memory_content": "No.", "user_id": "alice"}
    ).status_code == 403  # fmt: skip
    assert bob.delete(f"/memories/{memory['id']}", {"user_id": "alice"}).status_code == 403


def test_an_operator_reaches_a_users_memory_by_naming_the_user(olga, alice):
    memory = alice.remember("I like tea.")

    assert olga.get(f"/memories/{memory['id']}").status_code == 404
    assert olga.get(f"/memories/{memory['id']}?user_id=alice").status_code == 200


def test_two_different_users_in_one_request_are_refused(olga, alice, bob):
    answer = olga.delete("/memories/x?user_id=alice", {"user_id": "bob"})

    assert answer.status_code == 400
    assert answer.json()["code"]


def test_new_content_is_found_and_the_old_is_not(alice):
    memory = alice.remember("The dog is called Rex.")
    alice.remember("Something about gardens.")

    answer = alice.put(
        f"/memories/{memory['id']}",
        {"memory_content": "We fly to Japan in October and stay in a hotel.", "user_id": "alice"},
    )

    assert answer.status_code == 200
    memory.pop("event")
    memory.pop("job")
    assert answer.json() == {
        **memory,
        "text": "We fly to Japan in October and stay in a hotel.",
        "categories": ["travel"],
    }
    hits = alice.post("/memories/search", {"query": "flight to Asia"}).json()["results"]
    assert hits[0]["id"] == memory["id"]
    assert Embedding.objects.filter(memory=memory["id"]).count() == 1
    listed = alice.get("/memories", {"search_query": "Rex"}).json()
    assert listed["total"] == 0


def test_the_old_content_stays_in_the_history(alice, olga):
    memory = alice.remember("One.")
    alice.put(f"/memories/{memory['id']}", {"memory_content": "Two."})
    olga.put(f"/memories/{memory['id']}", {"memory_content": "Three.", "user_id": "alice"})

    revisions = Revision.objects.filter(memory=memory["id"])

    assert [(r.content, r.edited_by) for r in revisions] == [
        ("One.", alice.user),
        ("Two.", olga.user),
    ]


def test_the_same_content_is_no_revision(alice):
    memory = alice.remember("One.")

    assert alice.put(f"/memories/{memory['id']}", {"memory_content": "One."}).status_code == 200
    assert not Revision.objects.exists()


def test_a_deleted_memory_cannot_be_edited(alice):
    memory = alice.remember("One.")
    alice.delete(f"/memories/{memory['id']}")

    answer = alice.put(f"/memories/{memory['id']}", {"memory_content": "Two."})

    assert answer.status_code == 409
    assert answer.json()["code"] == "memory_deleted"
    assert Memory.objects.get().content == "One."


@pytest.mark.parametrize("content", [None, "", "  ", 5, ["a"], "x" * (32 * 1024 + 1)])
def test_content_that_is_no_text_is_refused(alice, content):
    memory = alice.remember("One.")

    answer = alice.put(f"/memories/{memory['id']}", {"memory_content": content})

    assert answer.status_code == 400
    assert errors_of(answer) == {("body", "memory_content")}
    assert Memory.objects.get().content == "One."


def test_deleting_sets_the_state_and_writes_the_history(alice):
    memory = alice.remember("One.")

    answer = alice.delete(f"/memories/{memory['id']}", {"user_id": "alice"})

    assert answer.status_code == 200
    assert answer.json() == {"message": "Successfully deleted memory"}
    assert Memory.objects.get().state == State.DELETED
    change = StateChange.objects.last()
    assert (change.old_state, change.new_state) == ("active", "deleted")
    assert change.changed_by == alice.user


def test_a_deleted_memory_leaves_every_list_and_search(alice):
    memory = alice.remember("The dog is called Rex.")

    alice.delete(f"/memories/{memory['id']}")

    assert alice.get("/memories").json()["total"] == 0
    assert alice.post("/memories/search", {"query": "Rex the dog"}).json() == {"results": []}


def test_deleting_twice_is_no_error_and_no_history(alice):
    memory = alice.remember("One.")
    alice.delete(f"/memories/{memory['id']}")

    assert alice.delete(f"/memories/{memory['id']}").status_code == 200
    assert StateChange.objects.count() == 2


def test_several_are_deleted_together(alice):
    ids = [alice.remember(f"Number {n}.")["id"] for n in range(3)]

    answer = alice.delete("/memories", {"memory_ids": [*ids[:2], ids[0]], "user_id": "alice"})

    assert answer.status_code == 200
    assert answer.json() == {"message": "Successfully deleted 2 memories"}
    assert set(Memory.objects.filter(state=State.DELETED).values_list("pk", flat=True)) == {
        uuid.UUID(ids[0]),
        uuid.UUID(ids[1]),
    }


@pytest.mark.parametrize("stranger", ["unknown", "bob"])
def test_one_unknown_id_is_named_and_nothing_is_deleted(alice, bob, stranger):
    mine = alice.remember("Mine.")["id"]
    other = bob.remember("Another's.")["id"] if stranger == "bob" else UNKNOWN

    answer = alice.delete("/memories", {"memory_ids": [mine, other]})

    assert answer.status_code == 404
    assert answer.json()["code"] == "memory_not_found"
    assert answer.json()["detail"] == f"Memory not found: {other}."
    assert not Memory.objects.filter(state=State.DELETED).exists()


@pytest.mark.parametrize(
    ("ids", "place"),
    [
        (None, ("body", "memory_ids")),
        ([], ("body", "memory_ids")),
        ("x", ("body", "memory_ids", "0")),
        ({}, ("body", "memory_ids", "0")),
        ([UNKNOWN, "x"], ("body", "memory_ids", "1")),
        ([5], ("body", "memory_ids", "0")),
        ([UNKNOWN] * 10_001, ("body", "memory_ids")),
    ],
)
def test_ids_that_are_none_are_refused(alice, ids, place):
    answer = alice.delete("/memories", {"memory_ids": ids})

    assert answer.status_code == 400
    assert errors_of(answer) == {place}


@pytest.mark.slow
def test_the_number_of_statements_is_fixed(alice, django_assert_num_queries):
    ids = [alice.remember(f"Number {n}.", infer=False)["id"] for n in range(30)]

    with django_assert_num_queries(2):  # key, memory
        alice.get(f"/memories/{ids[0]}")
    # key, the ids, and between the ends of a transaction the state and its history
    with django_assert_num_queries(5):
        alice.delete(f"/memories/{ids[0]}")
    with django_assert_num_queries(5):
        alice.delete("/memories", {"memory_ids": ids[1:]})
