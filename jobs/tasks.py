"""What the messages of the broker ask for. Each is safe to be asked for twice, or by two."""

from __future__ import annotations

import time

from celery import shared_task

from . import lease, reaper, retention, runner
from .registry import Lane
from .wakeup import nudge

# A worker goes on for so long after one message before it listens for the next one.
SHIFT_SECONDS = 10.0


@shared_task(name="jobs.work_off")
def work_off(lane: Lane) -> None:
    """Run what is due in a lane, one after the other."""
    end = time.monotonic() + SHIFT_SECONDS
    job = lease.take(lane)
    if job is not None and reaper.is_due(lane):
        nudge(lane)  # a colleague, as this one is busy now
    while job is not None:
        runner.run(job)
        job = lease.take(lane) if time.monotonic() < end else None
    if reaper.is_due(lane):
        nudge(lane)


@shared_task(name="jobs.sweep")
def sweep() -> None:
    reaper.sweep()


@shared_task(name="jobs.end_old")
def end_old() -> None:
    retention.end_old()
