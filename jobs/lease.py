"""The exclusive right of one run to a job, which expires unless it is renewed.

Every change that a run makes to its job is conditional on the token of its lease. If a worker
presumed dead comes back, it can no longer change the job.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, NoReturn

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import F
from django.db.models.functions import Now
from psycopg.types.json import Jsonb

from core.errors import OpenMemoryError
from core.observability import metrics
from core.sql import execute, fetch_one

from .heartbeat import heartbeat
from .models import Job, JobError, State
from .queues import Queue

log = structlog.get_logger(__name__)

# One statement, as each run sends it once a second. It returns no row if the lease is lost.
RENEW = """
UPDATE jobs_job
SET lease_until = statement_timestamp() + make_interval(secs => %s), done = %s, total = %s
WHERE id = %s AND state = 'running' AND lease_token = %s
RETURNING cancel_requested
"""

SUCCEED = """
UPDATE jobs_job
SET state = 'succeeded', lease_token = NULL, lease_until = NULL, error = NULL,
    finished_at = statement_timestamp(), done = %s, total = %s, result = %s,
    download = coalesce(%s, download), download_name = coalesce(%s, download_name)
WHERE id = %s AND state = 'running' AND lease_token = %s
"""


class LeaseLost(OpenMemoryError):
    """Another run has this job now."""

    code = "lease_lost"


class Cancelled(OpenMemoryError):
    """This job was cancelled."""

    code = "cancelled"


class TimedOut(OpenMemoryError):
    """The job exceeded its time limit."""

    code = "timed_out"


class Interrupted(OpenMemoryError):
    """The worker is stopping. Another run will start this job again."""

    code = "interrupted"


# Set once this process was told to stop. A worker puts an event here that its processes share.
stopping: Any = threading.Event()


def is_stopping() -> bool:
    return bool(stopping.is_set())


def next_expiry() -> Any:
    """When a lease expires that is renewed now, by the clock of the database."""
    return Now() + timedelta(seconds=settings.JOBS_LEASE_SECONDS)


class Lease:
    """The lease of one run. Each renewal writes `done` and `total`."""

    def __init__(self, job: Job, queue: Queue) -> None:
        assert job.lease_token is not None  # noqa: S101 - the job was claimed
        self.job = job
        self.token = job.lease_token
        self.done, self.total = job.done, job.total
        self._queue = queue
        self._lost = False
        self._cancel_requested = job.cancel_requested
        self._started_at = self._renewed_at = time.monotonic()
        # Inside the caller's transaction no other connection sees the job, nor can renew its lease.
        self._in_transaction = connection.in_atomic_block

    @contextmanager
    def kept_alive(self) -> Iterator[None]:
        """Have another thread renew the lease until the block ends."""
        if self._in_transaction:
            yield
            return
        heartbeat.add(self)
        try:
            yield
        finally:
            heartbeat.remove(self)

    def check(self) -> None:
        """Raises LeaseLost, Cancelled, TimedOut or Interrupted. It is cheap: call it often."""
        self.check_not_cancelled()
        if self._is_overdue():
            raise TimedOut
        if is_stopping():
            raise Interrupted

    def check_not_cancelled(self) -> None:
        """Raises LeaseLost or Cancelled."""
        if self._in_transaction:
            self.renew()
        if self._lost:
            raise LeaseLost
        if self._cancel_requested:
            raise Cancelled

    def renew(self) -> None:
        """Write the progress, extend the lease, and read whether the job was cancelled."""
        seconds = settings.JOBS_LEASE_SECONDS
        row = fetch_one(RENEW, [seconds, self.done, self.total, self.job.pk, self.token])
        if row:
            self._renewed_at = time.monotonic()
            [self._cancel_requested] = row
        else:
            self._lost = True

    def beat(self) -> None:
        """Renew the lease unless the run is overdue: a run that does not notice loses its lease."""
        if self._is_overdue():
            return
        try:
            self.renew()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            log.warning("a lease could not be renewed", reason=str(error))
            if time.monotonic() - self._renewed_at > settings.JOBS_LEASE_SECONDS:
                self._lost = True

    def confirm(self) -> None:
        """Raises LeaseLost if the lease is lost. Call it in the transaction of the effects."""
        self._update_job(lease_until=next_expiry())

    def rewrite(self, parameters: dict[str, Any]) -> None:
        """Give the job other parameters. Raises LeaseLost."""
        self._update_job(lease_until=next_expiry(), parameters=parameters)

    def succeed(
        self, result: dict[str, Any], download: str | None = None, download_name: str | None = None
    ) -> None:
        written = [self.done, self.total, Jsonb(result), download, download_name]
        if not execute(SUCCEED, [*written, self.job.pk, self.token]):
            self._lose()
        self._note_end(State.SUCCEEDED)

    def fail(self, error: JobError) -> None:
        self._end(state=State.FAILED, error=error, finished_at=Now())

    def cancel(self) -> None:
        self._end(state=State.CANCELLED, finished_at=Now())

    def reschedule(self, error: JobError, backoff: timedelta) -> None:
        """End a failed attempt. The job is due again after the backoff."""
        self._end(state=State.QUEUED, error=error, run_after=Now() + backoff)

    def release(self) -> None:
        """Make the job due again at once, as if this run had not been."""
        self._end(state=State.QUEUED, run_after=Now(), attempts=F("attempts") - 1)

    def _end(self, *, state: State, **fields: Any) -> None:
        self._update_job(state=state, lease_token=None, lease_until=None, **fields)
        self._note_end(state)

    def _note_end(self, state: State) -> None:
        seconds = time.monotonic() - self._started_at
        log.info("a run of a job has ended", state=state, seconds=round(seconds, 3))
        metrics.JOB_RUNS.labels(self.job.kind, state).inc()
        metrics.JOB_SECONDS.labels(self.job.kind).observe(seconds)

    def _update_job(self, **fields: Any) -> None:
        leased = Job.objects.filter(pk=self.job.pk).leased_to(self.token)
        if not leased.update(done=self.done, total=self.total, **fields):
            self._lose()

    def _lose(self) -> NoReturn:
        self._lost = True
        raise LeaseLost

    def _is_overdue(self) -> bool:
        return time.monotonic() - self._started_at > settings.JOBS_TIME_LIMITS[self._queue]
