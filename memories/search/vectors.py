"""Find the memories whose vectors are nearest to that of a query."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models.functions import Cast
from pgvector.django import CosineDistance, HalfVectorField

from core import sql
from memories.models.memory import MemoryQuerySet

from .query import Query

# How many vectors the index keeps in view for each that it is to find. Measured with 100,000
# vectors and the nearest 100: 100 find 91 % of them, 200 find 97 % at nearly the same cost.
EF_PER_VECTOR = 2
MAX_EF_SEARCH = 1000  # of the index

# How many vectors the index scans when filters leave few of those it finds. Beyond about this
# many it costs as much as comparing all.
MAX_SCAN_TUPLES = 5000

# A memory, its distance from the query, and when it was said.
Near = tuple[uuid.UUID, float, datetime]

SET_INDEX_SCAN = """
SELECT set_config('hnsw.ef_search', %s, true),
    set_config('hnsw.max_scan_tuples', %s, true),
    set_config('hnsw.iterative_scan', 'strict_order', true)
"""


def find_nearest(
    memories: MemoryQuerySet, query: Query, *, limit: int
) -> tuple[list[uuid.UUID], str]:
    """Find the nearest of these memories by cosine distance, and say how.

    By `index` where the user's own index finds `limit` of them. Else, as where filters leave
    fewer, all are compared: `exact`. By `none` where the query has no vector.
    """
    if query.vector is None:
        return [], "none"
    if query.has_index:
        ids = _find_by_index(memories, query, limit)
        if ids is not None:
            return ids, "index"
    distance = CosineDistance("embeddings__vector", query.vector)
    compared = _embedded(memories, query).annotate(distance=distance)
    by_distance = compared.order_by("distance", "-created_at", "pk")
    parts = query.reader.in_parts(lambda: _read(by_distance, limit), by_vectors=True)
    return _merge(parts, limit), "exact"


def _find_by_index(memories: MemoryQuerySet, query: Query, limit: int) -> list[uuid.UUID] | None:
    # The very expression of the index, else PostgreSQL does not use it.
    indexed = Cast("embeddings__vector", HalfVectorField(dimensions=query.space.dimensions))
    distance = CosineDistance(indexed, query.vector)
    by_distance = _embedded(memories, query).annotate(distance=distance).order_by("distance")
    with transaction.atomic():
        sql.execute(
            SET_INDEX_SCAN, [str(min(EF_PER_VECTOR * limit, MAX_EF_SEARCH)), str(MAX_SCAN_TUPLES)]
        )
        found, *changed = query.reader.in_parts(lambda: _read(by_distance, limit), by_vectors=True)
    return _merge([found, *changed], limit) if len(found) == limit else None


def _read(by_distance: Any, limit: int) -> list[Near]:
    return list(by_distance.values_list("pk", "distance", "created_at")[:limit])


def _merge(parts: Sequence[Sequence[Near]], limit: int) -> list[uuid.UUID]:
    """The nearest of all parts, each of which is in order."""
    rows = [row for part in parts for row in part]
    if len(parts) > 1:
        rows.sort(key=lambda row: row[0])
        rows.sort(key=lambda row: row[2], reverse=True)
        rows.sort(key=lambda row: row[1])
    return [pk for pk, *_ in rows[:limit]]


def _embedded(memories: MemoryQuerySet, query: Query) -> MemoryQuerySet:
    """Join the vectors. The user's id on them too lets PostgreSQL read only that user's.

    A reader of many users reads as one who is not stored.
    """
    vector: dict[str, Any] = {"embeddings__space": query.space}
    if query.reader.user.is_stored:
        vector["embeddings__user"] = query.reader.user
    # All at once: each call of `filter` would join another vector.
    return memories.filter(**vector)
