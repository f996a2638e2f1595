"""Keep house from time to time: do all chores, in a job of the server's own.

Why so: docs/decisions/0024-housekeeping.md.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.conf import settings
from django.db import connection
from django.db.models import Q
from django.utils import timezone

from core.errors import Conflict
from jobs.models import Job, State
from jobs.registry import JobType
from memories.vectors.user_index import IndexingUnderway

from .vacuum import TablesBusy

# How long housekeeping that failed is left alone.
AFTER_FAILURE = timedelta(hours=1)

# Any number that nothing else in this database locks.
ADVISORY_LOCK = 5_190_516


class HousekeepingUnderway(Conflict):
    """Another process is keeping house at this moment: wait until it is done."""

    code = "housekeeping_underway"


HOUSEKEEP = JobType(
    "housekeep",
    queue="long",
    attempts=20,
    retries_on=(HousekeepingUnderway, IndexingUnderway, TablesBusy),
)


def queue_due() -> Job | None:
    """Queue a job for all of it, unless it was done not long ago: so it is known after a restart.

    Jobs are kept for a day at least, and longer than that nothing waits.
    """
    now = timezone.now()
    every = timedelta(hours=settings.HOUSEKEEPING_HOURS)
    done = Q(finished_at__gt=now - every, state=State.SUCCEEDED)
    tried = Q(finished_at__gt=now - min(every, AFTER_FAILURE))
    if Job.objects.filter(done | tried, kind=HOUSEKEEP.name).exists():
        return None
    return HOUSEKEEP.enqueue(owner=None, queueing_lock=HOUSEKEEP.name)


@contextmanager
def alone() -> Iterator[None]:
    """Be the only one who keeps house meanwhile. Raises HousekeepingUnderway."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
        if not cursor.fetchone()[0]:
            raise HousekeepingUnderway
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [ADVISORY_LOCK])
