"""What is always worth knowing of a person, whatever is asked."""

from __future__ import annotations

from datetime import datetime

from core import sql
from memories.access.reader import Reader
from memories.models import Memory
from memories.models.memory import MemoryQuerySet
from memories.search.neighbours import find_neighbours

MAX_PINNED, MAX_OFTEN_READ, MAX_RECENT, MAX_MESSAGES = 50, 20, 20, 10

# Among so many of the newest memories, to bound the work: each costs a lookup in the access log.
CONSIDERED = 2000
OFTEN = 3

# How often each was found or opened. Being put into a prompt does not count, else what is there
# would stay there, and one call would change the next.
OFTEN_READ = """
SELECT newest.id
FROM ({among} LIMIT %s) AS newest (id, created_at)
CROSS JOIN LATERAL (
    SELECT count(*) FROM (
        SELECT FROM memories_access AS access
        WHERE access.memory_id = newest.id AND access.access_type IN ('search', 'get')
            AND (%s::uuid IS NULL OR access.app_id = %s::uuid)
        LIMIT 100
    ) AS counted
) AS reads (number)
WHERE reads.number >= %s
ORDER BY reads.number DESC, newest.created_at DESC, newest.id
LIMIT %s
"""


def find_pinned(memories: MemoryQuerySet) -> list[Memory]:
    """Find the newest memories whose metadata says `"pinned": true`."""
    pinned = memories.filter(metadata__contains={"pinned": True})
    return list(newest_first(pinned).with_relations()[:MAX_PINNED])


def find_often_read(memories: MemoryQuerySet, *, reader: Reader) -> list[Memory]:
    """Find what was found or opened most often, by the reader's app if it is one."""
    among, parameters = (
        newest_first(memories).values_list("pk", "created_at").query.sql_with_params()
    )
    app = reader.app and reader.app.pk
    ids = sql.fetch_column(
        OFTEN_READ.format(among=among),
        [*parameters, CONSIDERED, app, app, OFTEN, MAX_OFTEN_READ],
    )
    return list(memories.in_order_of(ids).with_relations())


def find_recent(memories: MemoryQuerySet) -> list[Memory]:
    return list(newest_first(memories).with_relations()[:MAX_RECENT])


def find_last_messages(memories: MemoryQuerySet, *, reader: Reader) -> list[Memory]:
    """Find the end of the conversation with the newest message, in its order."""
    messages = memories.exclude(actor="", conversation="")
    last = newest_first(messages).values_list("pk", flat=True).first()
    if last is None:
        return []
    neighbours = find_neighbours(
        [last], places=MAX_MESSAGES - 1, among=memories, reader=reader
    ).get(last, [])
    ids = [*(neighbour.pk for neighbour in neighbours if neighbour.place < 0), last]
    return list(memories.in_order_of(ids).with_relations())


def newest_first(memories: MemoryQuerySet) -> MemoryQuerySet:
    return memories.order_by("-created_at", "pk")


def keep_valid(memories: MemoryQuerySet, at: datetime) -> MemoryQuerySet:
    return memories.unexpired().valid_at(at)
