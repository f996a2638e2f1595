"""Claim the next due job for a run."""

from __future__ import annotations

import uuid
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction

from core.compiled_query import CompiledQuery, CompiledStatement
from core.sql import fetch_binary

from . import lease, registry
from .models import Job
from .queues import Queue

# One statement, so that a job begins soon after it was enqueued. It does not wait for the disk: a
# claim that a crash takes back is made again, and what the run writes comes after it on the disk.
CLAIM = """
UPDATE jobs_job SET state = 'running', attempts = attempts + 1, lease_token = %s,
    lease_until = statement_timestamp() + make_interval(secs => %s),
    started_at = coalesce(started_at, statement_timestamp())
WHERE id = ({due}) RETURNING id, set_config('synchronous_commit', 'off', true)
"""


def claim(queue: Queue) -> Job | None:
    """Lease a due job of this queue, taking turns between owners. None when there is none.

    A process that was told to stop gets none.
    """
    job_types = tuple(registry.names(queue))
    if lease.is_stopping() or not job_types:
        return None
    due, parameters = _first_due(job_types)
    claimed = fetch_binary(
        CLAIM.format(due=due), [uuid.uuid4(), float(settings.JOBS_LEASE_SECONDS), *parameters]
    )
    if not claimed:
        return None
    jobs: list[Job] = _with_owner.fetch(pk=claimed[0][0])
    return jobs[0]


@cache
def _first_due(job_types: tuple[str, ...]) -> tuple[str, list[object]]:
    def build() -> Any:
        due = Job.objects.fairly_due(job_types)
        return due.select_for_update(skip_locked=True, of=("self",)).values_list("pk")[:1]

    with transaction.atomic():  # Django locks in a transaction only, which a statement is
        return CompiledStatement(build).bind()


_with_owner = CompiledQuery(
    lambda pk: Job.objects.select_related("owner").filter(pk=pk), pk=uuid.UUID(int=1)
)
