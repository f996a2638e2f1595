"""A memory takes the place of others, by their ids."""

import pytest

from apps_registry.models import AccessRule, App, Effect
from memories.models import Memory, StateChange
from tests.cast import errors_of

UNKNOWN = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def porto(alice):
    return alice.remember("Ada lives in Porto", app="notes")


def test_what_is_superseded_is_archived_and_linked_both_ways(alice, porto):
    new = alice.remember("Ada lives in Rome", supersedes=[porto["id"]])

    assert new["supersedes"] == [porto["id"]]
    old = alice.get(f"/memories/{porto['id']}").json()
    assert (old["state"], old["superseded_by"]) == ("archived", new["id"])
    shown = alice.get(f"/memories/{new['id']}").json()
    assert shown["supersedes"] == [porto["id"]]
    entry = alice.get(f"/memories/{porto['id']}/history").json()["items"][0]
    assert (entry["change"], entry["memory_id"]) == ("superseded", new["id"])
    assert entry["key"]["id"] == str(alice.key.pk)
    change, stored = alice.get(f"/memories/{new['id']}/history").json()["items"]
    if change["change"] == "stored":  # in the same moment
        change, stored = stored, change
    assert (change["change"], change["memory_id"]) == ("supersedes", porto["id"])
    hits = alice.post("/memories/search", {"query": "Where does Ada live?"}).json()["results"]
    assert [hit["id"] for hit in hits] == [new["id"]]


def test_the_tag_of_the_answer_is_that_of_the_memory(alice, porto):
    body = {"text": "Ada lives in Rome", "supersedes": [porto["id"]]}

    answer = alice.post("/memories", body)

    assert alice.get(f"/memories/{answer.json()['id']}")["ETag"] == answer["ETag"]


def test_what_was_superseded_is_brought_back(alice, porto):
    alice.remember("Ada lives in Rome", supersedes=porto["id"])

    body = {"memory_ids": [porto["id"]], "state": "active"}
    assert alice.post("/memories/actions/pause", body).status_code == 200

    old = alice.get(f"/memories/{porto['id']}").json()
    assert (old["state"], old["superseded_by"]) == ("active", None)


@pytest.mark.parametrize("unknown", ["nobody", "bob", "denied", "expired"])
def test_with_one_id_that_does_not_exist_nothing_is_stored(alice, bob, porto, unknown):
    ids = {
        "nobody": UNKNOWN,
        "bob": bob.remember("Bob has a boat")["id"],
        "denied": alice.remember("Ada has a secret")["id"],
        "expired": alice.remember("Ada has a cold", expires_at=5)["id"],
    }
    app = App.objects.get(owner=alice.user, name="notes")
    AccessRule.objects.create(app=app, memory_id=ids["denied"], effect=Effect.DENY)
    count, changes = Memory.objects.count(), StateChange.objects.count()
    body = {
        "text": "Ada lives in Rome",
        "app": "notes",
        "supersedes": [porto["id"], ids[unknown]],
    }

    answer = alice.post("/memories", body)

    assert (answer.status_code, answer.json()["code"]) == (404, "memory_not_found")
    assert ids[unknown] in answer.json()["detail"]
    assert (Memory.objects.count(), StateChange.objects.count()) == (count, changes)
    assert alice.get(f"/memories/{porto['id']}").json()["state"] == "active"


def test_a_deleted_memory_is_not_superseded(alice, porto):
    alice.delete(f"/memories/{porto['id']}")

    answer = alice.post("/memories", {"text": "Ada lives in Rome", "supersedes": [porto["id"]]})

    assert (answer.status_code, answer.json()["code"]) == (409, "memory_deleted")
    assert Memory.objects.count() == 1


def test_what_is_archived_or_paused_is_superseded_as_well(alice, porto):
    alice.post("/memories/actions/archive", {"memory_ids": [porto["id"]]})
    rome = alice.remember("Ada lives in Rome", supersedes=[porto["id"]])
    alice.post("/memories/actions/pause", {"memory_ids": [rome["id"]]})

    oslo = alice.remember("Ada lives in Oslo", supersedes=[porto["id"], rome["id"], porto["id"]])

    assert oslo["supersedes"] == [porto["id"], rome["id"]]
    assert Memory.objects.filter(superseded_by=oslo["id"], state="archived").count() == 2


def test_a_repeated_request_supersedes_once(alice, porto):
    body = {"supersedes": [porto["id"]]}
    new = alice.remember("Ada lives in Rome", **body)

    again = alice.remember("Ada lives in Rome", **body)

    assert (again["event"], again["id"]) == ("DUPLICATE", new["id"])
    assert again["supersedes"] == [porto["id"]]
    assert StateChange.objects.filter(memory=porto["id"]).count() == 2


def test_a_text_takes_the_place_of_the_same_text(alice, porto):
    new = alice.remember("ada lives in porto", app="notes", supersedes=[porto["id"]])

    assert new["event"] == "ADD"
    assert new["supersedes"] == [porto["id"]]


@pytest.mark.parametrize(
    ("value", "place"),
    [
        (["x"], ("body", "supersedes", "0")),
        ([1], ("body", "supersedes", "0")),
        ([UNKNOWN] * 101, ("body", "supersedes")),
    ],
)
def test_only_ids_are_superseded(alice, value, place):
    answer = alice.post("/memories", {"text": "One", "supersedes": value})

    assert answer.status_code == 400
    assert place in errors_of(answer)


@pytest.mark.parametrize("value", [None, []])
def test_nothing_need_be_superseded(alice, value):
    assert alice.remember("One", supersedes=value)["supersedes"] == []
