"""What a person does to one memory, to the selected ones, and to all that match."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.utils import timezone

from memories.models import Memory, Revision, State, StateChange
from pages.memory_change import SALT


@pytest.fixture
def ids(alice):
    return [alice.remember(f"Memory {number}", infer=False)["id"] for number in range(4)]


@pytest.fixture
def foreign_id(bob):
    return bob.remember("Bob's own", infer=False)["id"]


def states(ids):
    found = dict(Memory.objects.filter(pk__in=ids).values_list("pk", "state"))
    return [found[next(pk for pk in found if str(pk) == each)] for each in ids]


def undo_token(answer):
    return re.search(r'name="token" value="([^"]+)"', answer.content.decode())[1]


@pytest.mark.parametrize(
    ("verb", "state"),
    [("pause", "paused"), ("archive", "archived"), ("delete", "deleted"), ("resume", "active")],
)
def test_the_selected_are_changed(browser, alice, ids, verb, state):
    Memory.objects.filter(pk=ids[3]).change_state(State.PAUSED, by=alice.user)

    answer = browser.post("/memories/change", {"do": verb, "ids": [ids[0], ids[3]]})

    assert answer.headers["Location"] == "/memories"
    assert states(ids) == [state, "active", "active", state]
    last = StateChange.objects.latest("id")
    assert last.changed_by == alice.user


def test_one_is_changed_whatever_is_selected(browser, ids):
    browser.post("/memories/change", {"do": f"pause {ids[1]}", "ids": ids, "scope": "all"})

    assert states(ids) == ["active", "paused", "active", "active"]


@pytest.mark.parametrize("verb", ["pause", "archive", "delete"])
def test_a_change_is_undone_as_each_memory_was(browser, alice, ids, verb):
    Memory.objects.filter(pk=ids[0]).change_state(State.ARCHIVED, by=alice.user)
    Memory.objects.filter(pk=ids[1]).change_state(State.PAUSED, by=alice.user)
    before = states(ids)
    browser.post("/memories/change", {"do": verb, "ids": ids})
    assert states(ids) != before

    page = browser.get("/memories")
    answer = browser.post("/memories/undo", {"token": undo_token(page), "next": "/memories"})

    assert answer.status_code == 302
    assert states(ids) == before
    assert "as they were before" in browser.get("/memories").content.decode()


def test_what_has_changed_since_is_not_undone(browser, alice, ids):
    browser.post("/memories/change", {"do": "delete", "ids": ids[:2]})
    token = undo_token(browser.get("/memories"))
    Memory.objects.filter(pk=ids[0]).change_state(State.PAUSED, by=alice.user)

    browser.post("/memories/undo", {"token": token})
    browser.post("/memories/undo", {"token": token})

    assert states(ids[:2]) == ["paused", "active"]


def test_nobody_undoes_what_somebody_else_did(browser, browser_of, bob, ids):
    browser.post("/memories/change", {"do": "delete", "ids": ids})
    token = undo_token(browser.get("/memories"))

    assert browser_of(bob).post("/memories/undo", {"token": token}).status_code == 410
    assert states(ids) == ["deleted"] * 4


@pytest.mark.parametrize("token", ["", "x", "a:b:c", "\0"])
def test_no_token_that_was_made_up_undoes_anything(browser, ids, token):
    assert browser.post("/memories/undo", {"token": token}).status_code == 410


def test_a_change_can_be_undone_for_an_hour(browser, ids, monkeypatch):
    browser.post("/memories/change", {"do": "delete", "ids": ids})
    token = undo_token(browser.get("/memories"))
    later = timezone.now() + timedelta(hours=2)
    monkeypatch.setattr(signing.time, "time", later.timestamp)

    assert browser.post("/memories/undo", {"token": token}).status_code == 410
    assert SALT == "pages.undo"


def test_all_that_match_are_changed_after_their_number_was_said(browser, alice, ids):
    alice.remember("Another one", infer=False)
    chosen = {"do": "archive", "scope": "all", "query": "q=memory&exact=on", "ids": []}

    asked = browser.post("/memories/change", chosen)
    assert "Archive 4 memories?" in asked.content.decode()
    assert states(ids) == ["active"] * 4

    browser.post("/memories/change", {**chosen, "count": "4"})
    assert states(ids) == ["archived"] * 4
    assert Memory.objects.active().count() == 1


def test_it_is_asked_again_where_the_number_has_changed(browser, alice, ids):
    chosen = {"do": "delete", "scope": "all", "query": "", "count": "3"}

    asked = browser.post("/memories/change", chosen)

    assert "Delete 4 memories?" in asked.content.decode()
    assert "has changed" in asked.content.decode()
    assert Memory.objects.active().count() == 4


def test_all_are_those_of_the_person(browser, ids, foreign_id):
    browser.post("/memories/change", {"do": "delete", "scope": "all", "query": "", "count": "4"})

    assert states(ids) == ["deleted"] * 4
    assert states([foreign_id]) == ["active"]


@pytest.mark.parametrize("verb", ["pause", "delete", "tag", "pin"])
def test_nobody_changes_the_memory_of_somebody_else(browser, ids, foreign_id, verb):
    form = {"do": verb, "ids": [ids[0], foreign_id], "category": "pets"}

    one = {**form, "do": f"{verb} {foreign_id}"}

    assert browser.post("/memories/change", form).status_code == 404
    assert browser.post("/memories/change", one).status_code == 404
    assert states([ids[0], foreign_id]) == ["active", "active"]


@pytest.mark.parametrize(
    "form",
    [
        {}, {"do": "purge"}, {"do": "pause x"}, {"do": "pause", "ids": ["x"]},
        {"do": "pause", "ids": ["00000000-0000-0000-0000-000000000000"] * 101},
        {"do": "delete", "scope": "all", "query": "q=tea"},
        {"do": "delete", "scope": "all", "query": "state=nonsense"},
        {"do": "delete", "scope": "all", "query": "application=notes"},
        {"do": "delete", "scope": "all", "query": "q=" + "x" * 9000},
        {"do": "tag", "category": ""}, {"do": "tag", "category": "a,b"},
        {"do": "tag", "category": "\u202e"},
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(browser, ids, form):
    assert browser.post("/memories/change", {"ids": ids, **form}).status_code == 400
    assert states(ids) == ["active"] * 4


def test_nothing_selected_changes_nothing(browser, ids):
    browser.post("/memories/change", {"do": "delete"})

    assert "Nothing was selected" in browser.get("/memories").content.decode()
    assert states(ids) == ["active"] * 4


def test_memories_are_tagged_beside_the_categories_that_they_have(browser, alice, ids):
    alice.patch(f"/memories/{ids[0]}", {"categories": ["work"]})

    browser.post("/memories/change", {"do": "tag", "ids": ids[:2], "category": " Travel "})
    browser.post("/memories/change", {"do": "tag", "ids": ids[:2], "category": "travel"})

    found = [alice.get(f"/memories/{pk}").json()["categories"] for pk in ids[:3]]
    assert found == [["travel", "work"], ["travel"], []]
    assert Revision.objects.filter(memory=ids[1]).count() == 1


def test_memories_are_pinned_and_unpinned(browser, alice, ids):
    alice.patch(f"/memories/{ids[0]}", {"metadata": {"a": 1}})

    browser.post("/memories/change", {"do": "pin", "ids": ids[:2]})
    assert alice.get(f"/memories/{ids[0]}").json()["metadata_"] == {"a": 1, "pinned": True}
    browser.post("/memories/change", {"do": f"unpin {ids[0]}"})

    assert alice.get(f"/memories/{ids[0]}").json()["metadata_"] == {"a": 1}
    assert alice.get(f"/memories/{ids[1]}").json()["metadata_"] == {"pinned": True}


def test_the_state_of_a_locked_memory_changes_and_nothing_else(browser, alice, ids):
    alice.patch(f"/memories/{ids[0]}", {"immutable": True})

    assert browser.post("/memories/change", {"do": f"pin {ids[0]}"}).status_code == 409
    browser.post("/memories/change", {"do": f"pause {ids[0]}"})

    assert states(ids[:1]) == ["paused"]


def test_one_that_is_deleted_from_its_page_leads_to_the_list(browser, ids):
    form = {"do": f"delete {ids[0]}", "next": f"/memories/{ids[0]}"}

    assert browser.post("/memories/change", form).headers["Location"] == "/memories"
