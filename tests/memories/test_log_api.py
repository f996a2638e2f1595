"""GET /log: the changes of a user's memories, as the log proves them."""

from __future__ import annotations

import pytest
from django.db import transaction

from memories.lifecycle import purge
from tests.cast import errors_of

pytestmark = pytest.mark.django_db(transaction=True, serialized_rollback=True)


def lines(member, **query):
    answer = member.get("/log", query)
    assert answer.status_code == 200, answer.content
    return answer.json()["items"]


def test_it_lists_each_change_with_who_made_it(alice):
    memory = alice.remember("Rex is a dog")
    alice.patch(f"/memories/{memory['id']}", {"text": "Rex is an old dog"})

    first, second = lines(alice)

    assert (first["sequence"], first["kind"]) == (1, "stored")
    assert (second["sequence"], second["kind"], second["memory_id"]) == (2, "revised", memory["id"])
    assert second["user_id"] == "alice"
    assert second["key"]["id"] == str(alice.key.pk)
    assert second["previous_hash"] == first["hash"]
    assert not second["redacted"]
    assert "Rex" not in str([first, second])


def test_it_goes_on_after_a_line_and_keeps_a_kind_or_a_memory(alice):
    memory, other = alice.remember("Rex is a dog"), alice.remember("Tea is green")
    alice.patch(f"/memories/{memory['id']}", {"text": "Rex is an old dog"})

    assert [line["sequence"] for line in lines(alice, after=1)] == [2, 3]
    assert [line["sequence"] for line in lines(alice, after=3)] == []
    assert [line["sequence"] for line in lines(alice, kind="revised")] == [3]
    assert [line["sequence"] for line in lines(alice, memory_id=other["id"])] == [2]


def test_a_purged_memory_leaves_lines_without_content(alice):
    memory = alice.remember("Rex is a dog")
    with transaction.atomic():
        purge.purge([memory["id"]])

    assert [(line["kind"], line["redacted"]) for line in lines(alice)] == [
        ("stored", True),
        ("purged", True),
    ]


def test_it_is_of_one_user_alone(alice, bob):
    memory = alice.remember("Rex is a dog")

    assert lines(bob) == []
    assert lines(bob, memory_id=memory["id"]) == []


def test_a_key_of_an_app_cannot_read_it(alice):
    """Its sequence would count memories that the app may not know of."""
    alice.remember("Tea is green", app="desk")

    answer = alice.with_key(app_name="desk").get("/log")

    assert (answer.status_code, answer.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("field", ["after", "kind", "memory_id", "page", "nonsense"])
@pytest.mark.parametrize("value", ["-1", "x", "", "99999999999999999999"])
def test_what_is_no_value_is_named(alice, field, value):
    answer = alice.get("/log", {field: value})

    assert answer.status_code == 400
    assert errors_of(answer) == {("query", field)}
