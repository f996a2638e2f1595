"""The memories before and after a memory in its conversation."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core import clock, sql
from memories.access.reader import Reader
from memories.models.memory import MemoryQuerySet

# Readable memories to scan for each place, as filters may leave some of them out.
SCANNED_PER_PLACE = 10

# `OFFSET 0` keeps PostgreSQL from reading all of these memories to compare them with a few.
ONLY_AMONG = """CROSS JOIN LATERAL (
        SELECT memory.id FROM ({among}) AS memory (id) WHERE memory.id = {row}.id OFFSET 0
    ) AS {name}"""

UNEXPIRED = """
            AND (near.expires_at IS NULL OR near.expires_at > %s)"""

# The neighbours of one memory on one side, in the order of its conversation. The bounds are written
# so that each is a condition of the index: the conversation of a memory that names none are the
# half hours before and after it.
ONE_SIDE = """
    SELECT scanned.id, {sign} row_number() OVER (
        ORDER BY scanned.created_at {order}, scanned.arrival {order}, scanned.id {order}
    ) AS place
    FROM (
        SELECT near.id, near.created_at, near.arrival
        FROM memories_memory AS near {{readable}}
        WHERE near.app_id = origin.app_id
            AND near.conversation = origin.conversation
            AND near.state = 'active' AND (near.actor <> '' OR near.conversation <> ''){{unexpired}}
            AND (near.created_at, near.arrival, near.id)
                {beyond} (origin.created_at, origin.arrival, origin.id)
            AND near.created_at {within} CASE origin.conversation
                WHEN '' THEN origin.created_at {sign} interval '30 minutes'
                ELSE '{edge}'
            END
        ORDER BY near.created_at {order}, near.arrival {order}, near.id {order}
        LIMIT %s
    ) AS scanned {{filtered}}
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
"""

# A statement, and its parameters.
Selected = tuple[str, Sequence[Any]]


@dataclass(frozen=True)
class Neighbour:
    """A memory by its place relative to another one: before it where `place` is negative."""

    pk: uuid.UUID
    place: int


def find_neighbours(
    ids: Collection[uuid.UUID],
    *,
    places: int,
    among: MemoryQuerySet,
    reader: Reader | None = None,
) -> dict[uuid.UUID, list[Neighbour]]:
    """Find the neighbours of each memory up to `places` away, in their order, in one query.

    Memories that are not `among` these take no place. Nor are those scanned that the reader may
    not read: however many they are, they hide no other one. A memory outside of any conversation
    has no neighbours, and no entry in the result.
    """
    if not ids or not places:
        return {}
    readable = None
    if reader is not None and reader.app is not None:
        readable = _select_ids(reader.memories())
    statement, parameters = select_neighbours(
        ids,
        places=places,
        readable=readable,
        filtered=_select_ids(among),
        unexpired_at=clock.now() if reader and not reader.sees_expired else None,
    )
    rows = sql.fetch_all(f"{statement} ORDER BY origin.id, neighbour.place", parameters)
    neighbours: dict[uuid.UUID, list[Neighbour]] = defaultdict(list)
    for origin, pk, place in rows:
        neighbours[origin].append(Neighbour(pk, place))
    return dict(neighbours)


def select_neighbours(
    ids: Collection[uuid.UUID],
    *,
    places: int,
    readable: Selected | None = None,
    filtered: Selected | None = None,
    unexpired_at: datetime | None = None,
) -> Selected:
    """A statement for the origin, the id and the place of each neighbour.

    Only `readable` memories that have not expired are scanned. Of these, those that are not also
    `filtered` take no place.
    """
    readable_join, readable_parameters = _only_among(readable, row="near", name="readable")
    filtered_join, filtered_parameters = _only_among(filtered, row="scanned", name="filtered")
    before, after = (
        side.format(
            readable=readable_join,
            filtered=filtered_join,
            unexpired=UNEXPIRED if unexpired_at else "",
        )
        for side in (BEFORE, AFTER)
    )
    scanned = SCANNED_PER_PLACE * places
    moments = [unexpired_at] if unexpired_at else []
    side_parameters = [*readable_parameters, *moments, scanned, *filtered_parameters, places]
    statement = BOTH_SIDES.format(before=before, after=after)
    return statement, [*side_parameters, *side_parameters, sql.uuid_array(ids)]


def _select_ids(memories: MemoryQuerySet) -> Selected:
    selected = memories.order_by().values_list("pk")
    statement, parameters = selected.query.sql_with_params()
    return statement, parameters


def _only_among(selected: Selected | None, *, row: str, name: str) -> Selected:
    """A join that keeps the rows of the memories that a statement selects, with its parameters."""
    if selected is None:
        return "", []
    among, parameters = selected
    return ONLY_AMONG.format(among=among, row=row, name=name), parameters
