"""Memories that programs store by keys of their own."""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote

import pytest
from django.db import connection

from memories.models import Memory, State
from tests.cast import Member, errors_of

AT = "/memories/by-key/users.ann/likes"


def texts(answer: Any) -> set[str]:
    assert answer.status_code == 200, answer.content
    return {item["content"] for item in answer.json()["items"]}


def test_a_key_is_stored_and_then_replaced(alice: Member) -> None:
    made = alice.put(AT, {"text": "Ann likes tea", "metadata": {"a": 1}, "actor": "Ann"})
    connection.check_constraints()  # writes the log, as the end of a transaction does
    read = alice.get(AT)
    again = alice.put(AT, {"text": "Ann likes coffee"})
    connection.check_constraints()

    assert (made.status_code, again.status_code) == (201, 200)
    assert made["Location"] == f"/api/v1/memories/{made.json()['id']}"
    assert read.json() == made.json()
    assert made["ETag"] == read["ETag"] != again["ETag"]
    shown = again.json()
    assert shown["id"] == made.json()["id"]
    assert (shown["namespace"], shown["key"]) == ("users.ann", "likes")
    assert (shown["text"], shown["metadata_"], shown["actor"]) == ("Ann likes coffee", {}, None)
    assert shown["created_at"] == made.json()["created_at"]
    history = alice.get(f"/memories/{shown['id']}/history").json()["items"]
    assert history[0]["before"]["text"] == "Ann likes tea"
    kinds = [line["kind"] for line in alice.get("/log").json()["items"]]
    assert kinds == ["stored", "revised"]
    assert alice.get(f"/memories/{shown['id']}").json() == shown


def test_the_same_again_writes_nothing(alice: Member) -> None:
    made = alice.put(AT, {"text": "Ann likes tea"})

    again = alice.put(AT, {"text": "Ann likes tea"})

    assert again["ETag"] == made["ETag"]
    assert Memory.objects.get().revisions.count() == 0


@pytest.mark.parametrize(
    "key", ["a/b", "/memories/notes.txt", "a b", "ä/ü?#%", "x..y", "🙂", "a" * 255, "%2F"]
)
def test_a_key_can_be_almost_anything(alice: Member, key: str) -> None:
    path = f"/memories/by-key/files/{quote(key, safe='')}"

    made = alice.put(path, {"text": "Something"})

    assert made.status_code == 201, made.content
    assert made.json()["key"] == key
    assert alice.get(path).json()["id"] == made.json()["id"]


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/memories/by-key/a..b/k", "namespace"),
        ("/memories/by-key/.a/k", "namespace"),
        ("/memories/by-key/%20/k", "namespace"),
        (f"/memories/by-key/{'n' * 256}/k", "namespace"),
        (f"/memories/by-key/n/{'k' * 256}", "key"),
        ("/memories/by-key/n/a%0Ab", "key"),
        ("/memories/by-key/n/%20", "key"),
        ("/memories/by-key/n/a/%2E%2E/b", "key"),
        ("/memories?namespace=a..b", "namespace"),
        ("/memories/namespaces?namespace=.", "namespace"),
    ],
)
def test_what_is_no_key_is_refused(alice: Member, path: str, field: str) -> None:
    answer = alice.get(path)

    assert answer.status_code == 400
    assert any(field in place for place in errors_of(answer))


def test_search_filters_are_also_of_namespaces(alice: Member) -> None:
    alice.put(AT, {"text": "Ann likes tea"})
    alice.put("/memories/by-key/users.bo/likes", {"text": "Bo likes tea"})
    filters = {"namespace": "users.ann"}

    found = alice.post("/memories/search", {"query": "tea", "filters": filters})
    refused = alice.post("/memories/search", {"query": "tea", "filters": {"namespace": "a."}})

    assert [hit["text"] for hit in found.json()["results"]] == ["Ann likes tea"]
    assert errors_of(refused) == {("body", "filters", "namespace")}


def test_lists_keep_a_namespace_and_those_below(alice: Member, bob: Member) -> None:
    for namespace in ["a", "a.b", "a.b.c", "ab", "a_b", "A"]:
        alice.put(f"/memories/by-key/{namespace}/k", {"text": namespace})
    alice.remember("without a key", infer=False)
    bob.put("/memories/by-key/a/k", {"text": "of Bob"})

    listed = alice.get("/memories", {"namespace": "a"})
    namespaces = alice.get("/memories/namespaces", {"namespace": "a.b"}).json()["items"]

    assert texts(listed) == {"a", "a.b", "a.b.c"}
    assert namespaces == [
        {"namespace": "a.b", "count": 1},
        {"namespace": "a.b.c", "count": 1},
    ]
    assert alice.get("/memories/namespaces").json()["total"] == 6


def test_what_is_deleted_or_expired_gives_its_key_away(alice: Member) -> None:
    first = alice.put(AT, {"text": "first"}).json()["id"]

    assert alice.delete(AT).status_code == 200
    assert (alice.get(AT).status_code, alice.delete(AT).status_code) == (404, 404)
    second = alice.put(AT, {"text": "second", "expires_at": 1})
    assert second.status_code == 201
    assert alice.get(AT).status_code == 404
    third = alice.put(AT, {"text": "third"})

    assert third.status_code == 201
    assert len({first, second.json()["id"], third.json()["id"]}) == 3
    assert Memory.objects.exclude(own_key="").get().content == "third"
    assert alice.get(f"/memories/{first}").json()["key"] is None


def test_an_archived_memory_becomes_active_again(alice: Member) -> None:
    pk = alice.put(AT, {"text": "first"}).json()["id"]
    alice.post("/memories/actions/archive", {"memory_ids": [pk]})
    assert alice.get(AT).json()["state"] == State.ARCHIVED

    answer = alice.put(AT, {"text": "first"})

    assert (answer.status_code, answer.json()["state"]) == (200, State.ACTIVE)
    assert answer["ETag"] == alice.get(AT)["ETag"]


def test_preconditions_hold_for_keys(alice: Member) -> None:
    only_replace = {"If-Match": "*"}
    only_new = {"If-None-Match": "*"}

    assert alice.put(AT, {"text": "a"}, **only_replace).status_code == 412
    made = alice.put(AT, {"text": "a"}, **only_new)
    assert made.status_code == 201
    assert alice.put(AT, {"text": "b"}, **only_new).status_code == 412
    assert alice.put(AT, {"text": "b"}, **{"If-Match": made["ETag"]}).status_code == 200
    assert alice.put(AT, {"text": "c"}, **{"If-Match": made["ETag"]}).status_code == 412
    assert alice.delete(AT, **{"If-Match": made["ETag"]}).status_code == 412
    assert alice.get(AT).json()["text"] == "b"


def test_terms_are_replaced_and_the_immutable_stay(alice: Member) -> None:
    alice.put(AT, {"text": "a", "valid_until": 9, "immutable": True})

    refused = alice.put(AT, {"text": "b"})
    unlocked = alice.put(AT, {"text": "b", "immutable": False})
    never = alice.put(AT, {"text": "b", "valid_from": 9, "valid_until": 8})

    assert (refused.status_code, refused.json()["code"]) == (409, "memory_immutable")
    assert unlocked.json()["valid_until"] is None
    assert (never.status_code, never.json()["code"]) == (400, "never_valid")


def test_the_same_text_without_a_key_is_another_memory(alice: Member) -> None:
    alice.put(AT, {"text": "Ann likes tea"})

    alone = alice.remember("Ann likes tea")
    many = alice.post("/memories/bulk", {"memories": [{"text": "Ann likes tea"}]})

    assert alone["event"] == "ADD"
    assert many.json()["results"][0]["event"] == "DUPLICATE"
    assert many.json()["results"][0]["id"] == alone["id"]


def test_an_app_cannot_take_a_key_of_what_it_may_not_read(alice: Member) -> None:
    pk = alice.put(AT, {"text": "secret", "app": "diary"}).json()["id"]
    other = alice.with_key(app_name="other")
    other.remember("mine", infer=False)
    app = Memory.objects.get(content="mine").app
    alice.post(f"/apps/{app.pk}/rules", {"memory_id": pk, "effect": "deny"})

    answers = [other.get(AT), other.put(AT, {"text": "mine"}), other.delete(AT)]

    assert [answer.status_code for answer in answers] == [404, 409, 404]
    assert answers[1].json()["code"] == "own_key_taken"
    assert alice.get(AT).json()["text"] == "secret"


def test_a_key_that_may_not_read_gets_a_receipt(alice: Member) -> None:
    writer = alice.with_key(scopes=["write"])

    answers = [writer.put(AT, {"text": text}) for text in ("a", "b")]

    assert [answer.json()["event"] for answer in answers] == ["ADD", "UPDATE"]
    assert set(answers[0].json()) == {"id", "event", "job"}
    assert "ETag" not in answers[0]


def test_an_idempotency_key_answers_as_before(alice: Member) -> None:
    header = {"Idempotency-Key": "one"}

    answers = [alice.put(AT, {"text": "a"}, **header) for _ in range(2)]

    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[1]["Idempotency-Replayed"] == "true"


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_of_many_at_once_one_is_stored_and_the_others_replace_it(alice: Member) -> None:
    statuses: list[int] = []

    def put(number: int) -> None:
        statuses.append(alice.put(AT, {"text": f"Text {number}"}).status_code)
        connection.close()

    threads = [threading.Thread(target=put, args=[number]) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [200] * 5 + [201]
    assert Memory.objects.count() == 1
