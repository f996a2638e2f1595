"""Having another go at a job that has ended."""

from __future__ import annotations

from functools import partial

from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from core.errors import Conflict

from . import files, registry
from .models import Job, State
from .wakeup import wake_worker

ENDED_BADLY = (State.FAILED, State.CANCELLED)


class NotToBeRetried(Conflict):
    """Only a job that failed or was cancelled can be tried again."""

    code = "job_not_retried"


class UploadGone(Conflict):
    """The file that this job worked on is gone: send it again, as a new job."""

    code = "upload_gone"


class QueuedAnew(Conflict):
    """The same is queued or running already."""

    code = "job_queued_anew"


class NotOursToDo(Conflict):
    """Only another version of the server can do a job of this kind."""

    code = "job_kind_unknown"


def retry(job: Job) -> None:
    """Queue it again, with all its attempts before it.

    Raises NotToBeRetried, NotOursToDo, UploadGone, or QueuedAnew where there may be one such job
    at a time.
    """
    if job.kind not in registry.names():
        raise NotOursToDo
    if job.upload and not files.exists(job.upload):
        raise UploadGone
    try:
        with transaction.atomic():
            queued = Job.objects.filter(pk=job.pk, state__in=ENDED_BADLY).update(
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
        raise QueuedAnew from error
    if not queued:
        raise NotToBeRetried
    job.refresh_from_db()
