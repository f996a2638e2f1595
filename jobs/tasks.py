"""What the messages of the broker ask for. Each is safe to be asked for twice, or by two."""

from __future__ import annotations

import time

from celery import shared_task

from . import reaper, retention, runner
from .claim import claim
from .queues import Queue
from .wakeup import wake_worker

# A worker goes on for so long after one message before it listens for the next one.
SHIFT_SECONDS = 10.0


@shared_task(name="jobs.work_off")
def work_off(queue: Queue) -> None:
    """Run what is due in a queue, one after the other."""
    end = time.monotonic() + SHIFT_SECONDS
    job = claim(queue)
    if job is not None and reaper.is_due(queue):
        wake_worker(queue)  # a colleague, as this one is busy now
    while job is not None:
        runner.run(job)
        job = claim(queue) if time.monotonic() < end else None
    if reaper.is_due(queue):
        wake_worker(queue)


@shared_task(name="jobs.sweep")
def sweep() -> None:
    reaper.sweep()


@shared_task(name="jobs.end_old")
def end_old() -> None:
    retention.end_old()
