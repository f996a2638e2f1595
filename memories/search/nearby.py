"""The neighbours of the best candidates, which are candidates, too."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from core import clock, sql
from memories.access.readable import select_active

from .candidate_rows import Candidate, build_candidate, column_values, columns, tokens_of
from .neighbours import select_neighbours
from .query import Query
from .searched import Searched

# `OFFSET 0` has PostgreSQL look these few up by their ids: of the past, it would expect millions.
LOAD_NEIGHBOURS = """
SELECT near.origin, near.place, {columns}
FROM ({neighbours}) AS near (origin, id, place)
CROSS JOIN LATERAL (
    SELECT * FROM memories_memory AS memory WHERE memory.id = near.id OFFSET 0
) AS memory
LEFT JOIN LATERAL (
    SELECT embedding.id, embedding.vector FROM memories_embedding AS embedding
    WHERE embedding.memory_id = near.id AND embedding.space_id = %(space)s OFFSET 0
) AS embedding ON true {tokens_of}
WHERE memory.user_id = %(user)s OR NOT %(is_stored)s
ORDER BY near.origin, near.place
"""


def load_neighbours(
    ids: Collection[uuid.UUID], query: Query, *, searched: Searched, places: int
) -> list[tuple[uuid.UUID, int, Candidate]]:
    """Load what is searched up to `places` away from these memories, in one statement.

    Each with the memory whose neighbour it is, and with its place: see `find_neighbours`.
    """
    if not ids:
        return []
    reader = searched.reader
    # All that is scanned is active, and of the user whose memories these are.
    statement, parameters = sql.name_parameters(
        *select_neighbours(
            ids,
            places=places,
            readable=select_active(reader) if reader.app else None,
            filtered=searched.selected if searched.is_filtered else None,
            unexpired_at=None if reader.sees_expired else clock.now(),
        )
    )
    rows = sql.fetch_binary(
        LOAD_NEIGHBOURS.format(
            columns=columns(query),
            tokens_of=tokens_of(query),
            neighbours=statement,
        ),
        {
            **parameters,
            **column_values(query),
            "user": reader.user.pk,
            "is_stored": reader.user.is_stored,
        },
    )
    return [(origin, place, build_candidate(query, *row)) for origin, place, *row in rows]
