"""The statements of `merging`, which says when each of them is run.

`target_memories` tells of each staged memory which id it has here, whether the user has it already
(`known`), and whether it is taken from the archive (`taken`): new ones are, known ones only when
they are overwritten. The parameters are those of `Merge._parameters`.
"""

from __future__ import annotations

from memories.search.search_vector import search_vector_sql

from .packed_rows import batch_of

# --- Apps ----------------------------------------------------------------------------------

UPDATE_APPS = """
UPDATE apps_registry_app AS app
SET description = staged.description, metadata = staged.metadata, is_active = staged.is_active,
    created_at = staged.created_at, updated_at = staged.updated_at
FROM staged_apps AS staged
WHERE app.owner_id = %(user)s AND app.name = staged.name
    AND (app.description, app.metadata, app.is_active, app.created_at, app.updated_at)
        IS DISTINCT FROM (staged.description, staged.metadata, staged.is_active,
            staged.created_at, staged.updated_at)
"""

ADD_APPS = """
INSERT INTO apps_registry_app
    (id, owner_id, name, description, metadata, is_active, memories_read, created_at, updated_at)
SELECT CASE
        WHEN %(own)s AND NOT EXISTS (SELECT FROM apps_registry_app WHERE id = staged.id)
            THEN staged.id
        WHEN NOT EXISTS (SELECT FROM apps_registry_app WHERE id = staged.derived_id)
            THEN staged.derived_id
        ELSE gen_random_uuid()
    END,
    %(user)s, name, description, metadata, is_active, 0, created_at, updated_at
FROM staged_apps AS staged
ORDER BY name
ON CONFLICT (owner_id, name) DO NOTHING
"""

# The original allowed that a memory has no app.
ADD_DEFAULT_APP = """
INSERT INTO apps_registry_app
    (id, owner_id, name, description, metadata, is_active, memories_read, created_at, updated_at)
SELECT gen_random_uuid(), %(user)s, %(default_app)s, '', '{}', true, 0, now(), now()
WHERE EXISTS (SELECT FROM staged_memories WHERE app_id IS NULL)
ON CONFLICT (owner_id, name) DO NOTHING
"""

# What stands for an app that is not named is an id that nobody has.
FIND_APPS = """
CREATE TEMPORARY TABLE target_apps AS
SELECT staged.id AS source, app.id
FROM staged_apps AS staged
JOIN apps_registry_app AS app ON app.owner_id = %(user)s AND app.name = staged.name
UNION ALL
SELECT %(no_app)s, id FROM apps_registry_app WHERE owner_id = %(user)s AND name = %(default_app)s
"""

# --- Memories ------------------------------------------------------------------------------

# In what order the memories of an archive arrived, as far as it says.
ARRIVED = "staged.arrival, staged.created_at, staged.number"

ORDER_MEMORIES = f"""
CREATE TEMPORARY TABLE target_order AS
SELECT number, row_number() OVER (ORDER BY {ARRIVED}) AS place FROM staged_memories AS staged
"""

# Numbers that come after those of all that has arrived. Some of them others may have taken at the
# same moment, which does no harm. Drawn one by one, as two that set the sequence at once could set
# it back.
RESERVE_ARRIVALS = """
SELECT coalesce(max(number), 0) - %(memories)s
FROM (SELECT nextval('memories_arrival') AS number FROM generate_series(1, %(memories)s)) AS drawn
"""

MAKE_TARGETS = """
CREATE TEMPORARY TABLE target_memories (
    arrival bigint, source uuid, id uuid, number int, known bool, taken bool
)
"""

LIST_SOURCES = f"SELECT array_agg(id) FROM {batch_of('memories')}"

# New ones arrive now, in the order in which they have arrived before.
FIND_MEMORIES = f"""
INSERT INTO target_memories
SELECT CASE WHEN NOT known THEN %(arrived)s + place END, source, id, number, known,
    NOT known OR %(overwrite)s AS taken
FROM (
    SELECT staged.id AS source, staged.number, place,
        CASE
            WHEN same.user_id = %(user)s THEN staged.id
            WHEN derived.user_id = %(user)s THEN made.id
            WHEN %(own)s AND same.id IS NULL THEN staged.id
            ELSE made.id
        END AS id,
        coalesce(same.user_id = %(user)s, false)
            OR coalesce(derived.user_id = %(user)s, false) AS known
    FROM {batch_of("memories")}
    JOIN target_order USING (number)
    JOIN unnest(%(sources)s::uuid[], %(derived)s::uuid[]) AS made (source, id)
        ON made.source = staged.id
    LEFT JOIN memories_memory AS same ON same.id = staged.id
    LEFT JOIN memories_memory AS derived ON derived.id = made.id
) AS found
ORDER BY number
"""

SAME_MEMORY = """
SELECT number, line FROM staged_memories JOIN (
    SELECT max(number) AS number FROM target_memories GROUP BY id HAVING count(*) > 1 LIMIT 1
) AS again USING (number)
"""

# A memory that is taken from the archive, as it is there and as it will be here.
TAKEN = f"""
{batch_of("memories")}
JOIN target_memories AS target ON target.source = staged.id
    AND target.number >= %(first)s AND target.number < %(end)s
JOIN target_apps AS app ON app.source = coalesce(staged.app_id, %(no_app)s)
"""

ADD_MEMORIES = f"""
INSERT INTO memories_memory (
    id, user_id, app_id, content, metadata, state, state_changed_at, fingerprint, words,
    actor, conversation, arrival, created_at, updated_at
)
SELECT target.id, %(user)s, app.id, content, metadata, state, state_changed_at, fingerprint,
    {search_vector_sql("content", "created_at")},
    coalesce(actor, ''), coalesce(conversation, ''), target.arrival, created_at, updated_at
FROM {TAKEN}
WHERE NOT target.known
ORDER BY staged.number
"""

# Once all of them are there.
LINK_SUPERSEDED = """
UPDATE memories_memory AS memory SET superseded_by_id = superseding.id
FROM (SELECT id, superseded_by FROM staged_memories WHERE superseded_by IS NOT NULL) AS staged
JOIN target_memories AS target ON target.source = staged.id AND NOT target.known
JOIN target_memories AS superseding ON superseding.source = staged.superseded_by
WHERE memory.id = target.id
"""

# --- Histories -----------------------------------------------------------------------------


def theirs(column: str) -> str:
    """Who did something. Whoever is not the user of the archive is nobody here."""
    # An id in a file proves nothing.
    return f"CASE WHEN staged.{column} = %(source)s THEN %(user)s::uuid END"


ADD_STATUS_CHANGES = f"""
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT target.id, old_state, new_state, {theirs("changed_by")}, changed_at, reason
FROM {batch_of("status_history")}
JOIN target_memories AS target ON target.source = staged.memory_id AND NOT target.known
ORDER BY staged.number
"""

# The original wrote down changes only, not how a memory began.
ADD_BEGINNINGS = """
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT target.id, '', coalesce(step.old_state, staged.state), %(user)s, staged.created_at, ''
FROM staged_memories AS staged
JOIN target_memories AS target ON target.source = staged.id AND NOT target.known
LEFT JOIN (
    SELECT DISTINCT ON (memory_id) memory_id, old_state FROM staged_status_history
    ORDER BY memory_id, changed_at, number
) AS step ON step.memory_id = staged.id
ORDER BY staged.number
"""

ADD_REVISIONS = f"""
INSERT INTO memories_revision (memory_id, content, edited_by_id, edited_at)
SELECT target.id, content, {theirs("edited_by")}, edited_at
FROM {batch_of("revisions")}
JOIN target_memories AS target ON target.source = staged.memory_id AND NOT target.known
ORDER BY staged.number
"""

# --- What belongs to memories and apps -----------------------------------------------------

# A rule about a memory that the archive does not have is kept: without it an app might read more.
ADD_RULES = """
INSERT INTO apps_registry_accessrule (id, app_id, memory_id, effect, created_at)
SELECT CASE
        WHEN %(own)s AND NOT EXISTS (SELECT FROM apps_registry_accessrule WHERE id = staged.id)
            THEN staged.id
        WHEN NOT EXISTS (SELECT FROM apps_registry_accessrule WHERE id = staged.derived_id)
            THEN staged.derived_id
        ELSE gen_random_uuid()
    END,
    app.id,
    coalesce(
        target.id, CASE WHEN %(own)s THEN staged.memory_id ELSE staged.derived_object_id END
    ),
    effect, created_at
FROM staged_access_controls AS staged
JOIN target_apps AS app ON app.source = staged.app_id
LEFT JOIN target_memories AS target ON target.source = staged.memory_id
WHERE understood
ORDER BY staged.number
ON CONFLICT DO NOTHING
"""

ADD_VECTORS = """
INSERT INTO memories_embedding (memory_id, space_id, user_id, vector)
SELECT target.id, %(space)s, %(user)s, vector
FROM staged_vectors AS staged
JOIN target_memories AS target ON target.source = staged.id AND target.taken
WHERE staged.number >= %(first)s AND staged.number < %(end)s
ORDER BY staged.number
ON CONFLICT (memory_id, space_id) DO NOTHING
"""

LACKS_VECTOR = """
SELECT EXISTS (
    SELECT FROM target_memories AS target JOIN memories_memory AS memory USING (id)
    WHERE taken AND memory.state <> 'deleted' AND NOT EXISTS (
        SELECT FROM memories_embedding WHERE memory_id = target.id AND space_id = %(in_space)s
    )
)
"""

# --- Categories ----------------------------------------------------------------------------

# Those alone that a memory is in: all users share them.
ADD_CATEGORIES = """
INSERT INTO memories_category (id, name, description, created_at, updated_at)
SELECT DISTINCT ON (lower(name))
    CASE
        WHEN NOT EXISTS (SELECT FROM memories_category WHERE id = staged.id) THEN staged.id
        ELSE gen_random_uuid()
    END,
    lower(name), description, created_at, updated_at
FROM staged_categories AS staged
WHERE EXISTS (
    SELECT FROM staged_memory_categories AS link
    JOIN target_memories AS target ON target.source = link.memory_id AND target.taken
    WHERE link.category_id = staged.id
)
ORDER BY lower(name), number
ON CONFLICT (name) DO NOTHING
"""

# A former name leads to the category that was merged with its own. Nobody merges these meanwhile.
FIND_CATEGORIES = """
CREATE TEMPORARY TABLE target_categories AS
SELECT staged.id AS source, coalesce(category.merged_into_id, category.id) AS id
FROM staged_categories AS staged
JOIN memories_category AS category ON category.name = lower(staged.name)
ORDER BY category.id
FOR KEY SHARE OF category
"""

TAKE_OUT_OF_CATEGORIES = """
DELETE FROM memories_categorization AS categorization
USING target_memories AS target
WHERE categorization.memory_id = target.id AND target.known AND target.taken
    AND NOT EXISTS (
        SELECT FROM staged_memory_categories AS link
        JOIN target_categories AS category ON category.source = link.category_id
        WHERE link.memory_id = target.source AND category.id = categorization.category_id
    )
"""

PUT_INTO_CATEGORIES = f"""
INSERT INTO memories_categorization (memory_id, category_id, user_id)
SELECT target.id, category.id, %(user)s
FROM {batch_of("memory_categories")}
JOIN target_memories AS target ON target.source = staged.memory_id AND target.taken
JOIN target_categories AS category ON category.source = staged.category_id
ORDER BY staged.number
ON CONFLICT (memory_id, category_id) DO NOTHING
"""
