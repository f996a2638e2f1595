"""Putting down what is to be done in the background."""

from __future__ import annotations

from functools import partial
from typing import IO, Any

from django.db import transaction

from accounts.models import User
from core.observability import tracing

from . import files, registry, wakeup
from .models import Job


def queue(
    kind_name: str,
    *,
    owner: User | None,
    parameters: dict[str, Any],
    once: str | None = None,
    upload: IO[bytes] | None = None,
    app_name: str = "",
) -> Job:
    """Queue a job, in the caller's transaction: without it, neither is there a job.

    With `once`, answer the unfinished job of this kind that was queued with the same word, if there
    is one. A job queued through an app, as `app_name` says, is shown to keys of that app, too. One
    without an owner is the server's own, and shown to no key.
    """
    kind = registry.named(kind_name)
    job = Job(
        kind=kind.name,
        owner=owner,
        parameters=parameters,
        once=once or "",
        app_name=app_name,
        trace=tracing.current_traceparent(),
    )
    if upload is not None:
        job.upload = files.keep_upload(job, upload)
    queued = _once(job) if once else _always(job)
    if queued.pk != job.pk:
        files.remove_all(job.pk)
    # The sweep does what a lost nudge leaves lying, so that one hurts nobody.
    transaction.on_commit(partial(wakeup.nudge, kind.lane))
    return queued


def _always(job: Job) -> Job:
    job.save(force_insert=True)
    return job


def _once(job: Job) -> Job:
    same = Job.objects.unfinished().filter(kind=job.kind, once=job.once)
    while True:
        # Waits for a transaction that is just queueing the same one.
        Job.objects.bulk_create([job], ignore_conflicts=True)
        there = same.first()
        if there is not None:
            return there
