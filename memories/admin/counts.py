"""How many memories are in a category, counted up to a limit."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from core.admin.paginator import MoreThan
from core.quantities import with_noun
from core.sql import fetch_all, uuid_array

# Per category: for a page of 50, this takes a tenth of a second.
MAX_COUNTED = 10_000

# One category after another, each from its index: a join would read all categorizations.
COUNT_MEMORIES = """
SELECT category.id, counted.count
FROM unnest(%s::uuid[]) AS category (id)
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT FROM memories_categorization WHERE category_id = category.id LIMIT %s
    ) AS few
) AS counted
"""


def count_memories(category_ids: Sequence[uuid.UUID]) -> dict[uuid.UUID, int]:
    """Count the memories of all users in each category, including deleted ones not yet purged."""
    rows = fetch_all(COUNT_MEMORIES, [uuid_array(category_ids), MAX_COUNTED + 1])
    return {pk: MoreThan(MAX_COUNTED) if count > MAX_COUNTED else count for pk, count in rows}


def format_count(count: int) -> str:
    return with_noun(count, "memory", "memories")
