from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from django.db import models

from accounts.models import User
from core.sql import execute, uuid_array

# A category may have been merged since it was read: then its successor is used. FOR KEY SHARE
# waits for a merge in progress, and makes the next one wait for this transaction.
INSERT = """
INSERT INTO memories_categorization (memory_id, user_id, category_id)
SELECT %s, %s, COALESCE(merged_into_id, id)
FROM memories_category WHERE id = ANY(%s::uuid[]) ORDER BY id FOR KEY SHARE
ON CONFLICT DO NOTHING
"""

# The same of many memories, in the order in which others lock the categories.
INSERT_MANY = """
INSERT INTO memories_categorization (memory_id, user_id, category_id)
SELECT pair.memory_id, %s, COALESCE(category.merged_into_id, category.id)
FROM memories_category AS category
JOIN unnest(%s::uuid[], %s::uuid[]) AS pair (memory_id, category_id)
    ON pair.category_id = category.id
ORDER BY category.id, pair.memory_id FOR KEY SHARE OF category
ON CONFLICT DO NOTHING
"""

# All at once and in this order, before any categorization is deleted: a merge, which updates them
# row by row, would deadlock otherwise.
LOCK_CATEGORIES = """
SELECT FROM memories_category
WHERE id = ANY(ARRAY(SELECT category_id FROM memories_categorization WHERE memory_id = %s))
    OR id = ANY(%s::uuid[])
ORDER BY id FOR KEY SHARE
"""

DELETE = "DELETE FROM memories_categorization WHERE memory_id = %s"

LOCK_CATEGORIES_OF_MANY = """
SELECT FROM memories_category
WHERE id IN (
    SELECT category_id FROM memories_categorization WHERE memory_id = ANY(%s::uuid[])
) OR id = ANY(%s::uuid[])
ORDER BY id FOR KEY SHARE
"""


class CategorizationQuerySet(models.QuerySet["Categorization"]):
    def insert(
        self, memory_id: uuid.UUID, *, user_id: uuid.UUID, category_ids: Collection[uuid.UUID]
    ) -> None:
        execute(INSERT, [memory_id, user_id, uuid_array(category_ids)])

    def insert_many(
        self, pairs: Sequence[tuple[uuid.UUID, uuid.UUID]], *, user_id: uuid.UUID
    ) -> None:
        """Insert pairs of a memory and a category."""
        memories, categories = ([pair[place] for pair in pairs] for place in (0, 1))
        execute(INSERT_MANY, [user_id, uuid_array(memories), uuid_array(categories)])

    def replace_many(self, categories: Mapping[Any, Sequence[models.Model]]) -> None:
        """Move each of these memories, which are of one user and locked, to its categories."""
        memories = [*categories]
        if not memories:
            return
        ids = [memory.pk for memory in memories]
        pairs = [(memory.pk, each.pk) for memory in memories for each in categories[memory]]
        new = {category for _, category in pairs}
        execute(LOCK_CATEGORIES_OF_MANY, [uuid_array(ids), uuid_array(new)])
        self.filter(memory__in=ids).delete()
        self.insert_many(pairs, user_id=memories[0].user_id)

    def replace(
        self, memory_id: uuid.UUID, *, user_id: uuid.UUID, category_ids: Collection[uuid.UUID]
    ) -> None:
        """Move a memory to these categories, with one round trip."""
        ids = uuid_array(category_ids)
        parameters = [memory_id, ids, memory_id, memory_id, user_id, ids]
        execute(f"{LOCK_CATEGORIES}; {DELETE}; {INSERT}", parameters)


class Categorization(models.Model):
    """The link between a memory and a category."""

    memory = models.ForeignKey("memories.Memory", on_delete=models.CASCADE, db_index=False)
    category = models.ForeignKey("memories.Category", on_delete=models.CASCADE)
    # Copied from the memory: one index then lists the categories of a user.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)

    objects = CategorizationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["memory", "category"], name="memory_in_category_once")
        ]
        indexes = [
            models.Index(fields=["user", "category", "memory"], name="categorization_by_user")
        ]

    def __str__(self) -> str:
        return f"{self.memory_id} in {self.category_id}"
