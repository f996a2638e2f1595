"""The jobs in which a language model works on one memory: `memories.inference.jobs` does them."""

from __future__ import annotations

from collections.abc import Sequence

from configuration.errors import TRANSIENT_FAILURES
from jobs.models import Job
from jobs.registry import JobType
from memories.models import Memory

# Their queueing lock is the id of the memory.
INFER = JobType("infer", attempts=20, retries_on=TRANSIENT_FAILURES, backoff=2.0)
CATEGORIZE = JobType("categorize", attempts=20, retries_on=TRANSIENT_FAILURES, backoff=2.0)


def enqueue_for_many(memories: Sequence[Memory], job_type: JobType) -> list[Job]:
    """The same for new memories of one user."""
    if not memories:
        return []
    return job_type.enqueue_many(
        owner=memories[0].user,
        parameters=[{"memory_id": str(memory.pk)} for memory in memories],
        app_names=[memory.app.name for memory in memories],
    )


def enqueue_for(memory: Memory, job_type: JobType) -> Job:
    """Enqueue one of these jobs for a memory, in the caller's transaction."""
    pk = str(memory.pk)
    return job_type.enqueue(
        owner=memory.user,
        parameters={"memory_id": pk},
        queueing_lock=pk,
        app_name=memory.app.name,
    )
