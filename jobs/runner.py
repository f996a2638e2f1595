"""Run claimed jobs, and handle their failures."""

from __future__ import annotations

from datetime import timedelta

import kombu.exceptions
import redis
import structlog
from django.db import InterfaceError, OperationalError, connection
from opentelemetry.trace import SpanKind

from core import disk
from core.errors import OpenMemoryError, StorageFull, Unavailable
from core.observability import tracing

from . import registry
from .claim import claim
from .job_run import JobRun
from .lease import Cancelled, Interrupted, Lease, LeaseLost
from .models import Job, JobError
from .models.job import after_last_attempt
from .queues import QUEUES
from .registry import JobType

log = structlog.get_logger(__name__)

# Our own services come back: jobs of every type are retried when these were unreachable.
SERVICE_ERRORS = (
    OperationalError,
    InterfaceError,
    redis.ConnectionError,
    redis.TimeoutError,
    StorageFull,
    kombu.exceptions.OperationalError,
)

# The longest delay that a provider can ask for.
MAX_RETRY_AFTER = timedelta(hours=1)

SERVICE_UNREACHABLE = "The database or the broker was unreachable."
DISK_FULL = "The server's disk is full. Retry the job when the operator has freed space."
INTERNAL_ERROR = "An internal error occurred. The server log has details under the id of this job."


def run_due() -> int:
    """Run all due jobs in this process, and return the number of runs."""
    runs = 0
    for queue in QUEUES:
        while (job := claim(queue)) is not None:
            run(job)
            runs += 1
    return runs


def run(job: Job) -> None:
    """Run a claimed job. Raises nothing that the job raises."""
    with (
        structlog.contextvars.bound_contextvars(job_id=str(job.pk), kind=job.kind),
        tracing.span(
            f"job {job.kind}", SpanKind.CONSUMER, traceparent=job.trace, attempt=job.attempts
        ),
    ):
        job_type = registry.get_job_type(job.kind)
        lease = Lease(job, job_type.queue)
        job_run = JobRun(job, lease)
        with lease.kept_alive():
            try:
                _run_attempt(job_run, job_type, lease)
            except LeaseLost:
                log.warning("a run has lost its lease")
            except (OperationalError, InterfaceError) as error:
                # Its lease expires, and the sweep reschedules the job.
                log.warning("the outcome of a run is unknown", reason=str(error))
            finally:
                job_run.close()


def _run_attempt(job_run: JobRun, job_type: JobType, lease: Lease) -> None:
    try:
        job_type.run(job_run)
        if not job_run.finished:
            with job_run.finishing():
                pass
    except LeaseLost:
        raise
    except Cancelled:
        lease.cancel()
    except Interrupted:
        lease.release()
    # Whatever a job raises must end the attempt, or the job would be retried for ever.
    except Exception as error:  # noqa: BLE001
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        _handle_failure(error, job_run, job_type, lease)


def _handle_failure(error: Exception, job_run: JobRun, job_type: JobType, lease: Lease) -> None:
    """Reschedule a job whose attempt failed, or fail it."""
    full = disk.is_caused_by_full_disk(error)
    retryable = full or isinstance(error, (*job_type.retries_on, *SERVICE_ERRORS))
    attempts = job_run.job.attempts
    if job_run.finished or not (retryable or isinstance(error, OpenMemoryError)):
        log.error("a job failed unexpectedly", exc_info=error)
    if job_run.finished:
        return
    job_error = _describe(error)
    if retryable and attempts < job_type.attempts:
        log.warning("a job failed and will be retried", attempts=attempts, reason=str(error))
        lease.reschedule(job_error, max(job_type.backoff_after(attempts), _retry_after(error)))
    elif retryable:
        log.error("a job failed after its last attempt", attempts=attempts, exc_info=error)
        lease.fail(after_last_attempt(job_error, attempts))
    else:
        lease.fail(job_error)


def _describe(error: Exception) -> JobError:
    """The error as the job shows it. Details of an unexpected error are only in the log."""
    if disk.is_caused_by_full_disk(error):
        error = StorageFull(DISK_FULL)
    if isinstance(error, OpenMemoryError):
        return {"code": error.code, "detail": error.detail}
    if isinstance(error, SERVICE_ERRORS):
        return {"code": "service_away", "detail": SERVICE_UNREACHABLE}
    return {"code": "internal", "detail": INTERNAL_ERROR}


def _retry_after(error: Exception) -> timedelta:
    """The delay that an unavailable service asks for."""
    seconds = error.retry_after if isinstance(error, Unavailable) else None
    return min(timedelta(seconds=seconds or 0), MAX_RETRY_AFTER)
