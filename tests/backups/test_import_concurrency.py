"""Imports that are interrupted, and concurrent ones."""

import io
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from django.db import OperationalError, connection

from backups.importing import Mode, import_archive
from backups.importing.merge import Merge
from backups.jobs import enqueue_import
from jobs.models import Job
from jobs.runner import run_due
from memories.models import LogLine, Memory, StateChange
from tests.backups.archive_factory import Ours
from tests.backups.imports import all_rows

# What others see of an import, they see on connections of their own.
pytestmark = [pytest.mark.django_db(transaction=True, serialized_rollback=True), pytest.mark.slow]


def run(archive, user, mode=Mode.OVERWRITE, **more):
    return import_archive(io.BytesIO(archive), user=user, mode=mode, by=user, **more)


def lose_connection():
    """Do to the connection what becomes of it when its process is killed."""
    parameters = connection.get_connection_params()
    with psycopg.connect(**parameters, autocommit=True) as other:
        pid = connection.connection.info.backend_pid
        other.execute("SELECT pg_terminate_backend(%s, 60000)", [pid])


@pytest.mark.parametrize("share", [0.1, 0.6, 1.0])
def test_an_import_that_is_killed_leaves_nothing(share, alice):
    before = all_rows()

    def kill(done, total):
        if done >= share * total:
            lose_connection()

    with pytest.raises(OperationalError):
        run(Ours("alice").zipped(), alice.user, progress=kill)
    connection.close()

    assert all_rows() == before
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_class WHERE relname ~ '^(staged|packed|copied|target)_'"
        )
        assert cursor.fetchone() == (0,)


def test_a_job_that_was_broken_off_does_it_once(alice, monkeypatch):
    merge = Merge._merge_categories
    failures = iter([True])

    def fail_once(self):
        merge(self)
        if next(failures, False):
            lose_connection()

    monkeypatch.setattr(Merge, "_merge_categories", fail_once)
    file = io.BytesIO(Ours("alice").zipped())
    job = enqueue_import(file, alice.user, Mode.OVERWRITE, by=alice.user)

    run_due()
    job.refresh_from_db()
    assert (job.state, Memory.objects.count()) == ("queued", 0)
    Job.objects.update(run_after=job.created_at)
    run_due()

    job.refresh_from_db()
    assert (job.state, job.attempts, job.result["memories_created"]) == ("succeeded", 2, 4)
    assert (Memory.objects.count(), StateChange.objects.count()) == (4, 7)


def test_several_imports_of_one_user_at_once_are_as_one_after_the_other(alice):
    archive = Ours("alice").zipped()

    def once(number):
        try:
            return run(archive, alice.user)["memories_created"]
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        created = sorted(threads.map(once, range(4)))

    assert created == [0, 0, 0, 4]
    before = all_rows()
    run(archive, alice.user)
    assert all_rows() == before


def test_two_users_who_import_the_same_ids_at_once_both_have_them(alice, bob):
    """Each archive says that it is its user's own, and only one of them can keep the ids."""
    archive = Ours("alice")
    first = archive.zipped()
    archive.entities["user"]["user_id"] = "bob"
    second = archive.zipped()

    def once(archive_and_user):
        try:
            return run(*archive_and_user)["memories_created"]
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as threads:
        created = list(threads.map(once, [(first, alice.user), (second, bob.user)]))

    assert created == [4, 4]
    assert Memory.objects.owned_by(alice.user).count() == 4
    assert Memory.objects.owned_by(bob.user).count() == 4


def test_an_import_writes_one_line_of_the_log_for_each_memory(alice):
    run(Ours("alice").zipped(), alice.user)

    lines = LogLine.objects.of_user(alice.user).after(0)
    assert {line.kind for line in lines} == {"stored"}
    assert {line.memory_id for line in lines} == set(Memory.objects.values_list("pk", flat=True))
    assert [line.sequence for line in lines] == list(range(1, Memory.objects.count() + 1))
