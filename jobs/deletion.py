"""Withdraw jobs: nobody does them any more, and nothing of them is kept."""

from __future__ import annotations

import shutil
import time
from contextlib import suppress

from django.db.models.functions import Now

from core.errors import Conflict

from . import files
from .models import Job, State
from .models.job import JobFinished, JobQuerySet

LOOK_SECONDS = 0.2


class StillRunning(Conflict):
    """A job was cancelled and still runs: try again when it has ended."""

    code = "job_still_running"


def withdraw(jobs: JobQuerySet, *, patience: float) -> int:
    """Cancel these jobs, wait until none runs, and remove them with their files: how many.

    Not in a transaction. Raises StillRunning after so many seconds; what was cancelled stays so.
    """
    deadline = time.monotonic() + patience
    for job in jobs.unfinished():
        with suppress(JobFinished):  # a moment ago
            job.cancel()
    # A run that is silent for longer than its lease is taken for dead. If it is not, it ends
    # without effects as soon as it finds its job gone.
    running = jobs.filter(state=State.RUNNING, lease_until__gt=Now())
    while running.exists():
        if time.monotonic() > deadline:
            raise StillRunning
        time.sleep(LOOK_SECONDS)
    return _remove(jobs)


def _remove(jobs: JobQuerySet) -> int:
    ids = list(jobs.values_list("pk", flat=True))
    folders = files.scratch_folders()
    for pk in ids:
        files.remove_all(pk)
    for folder in [folder for folder, pk in folders.items() if pk in set(ids)]:
        shutil.rmtree(folder, ignore_errors=True)
    removed: int = Job.objects.filter(pk__in=ids).delete()[1].get("jobs.Job", 0)
    return removed
