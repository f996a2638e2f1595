"""Find the memories that share categories with a memory, or that are alike in meaning."""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any

import numpy as np
from django.utils.functional import cached_property
from pgvector import HalfVector
from pgvector.django import CosineDistance

from configuration.providers import EmbeddedQuery
from core import sql
from memories.access.reader import Reader
from memories.models import Categorization, Embedding, EmbeddingSpace, Memory, UserIndex
from memories.models.memory import MemoryQuerySet

from .query import Query
from .vectors import find_nearest

# No client reads on for longer, and so not all of ten thousand have to be compared.
MAX_RELATED = 100

# How alike two memories are at least whose meaning relates them.
MIN_SIMILARITY = 0.3

# This many are compared in about the time that an index takes to find the nearest.
EXACT_LIMIT = 2000

# `OFFSET 0` has each sharing memory looked up by its id: PostgreSQL, which cannot know how few
# share several categories, would read all of the user's. A memory without a vector is farther than
# any cosine distance.
RELATED = """
WITH sharing AS (
    SELECT memory_id, count(*) AS categories
    FROM memories_categorization
    WHERE user_id = %s AND category_id = ANY(%s::uuid[]) AND memory_id <> %s
    GROUP BY memory_id
    HAVING count(*) >= %s
)
SELECT readable.id
FROM sharing
CROSS JOIN LATERAL (
    SELECT * FROM ({among}) AS memory (id, created_at)
    WHERE memory.id = sharing.memory_id OFFSET 0
) AS readable
LEFT JOIN memories_embedding AS embedding
    ON embedding.memory_id = readable.id AND embedding.space_id = %s
ORDER BY sharing.categories DESC, COALESCE(embedding.vector <=> %s::halfvec, 2),
    readable.created_at DESC, readable.id
LIMIT %s
"""


def find_related(memory: Memory, *, among: MemoryQuerySet) -> MemoryQuerySet:
    """Find the MAX_RELATED memories that share most categories, the nearest first among equals.

    Where the user has an index, and more than EXACT_LIMIT memories share a category, the index
    finds those that share only one.
    """
    related = _Related(memory, among)
    ids: list[uuid.UUID] = []
    if related.embedding and _has_index(related.embedding) and related.exceeds_exact_limit():
        ids = related.ids_by_index(related.embedding)
    if len(ids) < MAX_RELATED:
        ids = related.ids_by_comparison()
    return among.in_order_of(ids)


def find_alike(memory: Memory, *, among: MemoryQuerySet, limit: int) -> MemoryQuerySet:
    """Find the memories that are alike in meaning, the nearest first."""
    embedding = _Related(memory, among).embedding
    if embedding is None:
        return among.none()
    query = _query_of(memory, embedding, has_index=_has_index(embedding))
    nearest, _ = find_nearest(among.exclude(pk=memory.pk), query, limit=limit)
    embeddings = Embedding.objects.filter(memory__in=nearest, space=embedding.space)
    distances = embeddings.values_list("memory", CosineDistance("vector", embedding.vector))
    calibrate = embedding.space.embedder.calibrate
    alike = {pk for pk, distance in distances if calibrate(1 - distance) >= MIN_SIMILARITY}
    return among.in_order_of([pk for pk in nearest if pk in alike])


@dataclass(frozen=True)
class _Related:
    memory: Memory
    among: MemoryQuerySet

    @cached_property
    def category_ids(self) -> list[uuid.UUID]:
        return list(self.memory.categories.values_list("pk", flat=True))

    @cached_property
    def embedding(self) -> Embedding | None:
        """The vector of the memory in the current space, if it has one yet."""
        embeddings = Embedding.objects.filter(
            memory=self.memory, space__state=EmbeddingSpace.State.ACTIVE
        )
        return embeddings.select_related("space").first()

    def exceeds_exact_limit(self) -> bool:
        """Whether too many memories share a category to compare them all."""
        sharing = Categorization.objects.filter(
            user=self.memory.user_id, category__in=self.category_ids
        )
        return sharing.count() > EXACT_LIMIT

    def ids_by_comparison(self, *, min_shared: int = 1) -> list[uuid.UUID]:
        """Compare all memories that share at least this many categories."""
        readable, readable_parameters = self.among.values_list(
            "pk", "created_at"
        ).query.sql_with_params()
        sharing: list[Any] = [self.memory.user_id, self.category_ids, self.memory.pk, min_shared]
        space, vector = None, None
        if self.embedding:
            space, vector = self.embedding.space_id, HalfVector(self.embedding.vector).to_text()
        return sql.fetch_column(
            RELATED.format(among=readable),
            [*sharing, *readable_parameters, space, vector, MAX_RELATED],
        )

    def ids_by_index(self, embedding: Embedding) -> list[uuid.UUID]:
        """Compare those that share several categories, and query the index for the others."""
        ids = self.ids_by_comparison(min_shared=2) if len(self.category_ids) > 1 else []
        others = self.among.in_categories_by_id(self.category_ids)
        others = others.exclude(pk__in=[self.memory.pk, *ids])
        nearest, _ = find_nearest(
            others,
            _query_of(self.memory, embedding, has_index=True),
            limit=MAX_RELATED - len(ids),
        )
        return [*ids, *nearest]


def _has_index(embedding: Embedding) -> bool:
    return UserIndex.objects.filter(user=embedding.user_id, space=embedding.space).exists()


def _query_of(memory: Memory, embedding: Embedding, *, has_index: bool) -> Query:
    """A query for memories like this one, with the vector that it has already."""
    vector: Future[EmbeddedQuery] = Future()
    vector.set_result(EmbeddedQuery(np.asarray(embedding.vector, dtype=np.float32)))
    return Query(memory.content, Reader(memory.user), embedding.space, has_index, [], vector)
