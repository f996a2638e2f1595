"""How many memories have a vector in each space, at a cost that does not grow with their number."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass
from typing import Any

from core.sql import fetch_all, fetch_value

# Up to this many memories are counted. Of more, a sample is.
MAX_COUNTED = 50_000
SAMPLE_SIZE = 2_000

COUNT = "SELECT count(*) FROM (SELECT FROM memories_memory LIMIT %s) AS few"
# As of the last ANALYZE, which autovacuum runs as a table changes.
ESTIMATE = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'memories_memory'::regclass"

# Ids are random: those after any one are a fair sample. The first two rows have no space: NULL is
# the size of the sample, 0 the memories in it that need a vector.
COUNT_BY_SPACE = """
WITH sample AS MATERIALIZED (
    SELECT id, state <> 'deleted' AS needs_vector FROM memories_memory
    WHERE id >= %s ORDER BY id LIMIT %s
),
needing AS MATERIALIZED (SELECT id FROM sample WHERE needs_vector)
SELECT NULL, count(*) FROM sample
UNION ALL
SELECT 0, count(*) FROM needing
UNION ALL
SELECT space_id, count(*) FROM needing JOIN memories_embedding ON memory_id = needing.id
GROUP BY space_id
"""


@dataclass(frozen=True)
class Coverage:
    """How many memories need a vector, and how many have one, by the id of the space.

    Unless `exact`, both are estimates from SAMPLE_SIZE memories.
    """

    memories: int
    vectors: dict[int, int]
    exact: bool

    def of(self, space_id: int) -> int:
        return self.vectors.get(space_id, 0)

    def share(self, space_id: int) -> float:
        """From 0 to 1; 1 if there are no memories."""
        return self.of(space_id) / self.memories if self.memories else 1.0


def estimate_coverage() -> Coverage:
    exact = fetch_value(COUNT, [MAX_COUNTED + 1]) <= MAX_COUNTED
    first = uuid.UUID(int=0 if exact else random.getrandbits(128) % (15 << 124))
    limit = MAX_COUNTED if exact else SAMPLE_SIZE
    counts: dict[Any, int] = dict(fetch_all(COUNT_BY_SPACE, [first, limit]))
    sample_size, memories = counts.pop(None), counts.pop(0)
    if exact or not sample_size:
        return Coverage(memories, counts, exact=True)
    factor = fetch_value(ESTIMATE) / sample_size
    estimates = {space: round(count * factor) for space, count in counts.items()}
    return Coverage(round(memories * factor), estimates, exact=False)
