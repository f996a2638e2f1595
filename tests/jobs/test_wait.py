import threading
import time
import uuid

import pytest
from django.db import connection

from jobs import wait as waiting
from jobs.models import State
from jobs.registry import get_job_type
from jobs.runner import run_due
from jobs.wait import wait
from tests.deadline import SECONDS, eventually


def run_elsewhere():
    run_due()
    connection.close()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_waits_for_a_job_is_told_when_it_has_ended(alice, register):
    register()
    job = get_job_type("work").enqueue(owner=alice.user)
    worker = threading.Timer(0.1, run_elsewhere)
    worker.start()

    assert wait(job, seconds=SECONDS).state == State.SUCCEEDED
    worker.join()


def test_who_waits_for_a_job_waits_no_longer_than_they_want(alice, register):
    register()
    job = get_job_type("work").enqueue(owner=alice.user)

    assert wait(job, seconds=0.01).state == State.QUEUED


def test_who_comes_when_too_many_wait_does_not_wait(alice, register, monkeypatch):
    register()
    job = get_job_type("work").enqueue(owner=alice.user)
    monkeypatch.setattr(waiting, "MAX_WAITING", 0)

    assert wait(job, seconds=100_000).state == State.QUEUED


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_one_user_waits_for_few_jobs_and_leaves_others_room(alice, bob, register, monkeypatch):
    register()
    monkeypatch.setattr(waiting, "MAX_WAITING_PER_USER", 2)
    jobs = [get_job_type("work").enqueue(owner=alice.user) for _ in range(2)]
    threads = [threading.Thread(target=wait_elsewhere, args=[job]) for job in jobs]
    for thread in threads:
        thread.start()
    assert eventually(lambda: waiting._waiting[alice.user.pk] == 2)

    third = get_job_type("work").enqueue(owner=alice.user)
    assert wait(third, seconds=100_000).state == State.QUEUED
    others = get_job_type("work").enqueue(owner=bob.user)
    assert wait(others, seconds=0.5).state == State.QUEUED

    run_due()
    for thread in threads:
        thread.join()
    assert [job.state for job in jobs] == [State.SUCCEEDED] * 2
    assert not waiting._waiting


def wait_elsewhere(job):
    wait(job, seconds=SECONDS)
    connection.close()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_who_waits_holds_no_connection_to_the_database(alice, register):
    register()
    job = get_job_type("work").enqueue(owner=alice.user)
    thread = threading.Thread(target=wait_elsewhere, args=[job])
    thread.start()
    assert eventually(lambda: waiting._waiting[alice.user.pk] == 1)

    assert eventually(lambda: connections_in_use() == 1)  # that of this thread

    run_due()
    thread.join()


def connections_in_use():
    """Those that threads have taken from the pool."""
    stats = connection.pool.get_stats()
    return stats["pool_size"] - stats["pool_available"]


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_whatever_is_wrong_once_others_are_told_afterwards(alice, register, monkeypatch):
    register()
    job = get_job_type("work").enqueue(owner=alice.user)
    with monkeypatch.context() as patch:
        patch.setattr(waiting._watcher, "_unfinished", refuse)
        assert wait(job, seconds=SECONDS).state == State.QUEUED

    thread = threading.Thread(target=wait_elsewhere, args=[job])
    thread.start()
    assert eventually(lambda: waiting._waiting[alice.user.pk] == 1)
    run_due()
    thread.join()


def refuse(_):
    raise RuntimeError("Not now.")


def test_a_long_wait_does_not_keep_a_short_one_waiting(monkeypatch):
    """Of all waits, the one that began last says how soon the database is asked again."""
    watcher = waiting.Watcher()
    pauses = []
    monkeypatch.setattr(watcher._changes, "wait", pauses.append)
    now = time.monotonic()
    watcher._ended[threading.Event()] = uuid.uuid4(), now - 1000
    watcher._pause()
    watcher._ended[threading.Event()] = uuid.uuid4(), now
    watcher._pause()

    long, short = pauses
    assert long == waiting.MAX_POLL_SECONDS
    assert waiting.MIN_POLL_SECONDS <= short < long
