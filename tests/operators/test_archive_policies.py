"""Archive policies: what they archive, and what they leave."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from memories.lifecycle import archive
from memories.models import ArchivePolicy, Category, Memory, StateChange
from operators import housekeeping
from tests.memories.stock import stock

LONG_AGO = timezone.now() - timedelta(days=100)


def old(member, *texts, **fields):
    return stock(member.user, texts, updated_at=LONG_AGO, **fields)


def follow():
    return sum((counts["archived"] for counts in archive.archive_due()), 0)


def states():
    return dict(Memory.objects.values_list("content", "state"))


def test_what_nobody_has_changed_for_so_many_days_is_archived_with_a_history(alice, bob, olga):
    old(alice, "Tea")
    stock(alice.user, ["Coffee"])  # learned in 2020, put down today
    old(bob, "Milk")
    policy = ArchivePolicy.objects.create(days=90, made_by=olga.user)
    assert archive.count_due() == {"archived": 2}

    assert follow() == 2

    assert states() == {"Tea": "archived", "Coffee": "active", "Milk": "archived"}
    change = StateChange.objects.get(memory__content="Tea")
    assert (change.old_state, change.new_state) == ("active", "archived")
    assert (change.changed_by, change.reason) == (olga.user, "unchanged for 90 days")
    policy.refresh_from_db()
    assert policy.archived == 2
    assert policy.followed_at is not None


def test_doing_it_twice_does_it_once(alice):
    old(alice, "Tea")
    ArchivePolicy.objects.create(days=90)
    ArchivePolicy.objects.create(days=30)

    assert follow() == 1
    assert follow() == 0

    assert StateChange.objects.count() == 1
    assert StateChange.objects.get().changed_by is None


def test_what_was_taken_out_of_the_archive_stays_out(alice):
    [memory] = old(alice, "Tea")
    ArchivePolicy.objects.create(days=90)
    follow()

    alice.post("/memories/actions/pause", {"memory_ids": [str(memory.pk)], "state": "active"})

    assert follow() == 0
    assert states() == {"Tea": "active"}


def test_only_what_is_active_is_archived(alice):
    for state in ("paused", "deleted", "archived"):
        old(alice, state, state=state)
    ArchivePolicy.objects.create(days=90)

    assert follow() == 0


def test_a_policy_is_about_all_that_it_names_together(alice, bob):
    [trip, _] = old(alice, "A trip", "Tea")
    old(bob, "Another trip")
    travel = Category.objects.create(name="travel")
    trip.add_categories([travel])
    for days, about in enumerate(
        [{"user": bob.user, "category": travel}, {"category": travel, "app_name": "other"}], 1
    ):
        ArchivePolicy.objects.create(days=days, **about)
    assert follow() == 0

    ArchivePolicy.objects.create(days=90, user=alice.user, app_name="stock", category=travel)

    assert follow() == 1
    assert states() == {"A trip": "archived", "Tea": "active", "Another trip": "active"}


def test_a_policy_that_is_switched_off_is_not_followed(alice):
    old(alice, "Tea")
    ArchivePolicy.objects.create(days=90, is_active=False)

    assert archive.count_due() == {"archived": 0}
    assert follow() == 0


@pytest.mark.parametrize("days", [0, 36_501])
def test_the_database_takes_no_policy_without_a_sensible_time(db, days):
    with pytest.raises(IntegrityError), transaction.atomic():
        ArchivePolicy.objects.create(days=days)


def test_more_than_one_step_archives_them_all(alice, monkeypatch):
    monkeypatch.setattr(archive, "BATCH", 2)
    old(alice, "one", "two", "three", "four", "five")
    policy = ArchivePolicy.objects.create(days=90)

    assert [counts["archived"] for counts in archive.archive_due()] == [2, 2, 1]

    policy.refresh_from_db()
    assert policy.archived == 5


def test_housekeeping_is_due_once_a_day_whatever_was_started_again(db, settings):
    first = housekeeping.enqueue_due()

    assert first.owner is None
    assert housekeeping.enqueue_due() == first
