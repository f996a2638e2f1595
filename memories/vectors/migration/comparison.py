"""Measure how similar the results of two spaces are, for an operator who is to choose one."""

from __future__ import annotations

import uuid
from statistics import fmean
from typing import TypedDict

from django.db import models
from pgvector.django import CosineDistance

from accounts.models import User
from jobs.job_run import JobRun
from jobs.models import Job
from jobs.registry import job_type
from memories.models import Embedding, EmbeddingSpace, Memory
from memories.models import State as MemoryState

State = EmbeddingSpace.State

QUERIES = 50
TOP = 10


class Comparison(TypedDict):
    queries: int  # memories used as queries
    overlap: float | None  # share of the ten nearest in one space that both spaces have in common


def compare(first: EmbeddingSpace, second: EmbeddingSpace) -> Comparison:
    """Compare what both spaces find nearest to a sample of memories, each used as a query.

    Reads stored vectors and calls no model. The overlap is None if no user has more than ten
    memories: then every search finds them all.
    """
    sample = _sample(first)
    same_memories = _undeleted(second).filter(
        memory__in=[embedding.memory_id for embedding in sample]
    )
    nearest_in_second = {
        embedding.memory_id: _find_nearest(embedding) for embedding in same_memories
    }
    overlaps = [
        len(nearest & nearest_in_second.get(embedding.memory_id, set())) / TOP
        for embedding in sample
        if len(nearest := _find_nearest(embedding)) == TOP
    ]
    return {"queries": len(overlaps), "overlap": round(fmean(overlaps), 3) if overlaps else None}


def enqueue_comparison(space: EmbeddingSpace, *, by: User) -> Job:
    """Enqueue the job that compares a space with the current one and stores the result."""
    return compare_spaces.enqueue(
        owner=by, parameters={"space": space.pk}, queueing_lock=str(space.pk)
    )


@job_type("compare_spaces", queue="long")
def compare_spaces(run: JobRun) -> None:
    """Compare the space of the job with the current one, unless it is gone or current."""
    spaces = EmbeddingSpace.objects.exclude(state=State.ACTIVE).filter(pk=run.parameters["space"])
    comparisons = [(space, compare(EmbeddingSpace.objects.current(), space)) for space in spaces]
    with run.finishing() as result:
        for space, comparison in comparisons:
            spaces.update(comparison=comparison)
            result.update(space=str(space), comparison=comparison)


def _sample(space: EmbeddingSpace) -> list[Embedding]:
    """Pick memories of the space. Ids are random: those after any one are a fair sample."""
    start = uuid.uuid4()
    embeddings = _undeleted(space).order_by("memory_id")
    after = list(embeddings.filter(memory_id__gte=start)[:QUERIES])
    return after + list(embeddings.filter(memory_id__lt=start)[: QUERIES - len(after)])


def _find_nearest(embedding: Embedding) -> set[uuid.UUID]:
    """The memories of the same user that are nearest to one, in its space."""
    others = Embedding.objects.filter(space=embedding.space_id, user=embedding.user_id)
    others = others.exclude(pk=embedding.pk).exclude(memory__in=_deleted(user=embedding.user_id))
    by_distance = others.order_by(CosineDistance("vector", embedding.vector))
    return set(by_distance.values_list("memory_id", flat=True)[:TOP])


def _undeleted(space: EmbeddingSpace) -> models.QuerySet[Embedding]:
    """Leave out deleted memories, which only the older of the two spaces contains."""
    return Embedding.objects.filter(space=space).exclude(memory__state=MemoryState.DELETED)


def _deleted(*, user: uuid.UUID) -> models.QuerySet[Memory]:
    # A subquery, as its result is small: a join would read the states of all memories each time.
    return Memory.objects.filter(user=user, state=MemoryState.DELETED)
