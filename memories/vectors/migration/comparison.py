"""How alike the results of two spaces are, for an operator who wonders whether to change."""

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
    queries: int  # how many memories were asked about
    overlap: float | None  # the share of the ten nearest in one space that are so in the other


def compare(one: EmbeddingSpace, other: EmbeddingSpace) -> Comparison:
    """Ask both spaces what lies nearest to some memories, as if each of these were a query.

    Their vectors are there, so that no model is asked. The overlap is None where no user has
    more than ten memories: then each finds all.
    """
    sampled = _sample(one)
    alike = _kept(other).filter(memory__in=[sample.memory_id for sample in sampled])
    there = {embedding.memory_id: _nearest(embedding) for embedding in alike}
    overlaps = [
        len(nearest & there.get(sample.memory_id, set())) / TOP
        for sample in sampled
        if len(nearest := _nearest(sample)) == TOP
    ]
    return {"queries": len(overlaps), "overlap": round(fmean(overlaps), 3) if overlaps else None}


def queue_comparison(space: EmbeddingSpace, *, by: User) -> Job:
    """Queue the job that compares a space with the one that is searched, and keeps the result."""
    return compare_spaces.enqueue(
        owner=by, parameters={"space": space.pk}, queueing_lock=str(space.pk)
    )


@job_type("compare_spaces", queue="long")
def compare_spaces(run: JobRun) -> None:
    others = EmbeddingSpace.objects.exclude(state=State.ACTIVE)
    named = others.filter(pk=run.parameters["space"])
    found = [(space, compare(EmbeddingSpace.objects.current(), space)) for space in named]
    with run.finishing() as result:
        for space, comparison in found:
            named.update(comparison=comparison)
            result.update(space=str(space), comparison=comparison)


def _sample(space: EmbeddingSpace) -> list[Embedding]:
    """Some memories of the space. Ids are random, so that those from any on are a fair sample."""
    anywhere = uuid.uuid4()
    inside = _kept(space).order_by("memory_id")
    beyond = list(inside.filter(memory_id__gte=anywhere)[:QUERIES])
    return beyond + list(inside.filter(memory_id__lt=anywhere)[: QUERIES - len(beyond)])


def _nearest(sample: Embedding) -> set[uuid.UUID]:
    """The memories that lie nearest to one, of its user and in its space."""
    others = Embedding.objects.filter(space=sample.space_id, user=sample.user_id)
    others = others.exclude(pk=sample.pk).exclude(memory__in=_deleted(user=sample.user_id))
    by_distance = others.order_by(CosineDistance("vector", sample.vector))
    return set(by_distance.values_list("memory_id", flat=True)[:TOP])


def _kept(space: EmbeddingSpace) -> models.QuerySet[Embedding]:
    """Leave out what was deleted, which is in the older of the two spaces only."""
    return Embedding.objects.filter(space=space).exclude(memory__state=MemoryState.DELETED)


def _deleted(*, user: uuid.UUID) -> models.QuerySet[Memory]:
    # Looked up first, as it is little: joined, the states of all memories would be read each time.
    return Memory.objects.filter(user=user, state=MemoryState.DELETED)
