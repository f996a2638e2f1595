"""Who may run a job, and for how long."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import User
from jobs import heartbeat, reaper
from jobs.claim import claim
from jobs.models import Job, State
from jobs.registry import get_job_type
from jobs.runner import run, run_due
from tests.deadline import eventually


def enqueue_work(alice):
    return get_job_type("work").enqueue(owner=alice.user)


def state_of(job):
    job.refresh_from_db()
    return job.state


def elsewhere(*calls):
    """Do these at the same time, each with a connection of its own, as other processes would."""

    def do(call):
        try:
            call()
        finally:
            connection.close()

    threads = [threading.Thread(target=do, args=[call]) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def end_lease(job):
    Job.objects.filter(pk=job.pk).update(lease_until=timezone.now() - timedelta(seconds=1))


def make_due(job):
    """Let the pause before the next attempt pass."""
    Job.objects.filter(pk=job.pk).update(run_after=timezone.now() - timedelta(hours=1))


def until_progress_is_told(job):
    assert eventually(Job.objects.filter(pk=job.pk, done=7, total=9).exists)


def test_a_run_whose_lease_has_ended_changes_nothing_any_more(alice, register):
    def run(job_run):
        end_lease(job_run.job)
        reaper.reap()
        with job_run.finishing():
            User.objects.create_user("effect")

    register(run)
    job = enqueue_work(alice)

    run_due()

    assert (state_of(job), job.attempts, job.lease_token) == (State.QUEUED, 1, None)
    assert not User.objects.filter(user_id="effect").exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_lease_that_ends_while_a_job_finishes_undoes_what_it_has_done(alice, register):
    def run(job_run):
        with job_run.finishing():
            User.objects.create_user("effect")
            elsewhere(lambda: [end_lease(job_run.job), reaper.reap()])

    register(run)
    job = enqueue_work(alice)

    run_due()

    assert state_of(job) == State.QUEUED
    assert not User.objects.filter(user_id="effect").exists()


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_a_job_is_given_to_one_of_those_who_ask_for_it_at_the_same_time(alice, register):
    register()
    job = enqueue_work(alice)
    taken = []

    def take():
        taken.append(claim("quick"))

    elsewhere(*[take] * 4)

    assert [each for each in taken if each] == [job]
    assert claim("quick") is None


def test_a_job_that_is_run_twice_has_its_effects_once(alice, register):
    def make(job_run):
        with job_run.finishing():
            User.objects.create_user(f"effect-{job_run.job.attempts}")

    register(make)
    enqueue_work(alice)
    job = claim("quick")

    run(job)
    run(job)

    assert User.objects.filter(user_id__startswith="effect").count() == 1


def test_a_job_whose_workers_keep_dying_fails(alice, register):
    register(attempts=2)
    job = enqueue_work(alice)
    for _ in range(2):
        make_due(job)
        claim("quick")
        end_lease(job)
        reaper.reap()

    assert state_of(job) == State.FAILED
    assert job.error == {
        "code": "worker_lost",
        "detail": "The worker that ran this job died or lost its connection."
        " Given up after 2 attempts.",
    }


def test_a_job_that_was_to_be_cancelled_is_not_run_again_when_its_worker_dies(alice, register):
    register()
    job = enqueue_work(alice)
    claim("quick").cancel()
    end_lease(job)

    reaper.reap()

    assert state_of(job) == State.CANCELLED


def test_a_sweep_wakes_a_worker_for_what_is_due_and_for_nothing_else(alice, register, monkeypatch):
    queues = []
    monkeypatch.setattr(reaper, "wake_worker", queues.append)
    register(queue="long")
    reaper.sweep()
    assert queues == []

    enqueue_work(alice)
    reaper.sweep()

    assert queues == ["long"]


def test_a_job_of_a_type_that_this_server_does_not_know_is_left_alone(alice, register):
    register()
    job = Job.objects.create(owner=alice.user, kind="of another version")

    assert run_due() == 0
    assert state_of(job) == State.QUEUED


@pytest.mark.django_db(transaction=True, serialized_rollback=True)
def test_progress_is_told_and_a_cancel_is_taken_while_a_job_does_its_effects(
    alice, register, monkeypatch
):
    monkeypatch.setattr(heartbeat, "BEAT_SECONDS", 0.01)

    def run(job_run):
        with job_run.finishing():
            User.objects.create_user("effect")
            job_run.progress(7, 9)
            elsewhere(lambda: until_progress_is_told(job_run.job))
            elsewhere(job_run.job.cancel)
            eventually(lambda: job_run.progress(8))  # until it is cancelled

    register(run)
    job = enqueue_work(alice)

    run_due()

    assert state_of(job) == State.CANCELLED
    assert not User.objects.filter(user_id="effect").exists()


def merge(parameters):
    return {"numbers": [number for each in parameters for number in each["numbers"]]}


def enqueue_number(owner, number):
    return get_job_type("work").enqueue(owner=owner, parameters={"numbers": [number]})


def test_a_job_does_what_other_due_jobs_of_its_owner_were_to_do(alice, bob, register):
    done = []

    def run(job_run):
        job_run.absorb_due(merge, limit=2)
        with job_run.finishing():
            done.append((job_run.owner.user_id, sorted(job_run.parameters["numbers"])))

    register(run)
    jobs = [enqueue_number(alice.user, number) for number in range(5)]
    enqueue_number(bob.user, 5)
    later = Job.objects.filter(pk=jobs[3].pk)
    later.update(run_after=timezone.now() + timedelta(hours=1))

    run_due()

    assert sorted(done) == [("alice", [0, 1, 2]), ("alice", [4]), ("bob", [5])]
    assert later.get().state == State.QUEUED
    assert sorted(
        map(
            len,
            Job.objects.exclude(pk=later.get().pk).values_list("parameters__numbers", flat=True),
        )
    ) == [1, 1, 3]


def test_a_run_that_fails_leaves_what_it_took_over_to_its_next_one(alice, register):
    done = []

    def run(job_run):
        job_run.absorb_due(merge, limit=9)
        if job_run.job.attempts == 1:
            raise TimeoutError
        done.append(job_run.parameters["numbers"])

    register(run, retries_on=(TimeoutError,), backoff=0.0)
    for number in range(3):
        enqueue_number(alice.user, number)

    run_due()

    assert done == [[0, 1, 2]]


def test_a_run_without_a_lease_takes_nothing_over(alice, register):
    def run(job_run):
        end_lease(job_run.job)
        reaper.reap()
        job_run.absorb_due(merge, limit=9)

    register(run)
    for number in range(2):
        enqueue_number(alice.user, number)

    run_due()

    assert sorted(Job.objects.values_list("parameters__numbers", flat=True)) == [[0], [1]]
