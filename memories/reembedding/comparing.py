"""How alike the results of two spaces are, for an operator who wonders whether to change."""

from __future__ import annotations

import uuid
from statistics import fmean
from typing import TypedDict

from django.db import models
from pgvector.django import CosineDistance

from memories.models import Embedding, EmbeddingSpace, State

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
    overlaps = [
        len(nearest & _nearest(sample, other)) / TOP
        for sample in _sample(one)
        if len(nearest := _nearest(sample, one)) == TOP
    ]
    return {"queries": len(overlaps), "overlap": round(fmean(overlaps), 3) if overlaps else None}


def _sample(space: EmbeddingSpace) -> list[Embedding]:
    """Some memories of the space. Ids are random, so that those from any on are a fair sample."""
    anywhere = uuid.uuid4()
    inside = _kept(space).order_by("memory_id")
    beyond = list(inside.filter(memory_id__gte=anywhere)[:QUERIES])
    return beyond + list(inside.filter(memory_id__lt=anywhere)[: QUERIES - len(beyond)])


def _nearest(sample: Embedding, space: EmbeddingSpace) -> set[uuid.UUID]:
    inside = _kept(space).filter(user=sample.user_id)
    own = inside.filter(memory=sample.memory_id).first()
    if own is None:
        return set()
    others = inside.exclude(pk=own.pk).order_by(CosineDistance("vector", own.vector))
    return set(others.values_list("memory_id", flat=True)[:TOP])


def _kept(space: EmbeddingSpace) -> models.QuerySet[Embedding]:
    """Leave out what was deleted, which is in the older of the two spaces only."""
    return Embedding.objects.filter(space=space).exclude(memory__state=State.DELETED)
