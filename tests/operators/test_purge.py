"""The purge of what was deleted long ago."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps_registry.models import AccessRule, App
from memories.models import (
    Access,
    Categorization,
    Embedding,
    FirstAccess,
    Memory,
    Revision,
    StateChange,
)
from operators import purge_deleted
from operators.models import Receipt
from tests.memories.stock import stock

HANGING = [Access, Categorization, Embedding, FirstAccess, Revision, StateChange]


def purge():
    return list(purge_deleted.purge_due())


def long_deleted(member, *texts):
    return stock(
        member.user, texts, state="deleted", state_changed_at=timezone.now() - timedelta(days=31)
    )


def forget_for_long(*ids):
    Memory.objects.filter(pk__in=ids).update(state_changed_at=timezone.now() - timedelta(days=31))


def test_all_that_hangs_on_a_memory_goes_with_it_and_a_receipt_stays(alice):
    kept = alice.remember("Our dog Rex is afraid of thunder", app="notes")
    gone = alice.remember("Mira lives in Lisbon", app="notes")["id"]
    alice.put(f"/memories/{gone}", {"memory_content": "Mira lives in Porto"})
    alice.post("/memories/search", {"query": "Where does Mira live?", "app": "notes"})
    Memory.objects.filter(pk=kept["id"]).update(state="archived", superseded_by=gone)
    alice.delete(f"/memories/{gone}")
    assert alice.get(f"/memories/{gone}").status_code == 200
    forget_for_long(gone)
    assert purge_deleted.count_due() == {"Memory": 1}

    [counts] = purge()

    assert alice.get(f"/memories/{gone}").status_code == 404
    assert [model.objects.filter(memory=gone).count() for model in HANGING] == [0] * 6
    assert alice.get(f"/memories/{kept['id']}").json()["superseded_by"] is None
    receipt = Receipt.objects.get()
    assert (receipt.kind, receipt.subject, receipt.made_by) == ("purge", "", None)
    assert [str(pk) for pk in receipt.memories] == [gone]
    assert receipt.counts == counts
    assert counts["Memory"] == counts["Revision"] == counts["Embedding"] == 1
    assert counts["StateChange"] == 2


def test_what_an_app_has_read_is_counted_without_what_is_gone(alice):
    for text in ("Our dog Rex is afraid of thunder", "Our dog Rex likes cheese"):
        alice.remember(text, app="notes")
    alice.post("/memories/search", {"query": "What of our dog Rex?", "app": "notes"})
    app = App.objects.get(name="notes")
    assert app.memories_read == 2
    gone = Memory.objects.first()
    alice.delete(f"/memories/{gone.pk}")
    forget_for_long(gone.pk)

    purge()

    app.refresh_from_db()
    assert app.memories_read == FirstAccess.objects.filter(app=app).count() == 1


def test_what_was_deleted_not_so_long_ago_stays(alice, settings):
    stock(alice.user, ["Tea"], state="deleted")
    long_deleted(alice, "Milk")
    stock(alice.user, ["Old"], state="archived", state_changed_at=timezone.now() - timedelta(31))

    settings.DELETED_KEEP_DAYS = 0
    assert purge() == []
    settings.DELETED_KEEP_DAYS = 30
    purge()

    assert sorted(Memory.objects.values_list("content", flat=True)) == ["Old", "Tea"]
    assert purge() == []
    assert Receipt.objects.count() == 1


def test_what_expired_long_ago_is_purged_as_what_was_deleted(alice, settings):
    now = timezone.now()
    recent, long_ago = now - timedelta(days=29), now - timedelta(days=31)
    [gone] = stock(alice.user, ["Gone"], expires_at=long_ago)
    stock(alice.user, ["Archived and gone"], state="archived", expires_at=long_ago)
    stock(alice.user, ["Expired"], expires_at=recent)
    stock(alice.user, ["Deleted later"], state="deleted", expires_at=long_ago)
    stock(alice.user, ["Kept"], expires_at=now + timedelta(days=1))
    assert purge_deleted.count_due() == {"Memory": 2}

    settings.DELETED_KEEP_DAYS = 0
    assert purge() == []
    settings.DELETED_KEEP_DAYS = 30
    purge()

    kept = Memory.objects.order_by("content").values_list("content", flat=True)
    assert list(kept) == ["Deleted later", "Expired", "Kept"]
    assert gone.pk in Receipt.objects.get().memories
    assert alice.get(f"/memories/{gone.pk}").status_code == 404


def test_a_memory_that_is_brought_back_is_not_purged(alice, monkeypatch):
    [memory] = stock(alice.user, ["Back"], expires_at=timezone.now() - timedelta(days=31))
    lock_readers = purge_deleted.lock_readers

    def bring_back(ids):
        answer = alice.patch(f"/memories/{memory.pk}", {"expires_at": None})
        assert answer.status_code == 200
        lock_readers(ids)

    monkeypatch.setattr(purge_deleted, "lock_readers", bring_back)
    purge()

    assert alice.get(f"/memories/{memory.pk}").json()["state"] == "active"
    assert not Receipt.objects.exists()


def test_each_step_has_a_receipt_of_the_one_act(alice, monkeypatch):
    monkeypatch.setattr(purge_deleted, "BATCH_SIZE", 2)
    ids = {memory.pk for memory in long_deleted(alice, "one", "two", "three")}

    assert [counts["Memory"] for counts in purge()] == [2, 1]

    receipts = Receipt.objects.all()
    assert len({receipt.act for receipt in receipts}) == 1
    assert {pk for receipt in receipts for pk in receipt.memories} == ids


def test_a_purge_never_lets_an_app_read_more_than_before(alice):
    stock(alice.user, ["Secret"])
    [allowed, denied] = long_deleted(alice, "Allowed", "Denied")
    app = App.objects.get(name="stock")
    only = AccessRule.objects.create(app=app, memory_id=allowed.pk, effect="allow")
    AccessRule.objects.create(app=app, memory_id=denied.pk, effect="deny")
    reader = alice.with_key(app_name="stock")
    assert reader.get("/memories").json()["items"] == []

    purge()

    assert list(AccessRule.objects.all()) == [only]
    assert reader.get("/memories").json()["items"] == []


@pytest.mark.parametrize("size", [3, 30])
def test_a_step_takes_as_many_statements_for_few_as_for_many(
    alice, size, django_assert_max_num_queries
):
    long_deleted(alice, *map(str, range(size)))

    with django_assert_max_num_queries(24):
        assert len(purge()) == 1
