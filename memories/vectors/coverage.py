"""How many of all memories have a vector in each space, at a price that does not grow with them."""

from __future__ import annotations

import random
import uuid
from dataclasses import dataclass

from django.db import connection

# As many memories as are counted one by one. Of more, some are looked at.
MOST_COUNTED = 50_000
LOOKED_AT = 2_000

HOW_MANY = "SELECT count(*) FROM (SELECT FROM memories_memory LIMIT %s) AS few"
# As of the last time that PostgreSQL looked, which it does by itself as a table changes.
ESTIMATED = "SELECT reltuples::bigint FROM pg_class WHERE oid = 'memories_memory'::regclass"

# Ids are random, so that those from any on are a fair sample of all.
COVERED = """
WITH looked_at AS MATERIALIZED (
    SELECT id, state <> 'deleted' AS wanted FROM memories_memory
    WHERE id >= %s ORDER BY id LIMIT %s
),
wanted AS MATERIALIZED (SELECT id FROM looked_at WHERE wanted)
SELECT NULL, count(*) FROM looked_at
UNION ALL
SELECT 0, count(*) FROM wanted
UNION ALL
SELECT space_id, count(*) FROM wanted JOIN memories_embedding ON memory_id = wanted.id
GROUP BY space_id
"""


@dataclass(frozen=True)
class Coverage:
    """How many memories want a vector, and how many have one, by the id of the space.

    Where it is not `exact`, both are estimates from LOOKED_AT memories.
    """

    memories: int
    vectors: dict[int, int]
    exact: bool

    def of(self, space_id: int) -> int:
        return self.vectors.get(space_id, 0)

    def share(self, space_id: int) -> float:
        """From 0 to 1; 1 where there is no memory."""
        return self.of(space_id) / self.memories if self.memories else 1.0


def coverage() -> Coverage:
    with connection.cursor() as cursor:
        cursor.execute(HOW_MANY, [MOST_COUNTED + 1])
        exact = cursor.fetchone()[0] <= MOST_COUNTED
        first = uuid.UUID(int=0 if exact else random.getrandbits(128) % (15 << 124))
        cursor.execute(COVERED, [first, MOST_COUNTED if exact else LOOKED_AT])
        found = dict(cursor.fetchall())
        looked_at, wanted = found.pop(None), found.pop(0)
        if exact or not looked_at:
            return Coverage(wanted, found, exact=True)
        cursor.execute(ESTIMATED)
        each_stands_for = cursor.fetchone()[0] / looked_at
    counts = {space: round(count * each_stands_for) for space, count in found.items()}
    return Coverage(round(wanted * each_stands_for), counts, exact=False)
