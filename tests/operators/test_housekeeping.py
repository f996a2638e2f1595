"""Housekeeping: by the server itself, and by command."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.db import connection, transaction
from django.utils import timezone

from core import sql
from core.locks import Lock
from jobs.models import Job
from jobs.runner import run_due
from memories.access import log
from memories.lifecycle import purge
from memories.models import Access, Category, Memory, UserCategory, UserIndex
from memories.vectors import user_index
from operators import housekeeping, vacuum
from operators.chores import CHORES
from operators.models import Receipt
from tests.deadline import SECONDS
from tests.memories.stock import stock
from tests.wait import until_somebody_waits

# A vacuum runs in no transaction.
pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]

LONG_AGO = timezone.now() - timedelta(days=400)


def housekeep(*options):
    said = StringIO()
    call_command("housekeep", *options, "--json", stdout=said)
    lines = map(json.loads, said.getvalue().splitlines())
    return {line["chore"]: line["counts"] for line in lines}


def later(monkeypatch, **time):
    now = timezone.now() + timedelta(**time)
    monkeypatch.setattr(timezone, "now", lambda: now)


def deleted_long_ago(member, *texts):
    return stock(member.user, texts, state="deleted", state_changed_at=LONG_AGO)


def test_the_server_keeps_house_by_a_job_that_is_nobodys(alice, olga):
    deleted_long_ago(alice, "Tea")
    housekeeping.enqueue_due()

    assert run_due() == 1

    job = Job.objects.get()
    assert (job.state, job.owner) == ("succeeded", None)
    assert set(job.result) == {chore.name for chore in CHORES}
    assert job.result["purge"]["Memory"] == 1
    assert Receipt.objects.count() == 1
    for member, status in ((alice, 404), (olga, 200)):  # an operator reaches any job by its id
        assert member.get("/jobs").json()["total"] == 0
        assert member.get(f"/jobs/{job.pk}").status_code == status


def test_it_is_due_again_after_a_day_and_after_an_hour_where_it_failed(db, monkeypatch):
    housekeeping.enqueue_due()
    run_due()
    assert housekeeping.enqueue_due() is None
    later(monkeypatch, hours=23)
    assert housekeeping.enqueue_due() is None

    later(monkeypatch, hours=2)
    second = housekeeping.enqueue_due()

    assert second is not None
    error = {"code": "internal", "detail": ""}
    Job.objects.filter(pk=second.pk).update(state="failed", error=error, finished_at=timezone.now())
    assert housekeeping.enqueue_due() is None
    later(monkeypatch, hours=2)
    assert housekeeping.enqueue_due() is not None


def test_the_command_does_all_chores_and_says_what_it_did(alice, settings):
    settings.ACCESSES_KEEP_DAYS = 365
    housekeep("--only", "vacuum")  # what other tests have left
    deleted_long_ago(alice, "Tea")
    [read] = stock(alice.user, ["Coffee"])
    for moment in (LONG_AGO, timezone.now()):
        Access.objects.create(memory=read, accessed_at=moment, access_type="search")
    Category.objects.create(name="unheard-of")
    Category.objects.update(created_at=LONG_AGO)
    for key, ends in (("ended", LONG_AGO), ("lasting", timezone.now() + timedelta(hours=1))):
        Session.objects.create(session_key=key, expire_date=ends)
    planned = {chore: counts for chore, counts in housekeep("--dry-run").items() if counts}
    assert planned == {
        "purge": {"Memory": 1},
        "accesses": {"Access": 1},
        "categories": {"Category": 1},
        "sessions": {"Session": 1},
    }

    done = housekeep()

    assert list(done) == [chore.name for chore in CHORES]
    assert done["purge"]["Memory"] == 1
    assert done["accesses"] == {"Access": 1}
    assert done["categories"] == {"Category": 1}
    assert Access.objects.get().accessed_at > LONG_AGO
    assert Session.objects.get().pk == "lasting"
    assert [counts for counts in housekeep("--dry-run").values() if counts] == []


def test_only_the_chores_that_are_named_are_done(alice):
    deleted_long_ago(alice, "Tea")

    assert list(housekeep("--only", "archive", "accesses")) == ["archive", "accesses"]

    assert Memory.objects.count() == 1


def test_the_log_of_accesses_is_kept_for_ever_unless_it_is_set(alice):
    [read] = stock(alice.user, ["Coffee"])
    Access.objects.create(memory=read, accessed_at=LONG_AGO, access_type="search")

    housekeep()

    assert Access.objects.count() == 1


def test_the_log_of_accesses_is_forgotten_step_by_step(alice, monkeypatch):
    monkeypatch.setattr(log, "BATCH", 2)
    [read] = stock(alice.user, ["Coffee"])
    for _ in range(3):
        Access.objects.create(memory=read, accessed_at=LONG_AGO, access_type="search")

    steps = list(log.prune(timezone.now() - timedelta(days=365)))

    assert steps == [{"Access": 2}, {"Access": 1}]
    assert Access.objects.count() == 0


def test_a_category_stays_that_the_server_knows_or_that_is_new_or_described(alice, settings):
    settings.CATEGORIES = ["sailing"]
    for name in ("travel", "sailing"):
        Category.objects.get_or_create(name=name)
    Category.objects.create(name="by hand", description="What somebody wanted to have")
    Category.objects.update(created_at=LONG_AGO)
    Category.objects.create(name="just made by a job")

    housekeep()

    assert set(Category.objects.values_list("name", flat=True)) == {
        "travel", "sailing", "by hand", "just made by a job",
    }  # fmt: skip


def test_indexes_of_users_are_built_and_dropped_as_they_are_needed(alice, settings):
    settings.EXACT_SEARCH_LIMIT = 10
    memories = stock(alice.user, [str(number) for number in range(11)])
    assert housekeep("--dry-run", "--only", "indexes") == {"indexes": {"indexes": 1}}

    assert housekeep("--only", "indexes")["indexes"] == {"indexes built": 1}
    assert UserIndex.objects.count() == 1
    assert housekeep("--only", "indexes")["indexes"] == {}

    Memory.objects.filter(pk__in=[memory.pk for memory in memories[4:]]).delete()
    assert housekeep("--only", "indexes")["indexes"] == {"indexes dropped": 1}
    assert (UserIndex.objects.count(), user_index.find_leftovers()) == (0, [])


@pytest.fixture
def no_autovacuum(db):
    """On a busy machine, autovacuum may come first."""
    sql.execute("ALTER TABLE memories_memory SET (autovacuum_enabled = false)")
    yield
    sql.execute("ALTER TABLE memories_memory RESET (autovacuum_enabled)")


def test_a_table_is_vacuumed_and_counted_once_much_of_it_has_changed(alice, no_autovacuum):
    stock(alice.user, [str(number) for number in range(1_200)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")

    assert housekeep("--only", "vacuum")["vacuum"]["tables"] >= 1

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n_mod_since_analyze FROM pg_stat_user_tables"
            " WHERE relname = 'memories_memory' AND schemaname = current_schema()"
        )
        assert cursor.fetchone() == (0,)


def test_while_a_table_is_busy_house_is_kept_again_later(alice, monkeypatch, no_autovacuum):
    monkeypatch.setattr(vacuum, "LOCK_TIMEOUT", "10ms")
    stock(alice.user, [str(number) for number in range(1_200)])
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_force_next_flush()")
    job = housekeeping.enqueue_due()

    other = connection.copy()
    try:
        other.set_autocommit(False)
        with other.cursor() as cursor:
            cursor.execute("LOCK TABLE memories_memory IN SHARE UPDATE EXCLUSIVE MODE")
        run_due()
    finally:
        other.close()

    job.refresh_from_db()
    assert (job.state, job.error["code"]) == ("queued", "tables_busy")


def test_a_category_stays_that_somebody_is_just_putting_a_memory_into(alice):
    sailing = Category.objects.create(name="sailing")
    Category.objects.update(created_at=LONG_AGO)
    [memory] = stock(alice.user, ["To Lisbon."])

    with ThreadPoolExecutor() as others:
        with transaction.atomic():
            memory.add_categories([sailing])
            told = others.submit(_drop_categories)
            until_somebody_waits()
        counts = told.result(timeout=SECONDS)

    assert not counts["categories"]
    assert list(memory.categories.all()) == [sailing]


def _drop_categories():
    try:
        return housekeep("--only", "categories")
    finally:
        connection.close()


def test_two_do_not_keep_house_at_once(db):
    with housekeeping.hold_lock():
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [Lock.HOUSEKEEPING])
                assert cursor.fetchone() == (False,)
        finally:
            other.close()


def test_an_unknown_chore_is_refused(db):
    with pytest.raises(CommandError, match="invalid choice: 'tidy'"):
        call_command("housekeep", "--only", "tidy")


def test_a_category_stays_while_the_log_tells_that_it_was_used(alice):
    memory = alice.remember("Rex is a dog")
    path = f"/memories/{memory['id']}"
    alice.patch(path, {"categories": ["kennel"]})
    then = timezone.now().isoformat()
    alice.patch(path, {"categories": ["other"]})
    for model in (Category, UserCategory):
        model.objects.update(created_at=LONG_AGO)
    UserCategory.objects.update(updated_at=LONG_AGO)

    housekeep("--only", "categories")
    assert alice.get(path, {"as_of": then}).json()["categories"] == ["kennel"]
    known = alice.get("/memories/categories", {"as_of": then}).json()["categories"]
    assert [category["name"] for category in known] == ["kennel"]

    with transaction.atomic():
        purge.purge([memory["id"]])
    housekeep("--only", "categories")
    assert not Category.objects.filter(name="kennel").exists()
