"""GET /memories/diff: what changed between two moments."""

from __future__ import annotations

import pytest
from django.db import transaction
from django.utils import timezone

from memories.lifecycle import purge
from tests.cast import errors_of

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def moment() -> str:
    return timezone.now().isoformat()


def diff(member, first, last=None, **query):
    last = {} if last is None else {"to": last}
    answer = member.get("/memories/diff", {"from": first, **last, **query})
    assert answer.status_code == 200, answer.content
    return answer.json()


def test_it_lists_what_was_stored_revised_put_aside_and_brought_back(alice):
    revised, gone, back, same, there = (
        alice.remember(text) for text in ("Rex", "Tea", "Ana", "Moon", "Bo")
    )
    alice.post("/memories/actions/archive", {"memory_ids": [back["id"]]})
    first = moment()
    shown = alice.get(f"/memories/{revised['id']}").json()
    alice.patch(f"/memories/{revised['id']}", {"text": "Rex barks", "metadata": {"a": 1}})
    alice.delete(f"/memories/{gone['id']}")
    alice.post("/memories/actions/pause", {"memory_ids": [back["id"]], "state": "active"})
    alice.patch(f"/memories/{same['id']}", {"metadata": {"a": 1}})
    alice.patch(f"/memories/{same['id']}", {"metadata": {"a": None}})
    stored = alice.remember("Sun")
    last = moment()
    alice.patch(f"/memories/{revised['id']}", {"text": "Rex sleeps"})
    alice.patch(f"/memories/{there['id']}", {"text": "Bo sleeps"})

    answer = diff(alice, first, last)

    assert [(item["id"], item["change"]) for item in answer["items"]] == [
        (revised["id"], "revised"),
        (gone["id"], "put_aside"),
        (back["id"], "brought_back"),
        (stored["id"], "stored"),
    ]
    assert answer["total"] == 4
    assert answer["items"][0]["before"] == shown
    assert answer["items"][0]["after"]["text"] == "Rex barks"
    assert answer["items"][1]["after"]["state"] == "deleted"
    assert answer["items"][3]["before"] is None
    assert len(diff(alice, last)["items"]) == 2
    page = diff(alice, first, last, page=2, page_size=3)
    assert [item["id"] for item in page["items"]] == [stored["id"]]


def test_what_was_purged_or_is_denied_is_not_shown(alice):
    alice.remember("Moon")
    first = moment()
    gone, denied, shown = (alice.remember(text, app="desk") for text in ("Rex", "Tea", "Ana"))
    with transaction.atomic():
        purge.purge([gone["id"]])
    rule = {"effect": "deny", "memory_id": denied["id"]}
    assert alice.post(f"/apps/{denied['app_id']}/rules", rule).status_code == 201

    assert {item["id"] for item in diff(alice, first)["items"]} == {denied["id"], shown["id"]}
    desk = alice.with_key(app_name="desk")
    assert {item["id"] for item in diff(desk, first)["items"]} == {shown["id"]}


def test_moments_that_make_no_sense_are_named(alice):
    alice.remember("Rex")
    first = moment()

    for query, field, code in (
        ({}, "from", "malformed"),
        ({"from": "yesterday"}, "from", "malformed"),
        ({"from": 1}, "from", "before_log"),
        ({"from": first, "to": 1}, "to", "not_later"),
        ({"from": first, "to": "2999-01-01T00:00:00Z"}, "to", "malformed"),
        ({"from": first, "since": first}, "since", "unknown_field"),
    ):
        answer = alice.get("/memories/diff", query)
        assert (answer.status_code, answer.json()["code"]) == (400, code), query
        assert errors_of(answer) == {("query", field)}
