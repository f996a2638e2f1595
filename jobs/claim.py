"""Claim the next due job for a run."""

from __future__ import annotations

import uuid

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Coalesce, Now

from . import lease, registry
from .models import Job, State
from .queues import Queue


def claim(queue: Queue) -> Job | None:
    """Lease a due job of this queue, taking turns between owners. None when there is none.

    A process that was told to stop gets none.
    """
    if lease.is_stopping():
        return None
    with transaction.atomic():
        due = Job.objects.fairly_due(registry.names(queue))
        job = due.select_for_update(skip_locked=True, of=("self",)).first()
        if job is None:
            return None
        Job.objects.filter(pk=job.pk).update(
            state=State.RUNNING,
            attempts=F("attempts") + 1,
            lease_token=uuid.uuid4(),
            lease_until=lease.next_expiry(),
            started_at=Coalesce("started_at", Now()),
        )
    return Job.objects.select_related("owner").get(pk=job.pk)
