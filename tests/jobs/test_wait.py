import threading

import pytest
from django.db import connection

from jobs import wait as waiting
from jobs.models import State
from jobs.registry import get_job_type
from jobs.runner import run_due
from jobs.wait import wait
from tests.deadline import SECONDS


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
    monkeypatch.setattr(waiting, "_slots", threading.Semaphore(0))

    assert wait(job, seconds=100_000).state == State.QUEUED
