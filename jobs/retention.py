"""Remove expired files, then expired jobs, then files without a job."""

from __future__ import annotations

import shutil
import uuid
from datetime import timedelta

from django.conf import settings
from django.db.models import QuerySet
from django.db.models.functions import Now

from . import files
from .models import Job, State

# Jobs that each step of one run handles, so that it is short. The next run continues.
BATCH = 1000


def remove_expired() -> None:
    remove_uploads()
    remove_downloads()
    delete_jobs()
    remove_orphaned_files()


def remove_uploads() -> None:
    """Remove the uploads of finished jobs."""
    for job in Job.objects.finished().exclude(upload="")[:BATCH]:
        files.remove(job.upload)
        Job.objects.filter(pk=job.pk).update(upload="")


def remove_downloads() -> None:
    """Remove downloads older than DOWNLOADS_KEEP_HOURS. Their jobs stay."""
    age = timedelta(hours=settings.DOWNLOADS_KEEP_HOURS)
    expired = Job.objects.finished().exclude(download="").filter(finished_at__lt=Now() - age)
    for job in expired[:BATCH]:
        files.remove(job.download)
        Job.objects.filter(pk=job.pk).update(download="")


def delete_jobs() -> None:
    """Delete jobs that finished more than JOBS_KEEP_DAYS ago, with their files."""
    for pk in expired_jobs().values_list("pk", flat=True)[:BATCH]:
        files.remove_all(pk)
        Job.objects.filter(pk=pk).delete()


def expired_jobs() -> QuerySet[Job]:
    age = timedelta(days=settings.JOBS_KEEP_DAYS)
    return Job.objects.finished().filter(finished_at__lt=Now() - age)


def remove_orphaned_files() -> None:
    """Remove the files of deleted jobs, and those that killed runs and requests left behind."""
    candidates = files.ids_with_old_files()
    for pk in candidates - _ids(Job.objects.filter(pk__in=candidates)):
        files.remove_all(pk)
    folders = files.scratch_folders()
    running_ids = _ids(Job.objects.filter(pk__in=folders.values(), state=State.RUNNING))
    for folder, pk in folders.items():
        if pk not in running_ids:
            shutil.rmtree(folder, ignore_errors=True)
    for file in files.old_scratch_files():
        file.unlink(missing_ok=True)


def _ids(jobs: QuerySet[Job]) -> set[uuid.UUID]:
    return set(jobs.values_list("pk", flat=True))
