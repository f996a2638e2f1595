"""The end of what was kept for long enough: files first, then jobs, then what nobody owns."""

from __future__ import annotations

import shutil
import uuid
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from . import files
from .models import Job, State

# What one run removes of each, so that it is short; the next one goes on.
AT_ONCE = 1000


def end_old() -> None:
    end_uploads()
    end_downloads()
    end_jobs()
    clear_away()


def end_uploads() -> None:
    """Remove the files that finished jobs have worked on."""
    for job in Job.objects.finished().exclude(upload="")[:AT_ONCE]:
        files.remove(job.upload)
        Job.objects.filter(pk=job.pk).update(upload="")


def end_downloads() -> None:
    """Remove files that were made long ago. Their jobs say that they are gone."""
    age = timedelta(hours=settings.DOWNLOADS_KEEP_HOURS)
    old = Job.objects.finished().exclude(download="").filter(finished_at__lt=Now() - age)
    for job in old[:AT_ONCE]:
        files.remove(job.download)
        Job.objects.filter(pk=job.pk).update(download="")


def end_jobs() -> None:
    """Remove jobs that have ended long ago, with their files."""
    for pk in old_jobs().values_list("pk", flat=True)[:AT_ONCE]:
        files.remove_all(pk)
        Job.objects.filter(pk=pk).delete()


def old_jobs() -> QuerySet[Job]:
    age = timedelta(days=settings.JOBS_KEEP_DAYS)
    return Job.objects.finished().filter(finished_at__lt=Now() - age)


def clear_away() -> None:
    """Remove the files of jobs that are no more, and what killed runs and requests have left."""
    put_down = files.put_down_long_ago()
    for pk in put_down - _ids(Job.objects.filter(pk__in=put_down)):
        files.remove_all(pk)
    folders = files.scratch_folders()
    running = _ids(Job.objects.filter(pk__in=folders.values(), state=State.RUNNING))
    for folder, pk in folders.items():
        if pk not in running:
            shutil.rmtree(folder, ignore_errors=True)
    for file in files.left_long_ago():
        file.unlink(missing_ok=True)


def _ids(jobs: QuerySet[Job]) -> set[uuid.UUID]:
    return set(jobs.values_list("pk", flat=True))
