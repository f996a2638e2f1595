"""The statements of `merging` about memories that the user has, and that are overwritten.

`target_changes` holds the ids of those that are not as the archive says. Their histories are joined
with those of the archive.
"""

from __future__ import annotations

from memories.search.search_vector import search_vector_sql

from .packed_rows import batch_of
from .statements import TAKEN, theirs

# An archive that does not tell leaves what is known.
ACTOR = "coalesce(staged.actor, memory.actor)"
CONVERSATION = "coalesce(staged.conversation, memory.conversation)"

MAKE_CHANGES = "CREATE TEMPORARY TABLE target_changes (id uuid)"

FIND_CHANGED = f"""
INSERT INTO target_changes
SELECT target.id
FROM {TAKEN}
JOIN memories_memory AS memory ON memory.id = target.id
LEFT JOIN target_memories AS superseding ON superseding.source = staged.superseded_by
WHERE target.known AND (
    memory.app_id, memory.content, memory.metadata, memory.state, memory.state_changed_at,
    memory.superseded_by_id, memory.created_at, memory.updated_at,
    memory.actor, memory.conversation
) IS DISTINCT FROM (
    app.id, staged.content, staged.metadata, staged.state, staged.state_changed_at,
    superseding.id, staged.created_at, staged.updated_at,
    {ACTOR}, {CONVERSATION}
)
"""

LOCK_CHANGED = """
SELECT count(*) FROM (
    SELECT FROM memories_memory WHERE id IN (SELECT id FROM target_changes)
    ORDER BY id FOR UPDATE
) AS locked
"""

# A memory that is overwritten, as it is here still and as it is in the archive.
_CHANGED = f"""
{batch_of("memories")}
JOIN target_memories AS target ON target.source = staged.id
    AND target.number >= %(first)s AND target.number < %(end)s
JOIN target_changes AS changing ON changing.id = target.id
JOIN memories_memory AS memory ON memory.id = changing.id
"""

# What an overwritten memory said is not lost. Noted at the present moment: what others did to it
# until it was locked may be later than the beginning of this transaction.
NOTE_REVISION = f"""
INSERT INTO memories_revision (memory_id, content, edited_by_id, edited_at)
SELECT memory.id, memory.content, %(by)s, clock_timestamp()
FROM {_CHANGED}
WHERE memory.content <> staged.content AND NOT EXISTS (
    SELECT FROM memories_revision AS revision
    WHERE revision.memory_id = memory.id AND revision.content = memory.content
)
"""

# The last step of a history leads to the state that the memory is in.
NOTE_CHANGE_OF_STATE = f"""
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT memory.id, coalesce(last.new_state, memory.state), staged.state, %(by)s, clock_timestamp(),
    'import'
FROM {_CHANGED}
LEFT JOIN LATERAL (
    SELECT new_state FROM memories_statechange AS step WHERE step.memory_id = memory.id
    ORDER BY changed_at DESC, step.id DESC LIMIT 1
) AS last ON true
WHERE coalesce(last.new_state, memory.state) <> staged.state
"""

DROP_VECTORS = f"""
DELETE FROM memories_embedding WHERE memory_id IN (
    SELECT memory.id FROM {_CHANGED} WHERE memory.content <> staged.content
)
"""

UPDATE_MEMORIES = f"""
UPDATE memories_memory AS memory
SET app_id = app.id, content = staged.content, metadata = staged.metadata, state = staged.state,
    state_changed_at = staged.state_changed_at, superseded_by_id = superseding.id,
    fingerprint = staged.fingerprint, actor = {ACTOR}, conversation = {CONVERSATION},
    words = {search_vector_sql("staged.content", "staged.created_at")},
    created_at = staged.created_at, updated_at = staged.updated_at
FROM {TAKEN}
JOIN target_changes AS changing ON changing.id = target.id
LEFT JOIN target_memories AS superseding ON superseding.source = staged.superseded_by
WHERE memory.id = target.id
"""


def _add_known(table: str, staged: str, columns: str, by: str) -> str:
    """Add those rows of a staged list that are not there yet, or not as often.

    Those of one memory are alike if they are in all `columns`. The first, the second … of these are
    told apart, so that none is stored again, and none left out.
    """
    alike = " AND ".join(f"known.{name} = step.{name}" for name in columns.split(", "))
    return f"""
INSERT INTO {table} (memory_id, {columns}, {by}_id)
SELECT memory_id, {columns}, {by}
FROM (
    SELECT target.id AS memory_id, {columns}, {theirs(by)} AS {by}, staged.number,
        row_number() OVER (PARTITION BY target.id, {columns} ORDER BY staged.number) AS nth
    FROM staged_{staged} AS staged
    JOIN target_memories AS target ON target.source = staged.memory_id AND target.known
) AS step
WHERE NOT EXISTS (
    SELECT FROM (
        SELECT memory_id, {columns},
            row_number() OVER (PARTITION BY memory_id, {columns} ORDER BY there.id) AS nth
        FROM {table} AS there
        JOIN target_memories AS target ON target.id = there.memory_id AND target.known
    ) AS known
    WHERE known.memory_id = step.memory_id AND {alike} AND known.nth = step.nth
)
ORDER BY number
"""


ADD_KNOWN_STATUS_CHANGES = _add_known(
    "memories_statechange",
    "status_history",
    "old_state, new_state, changed_at, reason",
    by="changed_by",
)
ADD_KNOWN_REVISIONS = _add_known(
    "memories_revision", "revisions", "content, edited_at", by="edited_by"
)
