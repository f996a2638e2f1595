import uuid

import pytest

from memories.models import Memory, State
from tests.mem0.conftest import snapshot


def test_a_memory_is_updated_and_found_by_its_new_words(shop):
    [pk] = shop.add("I like tea", user_id="ann", metadata={"a": 1, "b": 2})

    answer = shop.put(
        f"/v1/memories/{pk}/",
        {"text": "Ann adores marmalade", "metadata": {"c": 3}, "expiration_date": "2099-12-31"},
    )

    body = answer.json()
    assert body["message"] == "Memory updated successfully!"
    assert (body["id"], body["memory"]) == (pk, "Ann adores marmalade")
    assert body["metadata"] == {"c": 3}
    assert body["expiration_date"] == "2099-12-31"
    found = shop.post(
        "/v3/memories/search/", {"query": "marmalade", "filters": {"user_id": "ann"}}
    ).json()["results"]
    assert [hit["id"] for hit in found] == [pk]


def test_null_removes_the_day_of_expiry(shop):
    [pk] = shop.add("I like tea", user_id="ann", expiration_date="2099-01-31")

    shop.put(f"/v1/memories/{pk}/", {"text": "I like rice"})
    assert shop.get(f"/v1/memories/{pk}/").json()["expiration_date"] == "2099-01-31"
    shop.put(f"/v1/memories/{pk}/", {"expiration_date": None})

    assert shop.get(f"/v1/memories/{pk}/").json()["expiration_date"] is None


@pytest.mark.parametrize(
    "body",
    [
        {}, {"colour": "red"}, {"text": ""}, {"text": "  "}, {"text": 7}, {"text": None},
        {"metadata": "a"}, {"timestamp": "x"}, {"expiration_date": "2030-02-30"}, [],
        {"text": "a\0b"}, {"text": "\ud800"}, {"metadata": {"a": "\0"}}, {"text": "x" * 33_000},
    ],
)  # fmt: skip
def test_an_update_of_nothing_or_to_nothing_is_refused(shop, body):
    [pk] = shop.add("I like tea", user_id="ann")
    before = snapshot()

    answer = shop.put(f"/v1/memories/{pk}/", body)

    assert answer.status_code == 400, answer.content
    assert snapshot() == before


def test_a_history_begins_with_the_add(shop):
    [pk] = shop.add("I like tea", user_id="ann", run_id="r1")
    shop.put(f"/v1/memories/{pk}/", {"text": "I like rice"})
    shop.delete(f"/v1/memories/{pk}/")

    entries = shop.get(f"/v1/memories/{pk}/history/").json()

    shown = [(each["event"], each["old_memory"], each["new_memory"]) for each in entries]
    assert shown == [
        ("ADD", None, "I like tea"),
        ("UPDATE", "I like tea", "I like rice"),
        ("DELETE", "I like rice", None),
    ]
    assert {each["memory_id"] for each in entries} == {pk}
    assert entries[0]["user_id"] == "ann"
    assert entries[0]["session_id"] == "r1"
    assert entries[0]["input"] == []


def test_a_deleted_memory_is_gone(shop):
    [pk] = shop.add("I like tea", user_id="ann")

    answer = shop.delete(f"/v1/memories/{pk}/")

    assert answer.json() == {"message": "Memory deleted successfully!"}
    assert shop.get(f"/v1/memories/{pk}/").status_code == 404
    assert shop.put(f"/v1/memories/{pk}/", {"text": "x"}).status_code == 404
    assert shop.delete(f"/v1/memories/{pk}/").status_code == 404
    assert shop.texts({"user_id": "ann"}) == set()


def test_what_a_memory_replaced_is_deleted_with_it(shop):
    alice = shop.member
    first = alice.remember("I live in Rome", infer=False)["id"]
    second = alice.remember("I live in Bonn", infer=False, supersedes=[first])["id"]
    third = alice.remember("I live in Oslo", infer=False, supersedes=[second])["id"]

    answer = shop.delete(f"/v1/memories/{third}/", delete_linked="true")

    assert answer.json()["cascade_count"] == 2
    assert set(Memory.objects.values_list("state", flat=True)) == {State.DELETED}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_ids_that_are_none_are_400_and_unknown_ones_404(shop, method):
    body = {"text": "x"} if method == "PUT" else None

    malformed = shop.call(method, "/v1/memories/nonsense/", body)
    unknown = shop.call(method, f"/v1/memories/{uuid.uuid4()}/", body)

    assert malformed.status_code == 400
    assert "memory_id should be a valid UUID" in malformed.json()["detail"]
    assert unknown.status_code == 404


def test_what_another_account_has_is_as_if_it_were_not_there(shop, rival):
    [pk] = shop.add("I like tea", user_id="ann")
    before = snapshot()
    batch = {"memories": [{"memory_id": pk, "text": "x"}]}

    answers = [
        rival.get(f"/v1/memories/{pk}/"),
        rival.get(f"/v1/memories/{pk}/history/"),
        rival.put(f"/v1/memories/{pk}/", {"text": "x"}),
        rival.delete(f"/v1/memories/{pk}/"),
        rival.put("/v1/batch/", batch),
        rival.delete("/v1/batch/", batch),
        rival.post("/v1/feedback/", {"memory_id": pk, "feedback": "POSITIVE"}),
        rival.get("/v2/entities/user/ann/"),
        rival.get("/v2/entities/user/ann/profile/"),
        rival.delete("/v2/entities/user/ann/"),
    ]

    assert [answer.status_code for answer in answers] == [404] * len(answers)
    assert rival.texts({"user_id": "*"}) == set()
    assert rival.texts({"user_id": "ann", "memory_ids": [pk]}) == set()
    assert snapshot() == before


def test_a_batch_changes_all(shop):
    first, second = shop.add("I like tea", "I like rice", user_id="ann")
    edits = [
        {"memory_id": first, "text": "I like soup"},
        {"memory_id": second, "metadata": {"a": 1}},
    ]

    answer = shop.put("/v1/batch/", {"memories": edits})

    assert answer.json() == {"message": "Successfully updated 2 memories"}
    assert shop.texts({"user_id": "ann"}) == {"I like soup", "I like rice"}
    assert shop.get(f"/v1/memories/{second}/").json()["metadata"] == {"a": 1}
    gone = shop.delete("/v1/batch/", {"memories": [{"memory_id": first}, {"memory_id": second}]})
    assert gone.json() == {"message": "Successfully deleted 2 memories"}
    assert shop.texts({"user_id": "ann"}) == set()


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_a_batch_with_an_unknown_id_changes_nothing(shop, method):
    [pk] = shop.add("I like tea", user_id="ann")
    before = snapshot()
    unknown = str(uuid.uuid4())
    batch = {"memories": [{"memory_id": pk, "text": "x"}, {"memory_id": unknown, "text": "x"}]}

    answer = shop.call(method, "/v1/batch/", batch)

    assert answer.status_code == 404
    assert snapshot() == before


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize(
    "memories",
    [
        None, [], {}, "x", ["x"], [{}], [{"memory_id": "x"}], [{"memory_id": {"memory_id": "x"}}],
        [{"memory_id": str(uuid.uuid4()), "text": "x"}] * 1001,
    ],
)  # fmt: skip
def test_a_malformed_batch_is_refused(shop, method, memories):
    assert shop.call(method, "/v1/batch/", {"memories": memories}).status_code == 400


def test_a_read_key_reads_alone_and_a_write_key_is_shown_nothing(shop):
    [pk] = shop.add("I like tea", user_id="ann")
    reading, writing = shop.with_key(scopes=["read"]), shop.with_key(scopes=["write"])
    filters = {"filters": {"user_id": "ann"}, "query": "tea"}

    assert reading.get(f"/v1/memories/{pk}/").status_code == 200
    assert reading.post("/v3/memories/", filters).status_code == 200
    assert reading.post("/v3/memories/search/", filters).status_code == 200
    for answer in (
        reading.post("/v3/memories/add/", {"messages": "x", "user_id": "ann"}),
        reading.put(f"/v1/memories/{pk}/", {"text": "x"}),
        reading.delete(f"/v1/memories/{pk}/"),
        reading.delete("/v1/memories/", user_id="ann"),
        reading.delete("/v2/entities/user/ann/"),
    ):
        assert answer.status_code == 403, answer.content
    for answer in (
        writing.get(f"/v1/memories/{pk}/"),
        writing.post("/v3/memories/", filters),
        writing.post("/v3/memories/search/", filters),
        writing.get(f"/v1/memories/{pk}/history/"),
        writing.get("/v1/entities/"),
        writing.get("/v1/events/"),
    ):
        assert answer.status_code == 403, answer.content
    assert writing.get("/v1/ping/").status_code == 200
    updated = writing.put(f"/v1/memories/{pk}/", {"metadata": {"a": 1}})
    assert "tea" not in updated.content.decode()
    added = writing.post(
        "/v3/memories/add/", {"messages": "I like tea", "user_id": "ann", "infer": False}
    )
    assert "tea" not in added.content.decode()
