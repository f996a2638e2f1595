"""Keys of one's own in the log, and as of a moment."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import connection
from django.utils import timezone

from core import sql
from memories.change_log.chain_check import find_faults
from memories.models import LogLine
from tests.cast import Member
from tests.memories.test_verify_log import behind_its_back

AT = "/memories/by-key/users.ann/likes"


class Writer(Member):
    """Whose requests write their lines at once, as at the end of a transaction."""

    def _call(self, *request, **headers):
        answer = super()._call(*request, **headers)
        connection.check_constraints()
        return answer


@pytest.fixture
def ann(alice):
    return Writer(alice.user, alice.key, alice.secret)


def moment() -> str:
    return timezone.now().isoformat()


def listed(member, **query):
    answer = member.get("/memories", query)
    assert answer.status_code == 200, answer.content
    return [(item["namespace"], item["key"], item["content"]) for item in answer.json()["items"]]


def kinds(member):
    return [line.kind for line in LogLine.objects.of_user(member.user).after(0)]


def test_a_key_finds_what_it_found_then(ann):
    first = ann.put(AT, {"text": "Ann likes tea"}).json()
    one = moment()
    ann.put(AT, {"text": "Ann likes coffee"})
    two = moment()
    ann.delete(AT)
    none = moment()
    other = ann.put(AT, {"text": "Ann likes milk"}).json()["id"]

    assert ann.get(AT, {"as_of": one}).json() == first
    assert ann.get(AT, {"as_of": one})["ETag"].startswith("W/")
    assert ann.get(AT, {"as_of": two}).json()["text"] == "Ann likes coffee"
    assert ann.get(AT, {"as_of": none}).status_code == 404
    assert ann.get(AT, {"as_of": moment()}).json()["id"] == other
    assert ann.get(AT, {"as_of": "2020-01-01T00:00:00Z"}).json()["code"] == "before_log"
    assert ann.get(AT, {"as_of": "soon"}).status_code == 400
    # Its owner sees that the deleted one has given its key away, and another version.
    assert kinds(ann)[:3] == ["stored", "revised", "state"]
    assert sorted(kinds(ann)[3:]) == ["own_key", "stored"]
    assert find_faults(ann.user.pk) == []


def test_lists_keep_the_namespace_of_then(ann):
    ann.put("/memories/by-key/a/k", {"text": "one"})
    ann.put("/memories/by-key/a.b/k", {"text": "two"})
    ann.remember("three", infer=False)
    then = moment()
    before = listed(ann, namespace="a")
    names = ann.get("/memories/namespaces").json()["items"]
    found = ann.post("/memories/search", {"query": "two", "filters": {"namespace": "a.b"}})
    ann.delete("/memories/by-key/a/k")
    ann.put("/memories/by-key/a/k", {"text": "four"})
    ann.put("/memories/by-key/a.b/k", {"text": "five"})
    ann.put("/memories/by-key/a.b/l", {"text": "six"})

    past = ann.get("/memories/namespaces", {"as_of": then}).json()
    body = {"query": "two", "filters": {"namespace": "a.b"}, "as_of": then}

    assert listed(ann, namespace="a", as_of=then) == before
    assert sorted(before) == [("a", "k", "one"), ("a.b", "k", "two")]
    assert (past["items"], past["erased_since"]) == (names, 0)
    assert ann.post("/memories/search", body).json()["results"] == found.json()["results"]


def test_a_key_that_was_given_away_changes_the_version(ann):
    memory = ann.put(AT, {"text": "Ann likes tea"}).json()
    ann.delete(AT)
    before = ann.get(f"/memories/{memory['id']}")
    ann.put(AT, {"text": "Ann likes milk"})

    after = ann.get(f"/memories/{memory['id']}")

    assert (before.json()["key"], after.json()["key"]) == ("likes", None)
    assert before["ETag"] != after["ETag"]


def test_a_deletion_is_undone_without_the_key_that_another_one_has(ann):
    memory = ann.put(AT, {"text": "Ann likes tea"}).json()
    ann.delete(AT)
    ann.put(AT, {"text": "Ann likes milk"})

    deleted, given_away = (
        LogLine.objects.get(memory_id=memory["id"], kind=kind) for kind in ("state", "own_key")
    )
    answers = [ann.post(f"/log/{line.sequence}/undo") for line in (deleted, given_away)]

    assert [answer.status_code for answer in answers] == [200, 409], answers[0].content
    assert answers[1].json()["code"] == "not_undoable"
    shown = ann.get(f"/memories/{memory['id']}").json()
    assert (shown["state"], shown["key"], shown["text"]) == ("active", None, "Ann likes tea")
    assert ann.get(AT).json()["text"] == "Ann likes milk"


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_keys_of_before_they_were_logged_are_known(alice):
    """As a release whose snapshots have no keys has written the log."""
    migration = import_module("memories.migrations.0052_own_key_in_log")
    sql.execute(migration.BACK)
    try:
        alice.put(AT, {"text": "Ann likes tea"})
        alice.remember("Without a key", infer=False)
        then = moment()
        alice.put(AT, {"text": "Ann likes coffee"})
        alice.put("/memories/by-key/users.bo/likes", {"text": "Bo likes tea"})
    finally:
        sql.execute(migration.CHANGE)
    assert {fault.code for fault in find_faults(alice.user.pk)} == {"memory"}
    migration.log_own_keys(None, None)
    alice.put(AT, {"text": "Ann likes milk"})

    assert kinds(alice) == ["stored", "stored", "revised", "stored", "known", "known", "revised"]
    assert find_faults(alice.user.pk) == []
    assert alice.get(AT, {"as_of": then}).json()["text"] == "Ann likes tea"
    assert listed(alice, namespace="users", as_of=then) == [("users.ann", "likes", "Ann likes tea")]
    # The line of the upgrade changed nothing, so it does not stand in the way.
    assert alice.post("/log/4/undo").status_code == 200
    assert alice.get("/memories/by-key/users.bo/likes").status_code == 404


def test_a_key_that_is_changed_past_the_log_is_found(ann):
    ann.put(AT, {"text": "Ann likes tea"})
    for column in ("namespace", "own_key"):
        with behind_its_back():
            sql.execute(f"UPDATE memories_memory SET {column} = {column} || 'x'")
            connection.check_constraints()

        assert [fault.code for fault in find_faults(ann.user.pk)] == ["memory"]
        with behind_its_back():
            sql.execute(f"UPDATE memories_memory SET {column} = rtrim({column}, 'x')")
            connection.check_constraints()
