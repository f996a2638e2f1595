"""The jobs that embed memories without a vector in a space that new memories are written to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from configuration.errors import TRANSIENT_FAILURES
from jobs.job_run import JobRun
from jobs.registry import job_type
from memories.models import EmbeddingSpace

from .backfill import Backfill, find_unembedded, split_into_batches

# The most jobs that one takes over, each of which one request has enqueued.
MAX_JOBS = 256


@job_type("embed_new", attempts=20, retries_on=TRANSIENT_FAILURES, hidden=True)
def embed_new(run: JobRun) -> None:
    """Embed the memories that the job lists, together with those of other due jobs of its owner."""
    run.absorb_due(_list_all, limit=MAX_JOBS)
    ids = [uuid.UUID(pk) for pk in run.parameters["memories"]]
    backfills = [Backfill(space, run.step) for space in EmbeddingSpace.objects.written()]
    for backfill in backfills:
        unembedded = backfill.space.incomplete().filter(pk__in=ids)
        backfill.run(split_into_batches(list(unembedded.values_list("pk", flat=True))))
    _finish(run, backfills)


def _list_all(parameters: Sequence[dict[str, Any]]) -> dict[str, Any]:
    return {"memories": [pk for each in parameters for pk in each["memories"]]}


@job_type("embed", queue="long", attempts=20, retries_on=TRANSIENT_FAILURES)
def embed_missing(run: JobRun) -> None:
    """Embed all memories of the job's owner that have no vector."""
    owner = run.owner
    backfills = [Backfill(space, run.step) for space in EmbeddingSpace.objects.written()]
    total = sum(backfill.space.incomplete().owned_by(owner).count() for backfill in backfills)
    for backfill in backfills:
        backfill.run(
            find_unembedded(backfill.space, user=owner),
            before_batch=lambda: run.progress(_count_done(backfills), total),
        )
    _finish(run, backfills)


def _count_done(backfills: Sequence[Backfill]) -> int:
    return sum(backfill.done for backfill in backfills)


def _finish(run: JobRun, backfills: Sequence[Backfill]) -> None:
    with run.finishing() as result:
        result["embedded"] = _count_done(backfills)
        result["refused"] = sum(len(backfill.rejected) for backfill in backfills)
