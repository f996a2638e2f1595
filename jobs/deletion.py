"""Delete jobs with their files, whatever state they are in."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress

from django.db.models.functions import Now

from core.errors import Conflict

from . import files
from .models import Job, State
from .models.job import JobFinished, JobQuerySet

POLL_SECONDS = 0.2


class JobStillRunning(Conflict):
    """A cancelled job is still running: try again when it has ended."""

    code = "job_still_running"


def delete_jobs(jobs: JobQuerySet, *, timeout: float) -> int:
    """Cancel these jobs, wait until none runs, delete them, and return their number.

    Not in a transaction. Raises JobStillRunning after `timeout` seconds; the jobs stay cancelled.
    """
    deadline = time.monotonic() + timeout
    for job in jobs.unfinished():
        with suppress(JobFinished):  # a moment ago
            job.cancel()
    # If a worker presumed dead comes back, its job no longer exists and its transaction is rolled
    # back.
    running_jobs = jobs.filter(state=State.RUNNING, lease_until__gt=Now())
    while running_jobs.exists():
        if time.monotonic() > deadline:
            raise JobStillRunning
        time.sleep(POLL_SECONDS)
    return _delete(jobs)


def _delete(jobs: JobQuerySet) -> int:
    ids = set(jobs.values_list("pk", flat=True))
    scratch_folders = files.scratch_folders()
    for pk in ids:
        files.remove_all(pk)
    for folder, pk in scratch_folders.items():
        if pk in ids:
            shutil.rmtree(folder, ignore_errors=True)
    deleted: int = Job.objects.filter(pk__in=ids).delete()[1].get("jobs.Job", 0)
    return deleted
