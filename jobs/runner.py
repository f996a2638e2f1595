"""Running jobs, and what becomes of one whose run failed."""

from __future__ import annotations

from datetime import timedelta

import kombu.exceptions
import redis
import structlog
from django.db import InterfaceError, OperationalError, connection
from opentelemetry.trace import SpanKind

from core.errors import OpenMemoryError, Unavailable
from core.observability import tracing

from . import registry
from .claim import claim
from .job_run import JobRun
from .lease import Cancelled, Interrupted, Lease, LeaseLost
from .models import Job, JobError
from .models.job import given_up
from .queues import QUEUES
from .registry import JobType

log = structlog.get_logger(__name__)

# Services of our own that are away come back: whatever the kind, it is worth another attempt.
PASSING = (
    OperationalError,
    InterfaceError,
    redis.ConnectionError,
    redis.TimeoutError,
    kombu.exceptions.OperationalError,
)

# What a provider asks for is obeyed up to this.
LONGEST_PAUSE_ASKED = timedelta(hours=1)

AWAY = "The database or the message broker could not be reached."
INTERNAL = "The server failed to do this. Its log says why, under the id of this job."


def run_due() -> int:
    """Run all that is due, in this process, until nothing is: the number of runs."""
    runs = 0
    for queue in QUEUES:
        while (job := claim(queue)) is not None:
            run(job)
            runs += 1
    return runs


def run(job: Job) -> None:
    """Run a job that was taken, to one of its ends. Raises nothing that the job has raised."""
    with (
        structlog.contextvars.bound_contextvars(job_id=str(job.pk), kind=job.kind),
        tracing.span(f"job {job.kind}", SpanKind.CONSUMER, place=job.trace, attempt=job.attempts),
    ):
        job_type = registry.get_job_type(job.kind)
        lease = Lease(job, job_type.queue)
        job_run = JobRun(job, lease)
        with lease.kept():
            try:
                _attempt(job_run, job_type, lease)
            except LeaseLost:
                log.warning("a run has lost its job to another")
            except (OperationalError, InterfaceError) as error:
                # Its lease ends, and the sweep gives the job to another run.
                log.warning("what became of a run cannot be told", reason=str(error))
            finally:
                job_run.close()


def _attempt(job_run: JobRun, job_type: JobType, lease: Lease) -> None:
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
    # Whatever a job raises must end it, or it would be tried for ever.
    except Exception as error:  # noqa: BLE001
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()
        _settle(error, job_run, job_type, lease)


def _settle(error: Exception, job_run: JobRun, job_type: JobType, lease: Lease) -> None:
    """Try a job again that failed, or let it fail."""
    passing = isinstance(error, (*job_type.retries_on, *PASSING))
    attempts = job_run.job.attempts
    if job_run.finished or not (passing or isinstance(error, OpenMemoryError)):
        log.error("a job failed unexpectedly", exc_info=error)
    if job_run.finished:
        return
    told = _told(error)
    if passing and attempts < job_type.attempts:
        log.warning("a job failed and is tried again", attempts=attempts, reason=str(error))
        lease.reschedule(told, max(job_type.backoff_after(attempts), _pause_asked(error)))
    elif passing:
        log.error("a job was given up", attempts=attempts, exc_info=error)
        lease.fail(given_up(told, attempts))
    else:
        lease.fail(told)


def _told(error: Exception) -> JobError:
    """What the job says of it. Of what nobody has foreseen, only the log says more."""
    if isinstance(error, OpenMemoryError):
        return {"code": error.code, "detail": error.detail}
    if isinstance(error, PASSING):
        return {"code": "service_away", "detail": AWAY}
    return {"code": "internal", "detail": INTERNAL}


def _pause_asked(error: Exception) -> timedelta:
    """How long whoever is away asks to be left alone."""
    seconds = error.retry_after if isinstance(error, Unavailable) else None
    return min(timedelta(seconds=seconds or 0), LONGEST_PAUSE_ASKED)
