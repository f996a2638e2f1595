"""Find what else there is about the themes of a memory."""

from __future__ import annotations

import uuid
from concurrent.futures import Future
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from django.contrib.postgres.fields import ArrayField
from django.db import connection
from django.db.models import F, Func, IntegerField, UUIDField, Value
from pgvector import HalfVector

from configuration.providers import Vectors
from memories.models import Categorization, Embedding, EmbeddingSpace, Memory, UserIndex
from memories.models.memory import MemoryQuerySet

from .query import Question
from .vectors import nearest

# Nobody reads on for longer, and so not all of ten thousand have to be compared.
MOST = 100

# How many are compared one by one in about the time that an index takes to find the nearest.
FEW = 2000

# One memory is looked up after another, which `OFFSET 0` is for: PostgreSQL, which cannot know how
# few share several categories, would read all of the user's. A memory that has no vector yet is
# farther than any cosine distance.
RELATED = """
WITH sharing AS (
    SELECT memory_id, count(*) AS themes
    FROM memories_categorization
    WHERE user_id = %s AND category_id = ANY(%s::uuid[]) AND memory_id <> %s
    GROUP BY memory_id
    HAVING count(*) >= %s
)
SELECT among.id
FROM sharing
CROSS JOIN LATERAL (
    SELECT * FROM ({among}) AS memory (id, created_at)
    WHERE memory.id = sharing.memory_id OFFSET 0
) AS among
LEFT JOIN memories_embedding AS embedding
    ON embedding.memory_id = among.id AND embedding.space_id = %s
ORDER BY sharing.themes DESC, COALESCE(embedding.vector <=> %s::halfvec, 2),
    among.created_at DESC, among.id
LIMIT %s
"""


def related_to(memory: Memory, *, among: MemoryQuerySet) -> MemoryQuerySet:
    """Keep the MOST memories that share categories with this one: the most first, then the nearest.

    Where a user with an index of their own has many that share one category, these come by it.
    """
    related = _Related(memory, among)
    ids: list[uuid.UUID] = []
    if related.embedding and _has_index(related.embedding) and related.are_many():
        ids = related.by_index(related.embedding)
    if len(ids) < MOST:
        ids = related.compared()
    in_this_order = Func(
        Value(ids, ArrayField(UUIDField())),
        F("pk"),
        function="array_position",
        output_field=IntegerField(),
    )
    return among.filter(pk__in=ids).order_by(in_this_order)


@dataclass(frozen=True)
class _Related:
    memory: Memory
    among: MemoryQuerySet

    @cached_property
    def themes(self) -> list[uuid.UUID]:
        return list(self.memory.categories.values_list("pk", flat=True))

    @cached_property
    def embedding(self) -> Embedding | None:
        """The vector of the memory in the current space, if it has one yet."""
        current = Embedding.objects.filter(
            memory=self.memory, space__state=EmbeddingSpace.State.ACTIVE
        )
        return current.select_related("space").first()

    def are_many(self) -> bool:
        """Whether too many share a category to be compared one by one."""
        same = Categorization.objects.filter(user=self.memory.user_id, category__in=self.themes)
        return same.count() > FEW

    def compared(self, *, least: int = 1) -> list[uuid.UUID]:
        """Compare all that share at least so many categories."""
        among, named = self.among.values_list("pk", "created_at").query.sql_with_params()
        sharing: list[Any] = [self.memory.user_id, self.themes, self.memory.pk, least]
        space, vector = None, None
        if self.embedding:
            space, vector = self.embedding.space_id, HalfVector(self.embedding.vector).to_text()
        with connection.cursor() as cursor:
            cursor.execute(RELATED.format(among=among), [*sharing, *named, space, vector, MOST])
            return [pk for (pk,) in cursor.fetchall()]

    def by_index(self, embedding: Embedding) -> list[uuid.UUID]:
        """Compare those that share several categories, and look up the nearest of the others."""
        found = self.compared(least=2) if len(self.themes) > 1 else []
        others = self.among.in_categories_by_id(self.themes)
        others = others.exclude(pk__in=[self.memory.pk, *found])
        near, _ = nearest(others, _as_question(self.memory, embedding), limit=MOST - len(found))
        return [*found, *near]


def _has_index(embedding: Embedding) -> bool:
    return UserIndex.objects.filter(user=embedding.user_id, space=embedding.space).exists()


def _as_question(memory: Memory, embedding: Embedding) -> Question:
    """What the memory says, asked by somebody who wants to find the like."""
    embedded: Future[Vectors] = Future()
    embedded.set_result(np.asarray(embedding.vector, dtype=np.float32))
    return Question(memory.content, memory.user, embedding.space, True, [], embedded)
