"""What messages ask for, and what is sent from time to time."""

from __future__ import annotations

import pytest
from celery.schedules import schedule
from django.conf import settings

from jobs import tasks
from jobs.models import Job, State
from jobs.queues import QUEUES
from jobs.registry import get_job_type
from openmemory.celery import app


@pytest.fixture
def woken(monkeypatch):
    """The queues of which a worker was woken."""
    queues = []
    monkeypatch.setattr(tasks, "wake_worker", queues.append)
    return queues


def test_one_message_is_enough_for_all_that_is_due(alice, register, woken):
    register()
    for _ in range(3):
        get_job_type("work").enqueue(owner=alice.user)

    tasks.work_off("quick")

    assert Job.objects.filter(state=State.SUCCEEDED).count() == 3
    assert woken == ["quick"]  # a colleague, who was free meanwhile
    tasks.work_off("quick")
    assert woken == ["quick"]


def test_a_worker_listens_again_now_and_then_and_has_the_rest_done(
    alice, register, woken, monkeypatch
):
    monkeypatch.setattr(tasks, "SHIFT_SECONDS", -1.0)
    register()
    for _ in range(2):
        get_job_type("work").enqueue(owner=alice.user)

    tasks.work_off("quick")

    assert Job.objects.filter(state=State.QUEUED).count() == 1
    assert woken == ["quick", "quick"]


def test_what_is_sent_from_time_to_time_is_known_to_the_workers_and_listened_for():
    app.loader.import_default_modules()

    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert schedule(entry["schedule"]) if isinstance(entry["schedule"], int) else entry
        # What nobody was there to do is not done twice later.
        assert entry["options"]["expires"] > 0
    assert app.conf.task_default_queue == settings.JOBS_QUEUES["quick"]
    assert set(settings.JOBS_QUEUES) == set(settings.WORKERS) == set(QUEUES)
