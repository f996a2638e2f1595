"""What was said before and after a memory, in its conversation."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db import connection

from memories.models.memory import MemoryQuerySet

# How many memories are looked at for each that is wanted, as some of them may not be read.
LOOKED_AT = 10

# Of each memory, in the order of its conversation, the readable ones next to it on one side. The
# bounds are written so that each is one of the index: a memory that belongs to no named
# conversation has been said among those of the half hour around it. `OFFSET 0` keeps PostgreSQL
# from reading all that are readable to compare them with a few.
BESIDE = """
    SELECT readable.id, {sign} row_number() OVER (
        ORDER BY seen.created_at {order}, seen.arrival {order}, seen.id {order}
    ) AS place
    FROM (
        SELECT said.id, said.created_at, said.arrival
        FROM memories_memory AS said
        WHERE said.app_id = asked.app_id
            AND said.conversation = asked.conversation
            AND said.state = 'active' AND (said.actor <> '' OR said.conversation <> '')
            AND (said.created_at, said.arrival, said.id)
                {beyond} (asked.created_at, asked.arrival, asked.id)
            AND said.created_at {within} CASE asked.conversation
                WHEN '' THEN asked.created_at {sign} interval '30 minutes'
                ELSE '{edge}'
            END
        ORDER BY said.created_at {order}, said.arrival {order}, said.id {order}
        LIMIT %s
    ) AS seen
    CROSS JOIN LATERAL (
        SELECT memory.id FROM ({{among}}) AS memory (id) WHERE memory.id = seen.id OFFSET 0
    ) AS readable
    ORDER BY seen.created_at {order}, seen.arrival {order}, seen.id {order}
    LIMIT %s
"""
BEFORE = BESIDE.format(sign="-", order="DESC", beyond="<", within=">=", edge="-infinity")
AFTER = BESIDE.format(sign="+", order="ASC", beyond=">", within="<=", edge="infinity")
AROUND = """
SELECT asked.id, beside.id, beside.place
FROM memories_memory AS asked
CROSS JOIN LATERAL (({before}) UNION ALL ({after})) AS beside
WHERE asked.id = ANY(%s::uuid[]) AND (asked.actor <> '' OR asked.conversation <> '')
ORDER BY asked.id, beside.place
"""


@dataclass(frozen=True)
class Beside:
    """A memory so many places from another one: before it where `place` is less than 0."""

    pk: uuid.UUID
    place: int


def surroundings(
    ids: Collection[uuid.UUID], *, places: int, among: MemoryQuerySet
) -> dict[uuid.UUID, list[Beside]]:
    """Find what was said up to so many places before and after each of these, in that order.

    Only what is `among` these is found and counted as a place, so that nothing tells of others.
    Of a memory that belongs to no conversation nothing is found, and it is not in the answer.
    """
    if not ids or not places:
        return {}
    inner, named = among.order_by().values_list("pk").query.sql_with_params()
    beside: list[Any] = [LOOKED_AT * places, *named, places]
    around: dict[uuid.UUID, list[Beside]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(
            AROUND.format(before=BEFORE.format(among=inner), after=AFTER.format(among=inner)),
            [*beside, *beside, "{" + ",".join(pk.hex for pk in ids) + "}"],
        )
        for asked, pk, place in cursor.fetchall():
            around[asked].append(Beside(pk, place))
    return dict(around)
