"""The Celery tasks. Each may run twice, also at the same time."""

from __future__ import annotations

import time
from collections.abc import Callable

from celery import shared_task

from . import reaper, retention, runner
from .claim import claim
from .queues import Queue
from .wakeup import wake_worker

# A worker runs due jobs for this long before it takes the next message.
SHIFT_SECONDS = 10.0

# A worker for both queues puts here how it has a long job run, which would hold up its quick ones.
ask_for_long_job: Callable[[], None] | None = None


@shared_task(name="jobs.work_off")
def work_off(queue: Queue) -> None:
    """Run the due jobs of a queue, one after another."""
    if queue == "long" and ask_for_long_job is not None:
        ask_for_long_job()
        return
    end = time.monotonic() + SHIFT_SECONDS
    job = claim(queue)
    if job is not None and reaper.has_due_jobs(queue):
        wake_worker(queue)  # another one, as this one is busy now
    while job is not None:
        runner.run(job)
        job = claim(queue) if time.monotonic() < end else None
    if reaper.has_due_jobs(queue):
        wake_worker(queue)


@shared_task(name="jobs.sweep")
def sweep() -> None:
    reaper.sweep()


@shared_task(name="jobs.end_old")
def remove_expired() -> None:
    retention.remove_expired()
