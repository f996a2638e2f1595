"""From when and until when a fact is true, as the language model says it."""

from datetime import UTC, datetime

import pytest

from memories.inference.fact_times import read_times
from memories.models import Memory, Terms
from tests.memories.inference.conftest import tell, texts

# Monday, 16 November 2026.
SAID = 1_794_787_200
FUTURE = 4_000_000_000


def day(*parts):
    return datetime(*parts, tzinfo=UTC)


@pytest.mark.parametrize(
    ("item", "terms", "left_out"),
    [
        ({}, Terms(), 0),
        ({"valid_from": None, "valid_until": "", "expires_at": " "}, Terms(), 0),
        ({"valid_from": "2026-03"}, Terms(valid_from=day(2026, 3, 1)), 0),
        ({"valid_until": "2026-11-20"}, Terms(valid_until=day(2026, 11, 21)), 0),
        ({"valid_until": "2026-12"}, Terms(valid_until=day(2027, 1, 1)), 0),
        ({"valid_until": "2026"}, Terms(valid_until=day(2027, 1, 1)), 0),
        ({"expires_at": "2026-02-28"}, Terms(expires_at=day(2026, 3, 1)), 0),
        ({"valid_from": "2026-03-01T18:30Z"}, Terms(valid_from=day(2026, 3, 1, 18, 30)), 0),
        ({"valid_from": "2026-03-01T18:30:09.7+02:00"},
         Terms(valid_from=day(2026, 3, 1, 16, 30, 9)), 0),
        ({"valid_from": "2026-05-05", "valid_until": "2026-05-05"},
         Terms(valid_from=day(2026, 5, 5), valid_until=day(2026, 5, 6)), 0),
        ({"valid_from": "2026-05-06", "valid_until": "2026-05-05", "expires_at": "2027"},
         Terms(expires_at=day(2028, 1, 1)), 2),
        ({"valid_from": "soon", "valid_until": "2026-02-30"}, Terms(), 2),
        ({"valid_until": "9999"}, Terms(), 1),
        ({"valid_until": "9998-12-31"}, Terms(), 1),
        ({"valid_from": "1950"}, Terms(), 1),
        ({"valid_from": "2026-13"}, Terms(), 1),
    ],
)  # fmt: skip
def test_times_are_read_as_far_as_they_are_times(item, terms, left_out):
    assert read_times(item) == (terms, left_out)


def test_what_is_said_of_a_time_becomes_the_validity_of_a_fact(alice, fake):
    text = "The gym is closed until Friday. Ada works from home from March on."

    first, job = tell(alice, text, timestamp=SAID)

    second = Memory.objects.exclude(pk=first.pk).get()
    assert first.valid_until == day(2026, 11, 21)
    assert (second.valid_from, second.valid_until) == (day(2027, 3, 1), None)
    assert "times_left_out" not in job.result


def test_what_is_to_be_forgotten_expires(alice, fake):
    memory, _ = tell(alice, "The code is 4711, forget it after 2090-05-05.")

    assert memory.expires_at == day(2090, 5, 6)


def test_a_broken_time_costs_no_fact_and_is_counted(alice, fake):
    memory, job = tell(alice, "The gym is closed until 2026-02-31.")

    assert job.state == "succeeded"
    assert job.result["times_left_out"] == 1
    assert memory.content == "The gym is closed until 2026-02-31."
    assert memory.terms == Terms()


def test_what_was_sent_counts_before_what_the_model_says(alice, fake):
    tell(alice, "Tea until 2090-05-05. My dog is old.", valid_until=FUTURE, expires_at=FUTURE)

    memories = Memory.objects.all()
    assert {int(memory.valid_until.timestamp()) for memory in memories} == {FUTURE}
    assert {int(memory.expires_at.timestamp()) for memory in memories} == {FUTURE}


def test_sent_times_that_a_fact_cannot_have_leave_its_own_out(alice, fake):
    memory, job = tell(alice, "Tea until 2020-05-05.", valid_from=SAID)

    assert job.state == "succeeded"
    assert (int(memory.valid_from.timestamp()), memory.valid_until) == (SAID, None)


def test_a_fact_that_is_replaced_ends_where_the_other_begins(alice, fake):
    old, _ = tell(alice, "I live in York.", timestamp=SAID - 1000)

    new, job = tell(alice, "I moved to Leeds.", timestamp=SAID)

    old.refresh_from_db()
    assert (old.state, old.superseded_by, int(old.valid_until.timestamp())) == (
        "archived",
        new,
        SAID,
    )
    assert job.result["superseded"] == [{"memory_id": str(old.pk), "superseded_by": str(new.pk)}]
    assert old.revisions.last().terms == {"valid_until": None}


def test_what_begins_later_replaces_nothing_yet(alice, fake):
    old, _ = tell(alice, "I live in York.")

    new, job = tell(alice, "I moved to Leeds from 2090-03-01 on.")

    old.refresh_from_db()
    assert (old.state, old.valid_until) == ("active", day(2090, 3, 1))
    assert new.valid_from == day(2090, 3, 1)
    assert job.result["superseded"] == []
    body = {"query": "Where do I live?", "at": "2091-01-01T00:00:00Z"}
    hits = alice.post("/memories/search", body).json()["results"]
    assert [hit["id"] for hit in hits] == [str(new.pk), str(old.pk)]


def test_inference_leaves_what_is_immutable(alice, fake):
    old = alice.remember("I live in York.", immutable=True)

    tell(alice, "I moved to Leeds.")

    assert old["job"] is None
    assert texts(alice) == {"I live in York.", "I moved to Leeds."}
    assert Memory.objects.get(pk=old["id"]).terms == Terms(immutable=True)


def test_a_text_that_is_made_immutable_is_no_longer_replaced(alice, fake):
    sent = alice.remember("My dog is old. I like tea.")
    alice.patch(f"/memories/{sent['id']}", {"immutable": True})

    tell(alice, "I live in York.")

    assert Memory.objects.get(pk=sent["id"]).content == "My dog is old. I like tea."
    assert texts(alice) == {"My dog is old. I like tea.", "I live in York."}


def test_a_fact_is_not_known_by_what_has_expired(alice, fake):
    alice.remember("My dog is called Rex.", expires_at=5)

    _, job = tell(alice, "My dog is called Rex!")

    assert job.result["known"] == []
    assert texts(alice) >= {"My dog is called Rex!"}
