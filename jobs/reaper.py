"""Finding what was left lying: by a lost message, a dead worker, a broker that was emptied."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

import redis
import structlog
from django.core.cache import cache
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from . import registry
from .models import Job, JobError, State
from .models.job import given_up
from .queues import QUEUES, Queue
from .wakeup import wake_worker

log = structlog.get_logger(__name__)

# Ended leases that one sweep sees to. There is never more than one for each process that died.
AT_ONCE = 100

# Where it is noted that somebody sweeps, and for how many seconds.
SWEPT, NOTED = "jobs:swept", 7 * 24 * 3600

LOST: JobError = {
    "code": "worker_lost",
    "detail": "The worker that ran this died or was cut off.",
}


def sweep() -> None:
    """Take back what nobody runs any more, and wake a worker for what is due."""
    take_back()
    with suppress(redis.RedisError):  # a note for the doctor
        cache.set(SWEPT, timezone.now(), timeout=NOTED)
    for queue in QUEUES:
        if is_due(queue):
            wake_worker(queue)


def last_sweep() -> datetime | None:
    """When a worker has last looked, if that is known. Raises redis.RedisError."""
    swept: datetime | None = cache.get(SWEPT)
    return swept


def is_due(queue: Queue) -> bool:
    return Job.objects.due(registry.names(queue)).exists()


def take_back() -> None:
    """See to the jobs whose lease has ended: the attempt counts."""
    with transaction.atomic():
        ended = Job.objects.filter(
            state=State.RUNNING, lease_until__lt=Now(), kind__in=registry.names()
        )
        for job in ended.select_for_update(skip_locked=True)[:AT_ONCE]:
            _take_back(job)


def _take_back(job: Job) -> None:
    log.warning("a run has died", job_id=str(job.pk), kind=job.kind, attempts=job.attempts)
    job_type = registry.get_job_type(job.kind)
    job.lease_token = job.lease_until = None
    job.error = LOST
    if job.cancel_requested:
        job.state, job.finished_at = State.CANCELLED, Now()
    elif job.attempts >= job_type.attempts:
        job.state, job.finished_at = State.FAILED, Now()
        job.error = given_up(LOST, job.attempts)
    else:
        job.state, job.run_after = State.QUEUED, Now() + job_type.backoff_after(job.attempts)
    job.save(
        update_fields=["state", "lease_token", "lease_until", "run_after", "finished_at", "error"]
    )
