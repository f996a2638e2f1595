"""The memories before and after a memory in its conversation."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from core import sql
from memories.models.memory import MemoryQuerySet

# Memories to scan for each place, as some of them may not be readable.
SCANNED_PER_PLACE = 10

# The readable neighbours of one memory on one side, in the order of its conversation. The bounds
# are written so that each is a condition of the index: the conversation of a memory that names
# none are the half hours before and after it. `OFFSET 0` keeps PostgreSQL from reading every
# readable memory to compare them with a few.
ONE_SIDE = """
    SELECT readable.id, {sign} row_number() OVER (
        ORDER BY scanned.created_at {order}, scanned.arrival {order}, scanned.id {order}
    ) AS place
    FROM (
        SELECT near.id, near.created_at, near.arrival
        FROM memories_memory AS near
        WHERE near.app_id = origin.app_id
            AND near.conversation = origin.conversation
            AND near.state = 'active' AND (near.actor <> '' OR near.conversation <> '')
            AND (near.created_at, near.arrival, near.id)
                {beyond} (origin.created_at, origin.arrival, origin.id)
            AND near.created_at {within} CASE origin.conversation
                WHEN '' THEN origin.created_at {sign} interval '30 minutes'
                ELSE '{edge}'
            END
        ORDER BY near.created_at {order}, near.arrival {order}, near.id {order}
        LIMIT %s
    ) AS scanned
    CROSS JOIN LATERAL (
        SELECT memory.id FROM ({{among}}) AS memory (id) WHERE memory.id = scanned.id OFFSET 0
    ) AS readable
    ORDER BY scanned.created_at {order}, scanned.arrival {order}, scanned.id {order}
    LIMIT %s
"""
BEFORE = ONE_SIDE.format(sign="-", order="DESC", beyond="<", within=">=", edge="-infinity")
AFTER = ONE_SIDE.format(sign="+", order="ASC", beyond=">", within="<=", edge="infinity")
BOTH_SIDES = """
SELECT origin.id, neighbour.id, neighbour.place
FROM memories_memory AS origin
CROSS JOIN LATERAL (({before}) UNION ALL ({after})) AS neighbour
WHERE origin.id = ANY(%s::uuid[]) AND (origin.actor <> '' OR origin.conversation <> '')
ORDER BY origin.id, neighbour.place
"""


@dataclass(frozen=True)
class Neighbour:
    """A memory by its place relative to another one: before it where `place` is negative."""

    pk: uuid.UUID
    place: int


def find_neighbours(
    ids: Collection[uuid.UUID], *, places: int, among: MemoryQuerySet
) -> dict[uuid.UUID, list[Neighbour]]:
    """Find the neighbours of each memory up to `places` away, in their order, in one query.

    Memories that are not `among` these take no place, so that nothing gives them away. A memory
    outside of any conversation has no neighbours, and no entry in the result.
    """
    if not ids or not places:
        return {}
    readable, readable_parameters = among.order_by().values_list("pk").query.sql_with_params()
    side_parameters: list[Any] = [SCANNED_PER_PLACE * places, *readable_parameters, places]
    rows = sql.fetch_all(
        BOTH_SIDES.format(before=BEFORE.format(among=readable), after=AFTER.format(among=readable)),
        [*side_parameters, *side_parameters, sql.uuid_array(ids)],
    )
    neighbours: dict[uuid.UUID, list[Neighbour]] = defaultdict(list)
    for origin, pk, place in rows:
        neighbours[origin].append(Neighbour(pk, place))
    return dict(neighbours)
