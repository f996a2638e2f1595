from __future__ import annotations

import threading
from io import BytesIO

import pytest
from django.db import connection, transaction

from jobs import registry
from jobs.models import Job
from jobs.registry import JobType, get_job_type, job_type, names
from jobs.runner import run_due


@pytest.fixture
def woken(monkeypatch):
    """The queues of which a worker was woken."""
    queues = []
    monkeypatch.setattr(registry, "wake_worker", queues.append)
    return queues


def test_a_job_that_is_queued_runs_once(alice, register):
    runs = []
    register(lambda job_run: runs.append(job_run.parameters))
    get_job_type("work").enqueue(owner=alice.user, parameters={"a": 1})

    assert (run_due(), run_due()) == (1, 0)

    assert runs == [{"a": 1}]


def test_a_worker_is_woken_once_the_job_is_there_to_be_found(
    alice, register, woken, django_capture_on_commit_callbacks
):
    register(queue="long")

    with django_capture_on_commit_callbacks(execute=True):
        get_job_type("work").enqueue(owner=alice.user)
        assert woken == []

    assert woken == ["long"]


def test_a_job_of_a_transaction_that_failed_is_none(alice, register):
    register()

    with transaction.atomic():
        get_job_type("work").enqueue(owner=alice.user)
        transaction.set_rollback(True)

    assert not Job.objects.exists()


def test_what_is_to_be_done_once_is_queued_once_until_it_has_ended(alice, register):
    register()
    first = get_job_type("work").enqueue(owner=alice.user, queueing_lock="alice")

    again = get_job_type("work").enqueue(owner=alice.user, queueing_lock="alice")
    other = get_job_type("work").enqueue(owner=alice.user, queueing_lock="bob")
    run_due()
    later = get_job_type("work").enqueue(owner=alice.user, queueing_lock="alice")

    assert again == first
    assert len({first.pk, other.pk, later.pk}) == 3


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_what_is_queued_once_by_two_at_the_same_time_is_one_job(alice, register):
    register()
    queued = []

    def queue_once() -> None:
        queued.append(get_job_type("work").enqueue(owner=alice.user, queueing_lock="alice").pk)
        connection.close()

    threads = [threading.Thread(target=queue_once) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(queued)) == 1
    assert Job.objects.count() == 1


def test_a_job_finds_the_file_it_was_queued_with(alice, register):
    read = []

    def run(job_run):
        with job_run.upload as file:
            read.append(file.read())

    register(run)
    get_job_type("work").enqueue(owner=alice.user, upload=BytesIO(b"an archive"))

    run_due()

    assert read == [b"an archive"]


def test_the_file_of_a_job_that_is_there_already_is_not_kept(alice, register, stored):
    register()
    how = {"owner": alice.user, "queueing_lock": "alice"}
    first = get_job_type("work").enqueue(**how, upload=BytesIO(b"first"))

    get_job_type("work").enqueue(**how, upload=BytesIO(b"second"))

    assert [folder.name for folder in stored.iterdir()] == [str(first.pk)]


def test_two_job_types_of_one_name_are_rejected(register):
    register()

    with pytest.raises(ValueError, match="two job types named 'work'"):
        register(lambda job_run: None, attempts=7)
    assert JobType("work") != JobType("work", queue="long")


def test_a_function_becomes_a_job_type_by_its_decorator(alice, register):
    @job_type("decorated", queue="long", attempts=7)
    def work(run):
        with run.finishing() as result:
            result["parameters"] = run.parameters

    job = work.enqueue(owner=alice.user, parameters={"a": 1})
    run_due()

    job.refresh_from_db()
    assert work == JobType("decorated", queue="long", attempts=7) == get_job_type("decorated")
    assert (job.kind, job.result) == ("decorated", {"parameters": {"a": 1}})


def test_a_job_type_is_known_once_it_has_its_function(alice, register):
    declared = JobType("declared")
    job = declared.enqueue(owner=alice.user)
    assert (names(), run_due()) == ([], 0)

    @declared.function
    def work(run):
        pass

    assert (names("quick"), names("long"), run_due()) == (["declared"], [], 1)
    job.refresh_from_db()
    assert job.state == "succeeded"
