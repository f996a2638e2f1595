"""Recovers the jobs of dead workers, and those whose wake-up message was lost.

A periodic task sweeps; any worker runs it.
"""

from __future__ import annotations

import functools
from contextlib import suppress
from datetime import datetime
from typing import Any

import redis
import structlog
from django.core.cache import cache
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from core.compiled_query import CompiledStatement
from core.sql import fetch_binary

from . import registry
from .models import Job, JobError, State
from .models.job import after_last_attempt
from .queues import QUEUES, Queue
from .wakeup import wake_worker

log = structlog.get_logger(__name__)

# Expired leases that one sweep handles. A process that died leaves one at most.
BATCH = 100

# The cache key of the time of the last sweep, and the seconds until it expires.
LAST_SWEEP, LAST_SWEEP_TTL = "jobs:swept", 7 * 24 * 3600

WORKER_LOST: JobError = {
    "code": "worker_lost",
    "detail": "The worker that ran this job died or lost its connection.",
}


def sweep() -> None:
    """Reschedule or fail the jobs of dead workers, and wake workers for due jobs."""
    reap()
    with suppress(redis.RedisError):  # only the doctor reads it
        cache.set(LAST_SWEEP, timezone.now(), timeout=LAST_SWEEP_TTL)
    for queue in QUEUES:
        if has_due_jobs(queue):
            wake_worker(queue)


def last_sweep() -> datetime | None:
    """The time of the last sweep, if it is known. Raises redis.RedisError."""
    time: datetime | None = cache.get(LAST_SWEEP)
    return time


def has_due_jobs(queue: Queue) -> bool:
    job_types = tuple(registry.names(queue))
    if not job_types:
        return False
    due, parameters = _due(job_types)
    [(has_some,)] = fetch_binary(f"SELECT EXISTS ({due})", parameters)
    return bool(has_some)


@functools.cache
def _due(job_types: tuple[str, ...]) -> tuple[str, list[Any]]:
    return CompiledStatement(lambda: Job.objects.due(job_types).order_by().values("pk")).bind()


def reap() -> None:
    """Reschedule or fail the jobs whose lease has expired. The attempt counts."""
    with transaction.atomic():
        expired = Job.objects.filter(
            state=State.RUNNING, lease_until__lt=Now(), kind__in=registry.names()
        )
        for job in expired.select_for_update(skip_locked=True)[:BATCH]:
            _reap(job)


def _reap(job: Job) -> None:
    log.warning("a worker has died", job_id=str(job.pk), kind=job.kind, attempts=job.attempts)
    job_type = registry.get_job_type(job.kind)
    job.lease_token = job.lease_until = None
    job.error = WORKER_LOST
    if job.cancel_requested:
        job.state, job.finished_at = State.CANCELLED, Now()
    elif job.attempts >= job_type.attempts:
        job.state, job.finished_at = State.FAILED, Now()
        job.error = after_last_attempt(WORKER_LOST, job.attempts)
    else:
        job.state, job.run_after = State.QUEUED, Now() + job_type.backoff_after(job.attempts)
    job.save(
        update_fields=["state", "lease_token", "lease_until", "run_after", "finished_at", "error"]
    )
