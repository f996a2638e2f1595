"""The jobs in which a language model works on one memory: `memories.inference.jobs` does them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from configuration.errors import TRANSIENT_FAILURES
from jobs.models import Job
from jobs.registry import JobType
from memories.models import Memory

from .guidance import Guidance

# Their queueing lock is the id of the memory.
INFER = JobType("infer", attempts=20, retries_on=TRANSIENT_FAILURES, backoff=2.0)
CATEGORIZE = JobType("categorize", attempts=20, retries_on=TRANSIENT_FAILURES, backoff=2.0)


def enqueue_for_many(guidance: Mapping[Memory, Guidance], job_type: JobType) -> list[Job]:
    """The same for new memories of one user."""
    memories = list(guidance)
    if not memories:
        return []
    return job_type.enqueue_many(
        owner=memories[0].user,
        parameters=[_parameters(memory, each) for memory, each in guidance.items()],
        app_names=[memory.app.name for memory in memories],
    )


def enqueue_for(memory: Memory, job_type: JobType, guidance: Guidance) -> Job:
    """Enqueue one of these jobs for a memory, in the caller's transaction."""
    return job_type.enqueue(
        owner=memory.user,
        parameters=_parameters(memory, guidance),
        queueing_lock=str(memory.pk),
        app_name=memory.app.name,
    )


def _parameters(memory: Memory, guidance: Guidance) -> dict[str, Any]:
    return {"memory_id": str(memory.pk), **guidance.parameters()}
