"""The right of one run to a job: taken for a while, kept up from a thread, and lost in the end.

Every change that a run makes to its job names the token of its lease. So a run that was thought
dead, and was not, changes nothing any more.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import structlog
from django.conf import settings
from django.db import InterfaceError, OperationalError, connection
from django.db.models import F
from django.db.models.functions import Now

from core.errors import OpenMemoryError
from core.observability import metrics

from .heartbeat import keeper
from .models import Job, JobError, State
from .queues import Queue

log = structlog.get_logger(__name__)

# One statement, as each run sends it once a second. No row comes back when the lease is lost.
RENEW = """
UPDATE jobs_job
SET lease_until = statement_timestamp() + make_interval(secs => %s), done = %s, total = %s
WHERE id = %s AND state = 'running' AND lease_token = %s
RETURNING cancel_requested
"""


class LeaseLost(OpenMemoryError):
    """Another run has this job now."""

    code = "lease_lost"


class Cancelled(OpenMemoryError):
    """Somebody asked that this job ends."""

    code = "cancelled"


class TimedOut(OpenMemoryError):
    """This took longer than a job of its kind may take."""

    code = "timed_out"


class Interrupted(OpenMemoryError):
    """The worker stops. Another run of this job begins anew."""

    code = "interrupted"


# Set when this process was told to stop. A worker puts the event of all its processes here.
stopping: Any = threading.Event()


def is_stopping() -> bool:
    return bool(stopping.is_set())


def new_end() -> Any:
    """When a lease ends that is renewed now, by the clock of the database."""
    return Now() + timedelta(seconds=settings.JOBS_LEASE_SECONDS)


class Lease:
    """What a run holds. `done` and `total` are written as it is renewed."""

    def __init__(self, job: Job, queue: Queue) -> None:
        assert job.lease_token is not None  # noqa: S101 - the job was taken
        self.job = job
        self.token = job.lease_token
        self.done, self.total = job.done, job.total
        self._queue = queue
        self._lost = False
        self._cancel_requested = job.cancel_requested
        self._began = self._renewed = time.monotonic()
        # Nobody outside of a caller's transaction sees the job, nor could renew its lease.
        self._alone = connection.in_atomic_block

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Renew it, from another thread, for as long as the block runs."""
        if self._alone:
            yield
            return
        keeper.hold(self)
        try:
            yield
        finally:
            keeper.let_go(self)

    def check(self) -> None:
        """Raises LeaseLost, Cancelled, TimedOut or Interrupted. Costs next to nothing."""
        self.check_wanted()
        if self._overdue():
            raise TimedOut
        if is_stopping():
            raise Interrupted

    def check_wanted(self) -> None:
        """Raises LeaseLost or Cancelled."""
        if self._alone:
            self.renew()
        if self._lost:
            raise LeaseLost
        if self._cancel_requested:
            raise Cancelled

    def renew(self) -> None:
        """Tell that the run lives and how far it is, and find out whether it shall end."""
        with connection.cursor() as cursor:
            seconds = settings.JOBS_LEASE_SECONDS
            cursor.execute(RENEW, [seconds, self.done, self.total, self.job.pk, self.token])
            told = cursor.fetchone()
        if told:
            self._renewed = time.monotonic()
            [self._cancel_requested] = told
        else:
            self._lost = True

    def beat(self) -> None:
        """Renew it, unless it is overdue: a run that does not notice that loses its lease."""
        if self._overdue():
            return
        try:
            self.renew()
        except (OperationalError, InterfaceError) as error:
            connection.close()
            log.warning("a lease could not be renewed", reason=str(error))
            if time.monotonic() - self._renewed > settings.JOBS_LEASE_SECONDS:
                self._lost = True

    def confirm(self) -> None:
        """Raises LeaseLost, in the transaction of what is done under the lease, if it is over."""
        self._change(lease_until=new_end())

    def succeed(self, result: dict[str, Any], **more: Any) -> None:
        self._end(state=State.SUCCEEDED, result=result, error=None, finished_at=Now(), **more)

    def fail(self, error: JobError) -> None:
        self._end(state=State.FAILED, error=error, finished_at=Now())

    def cancel(self) -> None:
        self._end(state=State.CANCELLED, finished_at=Now())

    def reschedule(self, error: JobError, backoff: timedelta) -> None:
        """Give the job up for now: it is due again after the backoff."""
        self._end(state=State.QUEUED, error=error, run_after=Now() + backoff)

    def release(self) -> None:
        """Leave the job to another run at once, as if this one had not been."""
        self._end(state=State.QUEUED, run_after=Now(), attempts=F("attempts") - 1)

    def _end(self, *, state: State, **fields: Any) -> None:
        self._change(state=state, lease_token=None, lease_until=None, **fields)
        seconds = time.monotonic() - self._began
        log.info("a run of a job has ended", state=state, seconds=round(seconds, 3))
        metrics.JOB_RUNS.labels(self.job.kind, state).inc()
        metrics.JOB_SECONDS.labels(self.job.kind).observe(seconds)

    def _change(self, **fields: Any) -> None:
        if not self._held().update(done=self.done, total=self.total, **fields):
            self._lost = True
            raise LeaseLost

    def _held(self) -> Any:
        return Job.objects.filter(pk=self.job.pk).leased_to(self.token)

    def _overdue(self) -> bool:
        return time.monotonic() - self._began > settings.JOBS_TIME_LIMITS[self._queue]
