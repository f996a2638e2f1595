"""What was changed of a memory: by whom, when, and what it was before."""

import pytest

from memories.models import Memory, Revision, State, StateChange


def history(member, memory, **params):
    answer = member.get(f"/memories/{memory['id']}/history", params)
    assert answer.status_code == 200, answer.content
    return answer.json()


def what(entries):
    return [(entry["change"], entry["before"]) for entry in entries]


def test_all_changes_are_one_list_the_newest_first(alice, olga):
    memory = alice.remember("One.", metadata={"a": 1}, app="notes", infer=False)
    path = f"/memories/{memory['id']}"
    alice.patch(path, {"text": "Two.", "metadata": {"a": None}, "categories": ["x"]})
    alice.patch(path, {"actor": "Ana", "timestamp": 1_700_000_000})
    olga.put(path, {"memory_content": "Three.", "user_id": "alice"})
    alice.post("/memories/actions/pause", {"memory_ids": [memory["id"]]})
    alice.delete(path)

    page = history(alice, memory)

    assert (page["total"], page["page"], page["pages"]) == (6, 1, 1)
    assert what(page["items"]) == [
        ("state", {"state": "paused"}),
        ("state", {"state": "active"}),
        ("revised", {"text": "Two.", "categories": ["x"]}),
        ("revised", {"actor": None, "created_at": memory["created_at"]}),
        ("revised", {"text": "One.", "metadata_": {"a": 1}, "categories": []}),
        ("stored", {}),
    ]
    who = [(entry["user_id"], entry["app"], entry["state"]) for entry in page["items"]]
    assert who == [
        ("alice", None, "deleted"),
        ("alice", None, "paused"),
        ("olga", None, None),
        ("alice", None, None),
        ("alice", None, None),
        ("alice", "notes", "active"),
    ]
    own = {"id": str(alice.key.pk), "name": ""}
    keys = [entry["key"] for entry in page["items"]]
    assert keys == [own, own, {"id": str(olga.key.pk), "name": ""}, own, own, own]
    assert all(entry["at"] >= memory["created_at"] for entry in page["items"])


def test_it_comes_in_pages(alice):
    memory = alice.remember("0", infer=False)
    for number in range(1, 6):
        alice.patch(f"/memories/{memory['id']}", {"text": str(number)})

    pages = [history(alice, memory, page=page, page_size=2) for page in (1, 2, 3, 4)]

    assert [page["total"] for page in pages] == [6] * 4
    texts = [entry["before"].get("text") for page in pages for entry in page["items"]]
    assert texts == ["4", "3", "2", "1", "0", None]
    assert alice.get(f"/memories/{memory['id']}/history", {"page_size": 101}).status_code == 400


def test_what_superseded_a_memory_is_in_both_histories(alice):
    older, newer = alice.remember("I live in Porto."), alice.remember("I live in Berlin.")
    Memory.objects.filter(pk=older["id"]).supersede_by(
        Memory.objects.get(pk=newer["id"]), by=alice.user, reason="superseded"
    )
    alice.post("/memories/actions/pause", {"memory_ids": [older["id"]], "state": "active"})

    [resumed, superseded, stored] = history(alice, older)["items"]
    [supersedes, _] = history(alice, newer)["items"]

    assert (superseded["change"], superseded["memory_id"]) == ("superseded", newer["id"])
    assert (superseded["state"], superseded["reason"]) == ("archived", "superseded")
    assert (resumed["change"], resumed["before"]) == ("state", {"state": "archived"})
    assert stored["change"] == "stored"
    assert (supersedes["change"], supersedes["memory_id"]) == ("supersedes", older["id"])


def test_an_app_is_not_told_of_a_memory_that_it_may_not_read(alice):
    seen = alice.remember("I live in Porto.", app="desk")
    hidden = alice.remember("I live in Berlin.", app="desk")
    third = alice.remember("I live in Rome.", app="desk")
    for older, newer in ((seen, hidden), (hidden, third)):
        Memory.objects.filter(pk=older["id"]).supersede_by(
            Memory.objects.get(pk=newer["id"]), by=alice.user, reason="superseded"
        )
    [app] = alice.get("/apps").json()["apps"]
    alice.post(f"/apps/{app['id']}/rules", {"memory_id": hidden["id"], "effect": "deny"})
    bound = alice.with_key(app_name="desk")

    [archived, _] = history(bound, seen)["items"]

    assert (archived["change"], archived["reason"], archived["memory_id"]) == ("state", "", None)
    assert history(bound, third)["total"] == 1
    assert bound.get(f"/memories/{hidden['id']}/history").status_code == 404


def test_another_users_history_does_not_exist(alice, bob):
    memory = alice.remember("One.")

    answers = [bob.get(f"/memories/{pk}/history") for pk in (memory["id"], "none")]

    assert [answer.status_code for answer in answers] == [404, 404]
    assert answers[0].json()["detail"] == answers[1].json()["detail"]


def test_the_app_and_the_key_of_an_agent_are_named(alice):
    memory = alice.remember("One.", app="desk")
    bound = alice.with_key(app_name="desk", name="for the desk")

    bound.patch(f"/memories/{memory['id']}", {"metadata": {"a": 1}})

    entry = history(alice, memory)["items"][0]
    assert entry["app"] == "desk"
    assert entry["key"] == {"id": str(bound.key.pk), "name": "for the desk"}


def test_reading_the_history_is_logged_as_reading_the_memory(alice):
    memory = alice.remember("One.", app="desk")

    history(alice.with_key(app_name="desk"), memory)

    [access] = alice.get(f"/memories/{memory['id']}/access-log").json()["logs"]
    assert (access["app_name"], access["access_type"]) == ("desk", "get")


def test_what_was_recorded_before_there_were_keys_is_shown(alice):
    memory = alice.remember("Two.")
    Revision.objects.create(memory_id=memory["id"], content="One.", edited_by=None)
    StateChange.objects.update(key=None, app=None, changed_by=None)

    entries = history(alice, memory)["items"]

    assert what(entries) == [("revised", {"text": "One."}), ("stored", {})]
    assert [(it["user_id"], it["key"], it["app"]) for it in entries] == [(None, None, None)] * 2


@pytest.mark.parametrize("state", State.values)
def test_it_is_shown_in_any_state(alice, state):
    memory = alice.remember("One.")
    Memory.objects.all().change_state(State(state), by=alice.user)

    assert history(alice, memory)["items"][-1]["change"] == "stored"


def test_the_number_of_statements_is_fixed(alice, django_assert_num_queries):
    memory = alice.remember("0", infer=False)
    for number in range(1, 9):
        alice.patch(f"/memories/{memory['id']}", {"text": str(number)})

    # key, memory, places, revisions, changes
    with django_assert_num_queries(5):
        history(alice, memory)
