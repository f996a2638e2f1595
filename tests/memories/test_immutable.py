"""What is immutable is neither edited nor superseded until its user permits it."""

import pytest

from memories.models import Memory, Revision

FUTURE = 4_000_000_000


@pytest.fixture
def fixed(alice):
    return alice.remember("The gate code is 4711", app="notes", immutable=True)


@pytest.mark.parametrize(
    "patch",
    [
        {"text": "The gate code is 1"},
        {"metadata": {"a": 1}},
        {"metadata": None},
        {"categories": []},
        {"categories": ["codes"]},
        {"actor": "Ana"},
        {"conversation": None},
        {"timestamp": 5},
        {"expires_at": FUTURE},
        {"valid_from": 5},
        {"valid_until": None},
        {"immutable": True, "text": "The gate code is 1"},
    ],
)
def test_an_immutable_memory_is_not_edited(alice, fixed, patch):
    before = Memory.objects.values().get()

    answer = alice.patch(f"/memories/{fixed['id']}", patch)

    assert (answer.status_code, answer.json()["code"]) == (409, "memory_immutable")
    assert Memory.objects.values().get() == before
    assert not Revision.objects.exists()


def test_put_does_not_edit_it_either(alice, olga, fixed):
    path = f"/memories/{fixed['id']}"

    answers = [
        alice.put(path, {"memory_content": "The gate code is 1"}),
        olga.put(path, {"memory_content": "The gate code is 1", "user_id": "alice"}),
    ]

    assert [answer.json()["code"] for answer in answers] == ["memory_immutable"] * 2


def test_it_is_not_superseded(alice, fixed):
    answer = alice.post("/memories", {"text": "No gate", "supersedes": [fixed["id"]]})

    assert (answer.status_code, answer.json()["code"]) == (409, "memory_immutable")
    assert fixed["id"] in answer.json()["detail"]
    assert Memory.objects.count() == 1


def test_its_user_makes_it_editable(alice, fixed):
    path = f"/memories/{fixed['id']}"

    assert alice.patch(path, {"immutable": False}).json()["immutable"] is False

    answer = alice.patch(path, {"text": "The gate code is 1"})
    assert answer.json()["text"] == "The gate code is 1"
    history = alice.get(f"{path}/history").json()["items"]
    assert [entry["before"] for entry in history[:2]] == [
        {"text": "The gate code is 4711"},
        {"immutable": True},
    ]


def test_an_app_locks_a_memory_and_does_not_unlock_it(alice):
    memory = alice.remember("The gate code is 4711", app="notes")
    bound, path = alice.with_key(app_name="notes"), f"/memories/{memory['id']}"

    assert bound.patch(path, {"immutable": True}).json()["immutable"] is True

    answer = bound.patch(path, {"immutable": False})
    assert (answer.status_code, answer.json()["code"]) == (403, "only_user_unlocks")
    assert bound.patch(path, {"immutable": True}).status_code == 200  # changes nothing


def test_if_match_counts_for_the_lock(alice, fixed):
    path = f"/memories/{fixed['id']}"
    tag = alice.get(path)["ETag"]
    alice.patch(path, {"immutable": False})

    stale = alice.patch(path, {"immutable": True}, **{"If-Match": tag})

    assert stale.status_code == 412
    assert alice.get(path).json()["immutable"] is False


def test_its_state_changes_and_it_can_be_deleted(alice, fixed):
    ids = {"memory_ids": [fixed["id"]]}

    assert alice.post("/memories/actions/pause", ids).status_code == 200
    assert alice.post("/memories/actions/archive", ids).status_code == 200
    assert alice.delete(f"/memories/{fixed['id']}").status_code == 200
    assert alice.get(f"/memories/{fixed['id']}").json()["state"] == "deleted"


@pytest.mark.parametrize("value", [None, "true", 1])
def test_immutable_is_true_or_false(alice, fixed, value):
    assert alice.post("/memories", {"text": "a", "immutable": value}).status_code == 400
    assert alice.patch(f"/memories/{fixed['id']}", {"immutable": value}).status_code == 400


def test_many_are_edited_only_if_none_of_them_is_immutable(alice, fixed):
    other = alice.remember("The weather is fine")
    body = {"ids": [other["id"], fixed["id"]], "changes": {"expires_at": FUTURE}}

    refused = alice.patch("/memories/bulk", body)

    assert (refused.status_code, refused.json()["code"]) == (409, "memory_immutable")
    assert not Revision.objects.exists()
    alice.patch("/memories/bulk", {"ids": body["ids"], "changes": {"immutable": False}})
    assert alice.patch("/memories/bulk", body).json() == {"matched": 2, "changed": 2}
    assert {
        row.terms["expires_at"] for row in Revision.objects.filter(terms__has_key="expires_at")
    } == {None}
    assert {item["expires_at"] for item in alice.get("/memories").json()["items"]} == {FUTURE}
