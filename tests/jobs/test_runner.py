"""What becomes of a job, run in this process."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError
from django.db.models import F
from django.utils import timezone

from accounts.models import User
from core.errors import Unavailable
from jobs import lease
from jobs.claim import claim
from jobs.models import Job, JobFinished, State
from jobs.registry import get_job_type
from jobs.runner import INTERNAL_ERROR, SERVICE_UNREACHABLE, run, run_due


class Away(Unavailable):
    """The model is away."""

    code = "away"


def enqueue_work(alice, **more):
    return get_job_type("work").enqueue(owner=alice.user, **more)


def state_of(job):
    job.refresh_from_db()
    return job.state


def make_due(job):
    """Let the pause before the next attempt pass."""
    Job.objects.filter(pk=job.pk).update(run_after=F("run_after") - timedelta(hours=1))


def raising(error):
    def run(job_run):
        raise error

    return run


def test_what_is_put_into_the_dict_is_the_result(alice, register):
    def run(job_run):
        job_run.progress(3, 4)
        job_run.progress(4)
        with job_run.finishing() as result:
            result["answer"] = 42

    register(run)
    job = enqueue_work(alice)

    run_due()

    assert state_of(job) == State.SUCCEEDED
    assert (job.result, job.done, job.total, job.attempts) == ({"answer": 42}, 4, 4, 1)
    assert job.created_at <= job.started_at <= job.finished_at


def test_effects_of_a_job_that_fails_while_it_finishes_have_not_happened(alice, register):
    def run(job_run):
        with job_run.finishing():
            User.objects.create_user("effect")
            raise Away

    register(run)
    job = enqueue_work(alice)

    run_due()

    assert state_of(job) == State.FAILED
    assert job.error == {"code": "away", "detail": "The model is away."}
    assert not User.objects.filter(user_id="effect").exists()


def test_what_may_pass_is_tried_again_later_and_later_and_given_up_in_the_end(alice, register):
    register(raising(Away()), attempts=3, retries_on=(Away,), backoff=100)
    job = enqueue_work(alice)
    pauses = []
    while state_of(job) == State.QUEUED:
        assert job.error in (None, {"code": "away", "detail": "The model is away."})
        run_due()
        job.refresh_from_db()
        assert job.error["code"] == "away"
        pauses.append((job.run_after - timezone.now()).total_seconds())
        make_due(job)

    assert [round(pause, -1) for pause in pauses[:2]] == [
        pytest.approx(100, abs=30),
        pytest.approx(300, abs=80),
    ]
    assert job.attempts == len(pauses) == 3
    assert job.error == {
        "code": "away",
        "detail": "The model is away. Given up after 3 attempts.",
    }


def test_a_job_that_waits_for_another_attempt_says_why_until_it_succeeds(alice, register):
    failures = iter([Away()])

    def run(job_run):
        for failure in failures:
            raise failure

    register(run, retries_on=(Away,))
    job = enqueue_work(alice)

    run_due()
    waiting = alice.get(f"/jobs/{job.pk}").json()
    make_due(job)
    run_due()
    ended = alice.get(f"/jobs/{job.pk}").json()

    assert (waiting["state"], waiting["error"]) == (
        "queued",
        {"code": "away", "detail": "The model is away."},
    )
    assert (ended["state"], ended["error"]) == ("succeeded", None)


def test_a_database_that_is_away_is_worth_another_attempt(alice, register):
    register(raising(OperationalError("server closed the connection")))
    job = enqueue_work(alice)

    run_due()

    assert (state_of(job), job.attempts) == (State.QUEUED, 1)
    assert job.error == {"code": "service_away", "detail": SERVICE_UNREACHABLE}


def test_what_nobody_foresaw_fails_a_job_and_tells_nobody_but_the_log(alice, register, caplog):
    register(raising(ZeroDivisionError("secret")))
    job = enqueue_work(alice)

    run_due()

    assert state_of(job) == State.FAILED
    assert job.error == {"code": "internal", "detail": INTERNAL_ERROR}
    assert "ZeroDivisionError" in caplog.text


def test_a_job_that_waits_is_cancelled_at_once(alice, register):
    register()
    job = enqueue_work(alice)

    job.cancel()

    assert state_of(job) == State.CANCELLED
    assert run_due() == 0
    with pytest.raises(JobFinished):
        job.cancel()


def test_a_job_that_runs_is_cancelled_at_its_next_step(alice, register):
    def run(job_run):
        with job_run.step():
            User.objects.create_user("before")
        job_run.job.cancel()
        with job_run.step():
            User.objects.create_user("after")

    register(run)
    job = enqueue_work(alice)

    run_due()

    assert state_of(job) == State.CANCELLED
    assert list(User.objects.filter(user_id__in=["before", "after"]).values_list("user_id")) == [
        ("before",)
    ]


def test_a_job_that_takes_too_long_fails(alice, register, settings):
    settings.JOBS_TIME_LIMITS = {"quick": -1}
    register(lambda job_run: job_run.progress(1))
    job = enqueue_work(alice)

    run_due()

    assert (state_of(job), job.error["code"]) == (State.FAILED, "timed_out")


def test_a_worker_that_stops_releases_its_job_as_if_not_claimed(alice, register, monkeypatch):
    register(lambda job_run: job_run.progress(1))
    job = enqueue_work(alice)
    taken = claim("quick")
    monkeypatch.setattr(lease, "stopping", stopping := threading.Event())
    stopping.set()

    run(taken)

    assert (state_of(job), job.attempts) == (State.QUEUED, 0)
    assert run_due() == 0
