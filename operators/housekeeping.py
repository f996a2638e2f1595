"""Housekeeping: a periodic job that runs all chores. See docs/decisions/0024-housekeeping.md."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta

from django.conf import settings
from django.db.models import Q
from django.utils import timezone

from core.errors import Conflict
from core.locks import Lock, LockTaken, advisory_lock
from jobs.models import Job, State
from jobs.registry import JobType
from memories.vectors.user_index import IndexingUnderway

from .vacuum import TablesBusy

# The wait after a failed run.
RETRY_AFTER = timedelta(hours=1)


class HousekeepingUnderway(Conflict):
    """Housekeeping is already running in another process. Wait until it has finished."""

    code = "housekeeping_underway"


HOUSEKEEP = JobType(
    "housekeep",
    queue="long",
    attempts=20,
    retries_on=(HousekeepingUnderway, IndexingUnderway, TablesBusy),
)


def enqueue_due() -> Job | None:
    """Queue housekeeping, unless a recent job has done it. So the schedule survives restarts.

    Finished jobs are stored for at least a day, which is the longest interval.
    """
    now = timezone.now()
    every = timedelta(hours=settings.HOUSEKEEPING_HOURS)
    succeeded = Q(finished_at__gt=now - every, state=State.SUCCEEDED)
    attempted = Q(finished_at__gt=now - min(every, RETRY_AFTER))
    if Job.objects.filter(succeeded | attempted, kind=HOUSEKEEP.name).exists():
        return None
    return HOUSEKEEP.enqueue(owner=None, queueing_lock=HOUSEKEEP.name)


@contextmanager
def hold_lock() -> Iterator[None]:
    """Hold the housekeeping lock. Raises HousekeepingUnderway."""
    with ExitStack() as stack:
        try:
            stack.enter_context(advisory_lock(Lock.HOUSEKEEPING))
        except LockTaken as error:
            raise HousekeepingUnderway from error
        yield
