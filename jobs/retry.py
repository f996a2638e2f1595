"""Enqueue a failed or cancelled job again."""

from __future__ import annotations

from functools import partial

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from core.errors import Conflict

from . import files, registry
from .models import Job, State
from .wakeup import wake_worker

RETRYABLE = (State.FAILED, State.CANCELLED)


class JobNotRetryable(Conflict):
    """Only a failed or cancelled job can be retried."""

    code = "job_not_retried"


class UploadGone(Conflict):
    """The uploaded file of this job is gone: send it again, as a new job."""

    code = "upload_gone"


class AlreadyQueued(Conflict):
    """The same job is already queued or running."""

    code = "job_queued_anew"


class UnknownJobType(Conflict):
    """Only another version of the server can run a job of this type."""

    code = "job_kind_unknown"


def retry(job: Job) -> None:
    """Enqueue the job again, with all its attempts.

    Raises JobNotRetryable, UnknownJobType, UploadGone, or AlreadyQueued when an unfinished job
    has the same queueing lock.
    """
    if job.kind not in registry.names():
        raise UnknownJobType
    if job.upload and not files.exists(job.upload):
        raise UploadGone
    try:
        with transaction.atomic():
            updated = Job.objects.filter(pk=job.pk, state__in=RETRYABLE).update(
                state=State.QUEUED,
                run_after=Now(),
                attempts=0,
                done=0,
                total=None,
                error=None,
                finished_at=None,
                cancel_requested=False,
            )
            transaction.on_commit(partial(wake_worker, registry.get_job_type(job.kind).queue))
    except IntegrityError as error:
        raise AlreadyQueued from error
    if not updated:
        raise JobNotRetryable
    job.refresh_from_db()
