"""The jobs that embed what lacks a vector in a space that memories are written to."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from jobs.job_run import Work
from memories.models import EmbeddingSpace

from .backfill import Filling, batches, batches_lacking


def embed_new(work: Work) -> None:
    """Embed the memories that the job names."""
    ids = [uuid.UUID(pk) for pk in work.parameters["memories"]]
    fillings = [Filling(space, work.step) for space in EmbeddingSpace.objects.written()]
    for filling in fillings:
        without = filling.space.lacking().filter(pk__in=ids)
        filling.put(batches(list(without.values_list("pk", flat=True))))
    _finish(work, fillings)


def embed_missing(work: Work) -> None:
    """Embed all memories of the job's owner that lack a vector."""
    fillings = [Filling(space, work.step) for space in EmbeddingSpace.objects.written()]
    total = sum(filling.space.lacking().owned_by(work.owner).count() for filling in fillings)
    for filling in fillings:
        lacking = batches_lacking(filling.space, user=work.owner)
        filling.put(lacking, telling=lambda: work.progress(_done(fillings), total))
    _finish(work, fillings)


def _done(fillings: Sequence[Filling]) -> int:
    return sum(filling.done for filling in fillings)


def _finish(work: Work, fillings: Sequence[Filling]) -> None:
    with work.finishing() as result:
        result["embedded"] = _done(fillings)
        result["refused"] = sum(len(filling.refused) for filling in fillings)
