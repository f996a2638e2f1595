"""The jobs that embed what lacks a vector in a space that memories are written to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from configuration.errors import TRANSIENT_FAILURES
from jobs.job_run import JobRun
from jobs.registry import job_type
from memories.models import EmbeddingSpace

from .backfill import Filling, batches, batches_lacking


@job_type("embed_new", attempts=20, retries_on=TRANSIENT_FAILURES, hidden=True)
def embed_new(run: JobRun) -> None:
    """Embed the memories that the job names."""
    ids = [uuid.UUID(pk) for pk in run.parameters["memories"]]
    fillings = [Filling(space, run.step) for space in EmbeddingSpace.objects.written()]
    for filling in fillings:
        without = filling.space.lacking().filter(pk__in=ids)
        filling.put(batches(list(without.values_list("pk", flat=True))))
    _finish(run, fillings)


@job_type("embed", queue="long", attempts=20, retries_on=TRANSIENT_FAILURES)
def embed_missing(run: JobRun) -> None:
    """Embed all memories of the job's owner that lack a vector."""
    fillings = [Filling(space, run.step) for space in EmbeddingSpace.objects.written()]
    total = sum(filling.space.lacking().owned_by(run.owner).count() for filling in fillings)
    for filling in fillings:
        lacking = batches_lacking(filling.space, user=run.owner)
        filling.put(lacking, telling=lambda: run.progress(_done(fillings), total))
    _finish(run, fillings)


def _done(fillings: Sequence[Filling]) -> int:
    return sum(filling.done for filling in fillings)


def _finish(run: JobRun, fillings: Sequence[Filling]) -> None:
    with run.finishing() as result:
        result["embedded"] = _done(fillings)
        result["refused"] = sum(len(filling.refused) for filling in fillings)
