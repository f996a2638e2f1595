"""The statements of `merging`, which says when each of them is run.

`target_memories` tells of each staged memory which id it has here, whether the user has it already
(`known`), and whether it is taken from the archive (`taken`): new ones are, known ones only when
they are overwritten. The parameters are those of `Merge._parameters`.
"""

from __future__ import annotations

from memories.wording import words_in_sql

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

FIND_MEMORIES = """
CREATE TEMPORARY TABLE target_memories AS
SELECT source, number, line, id, known, NOT known OR %(overwrite)s AS taken
FROM (
    SELECT staged.id AS source, staged.number, staged.line,
        CASE
            WHEN same.user_id = %(user)s THEN staged.id
            WHEN derived.user_id = %(user)s THEN staged.derived_id
            WHEN %(own)s AND same.id IS NULL THEN staged.id
            ELSE staged.derived_id
        END AS id,
        coalesce(same.user_id = %(user)s, false)
            OR coalesce(derived.user_id = %(user)s, false) AS known
    FROM staged_memories AS staged
    LEFT JOIN memories_memory AS same ON same.id = staged.id
    LEFT JOIN memories_memory AS derived ON derived.id = staged.derived_id
) AS found
"""

SAME_MEMORY = """
SELECT max(number), max(line) FROM target_memories GROUP BY id HAVING count(*) > 1 LIMIT 1
"""

# A memory that is taken from the archive, as it is there and as it will be here.
_TAKEN = """
target_memories AS target
JOIN staged_memories AS staged ON staged.id = target.source
JOIN target_apps AS app ON app.source = coalesce(staged.app_id, %(no_app)s)
"""

ADD_MEMORIES = f"""
INSERT INTO memories_memory (
    id, user_id, app_id, content, metadata, state, state_changed_at, fingerprint, words,
    created_at, updated_at
)
SELECT target.id, %(user)s, app.id, content, metadata, state, state_changed_at, fingerprint,
    {words_in_sql("content", "created_at")}, created_at, updated_at
FROM {_TAKEN}
WHERE NOT target.known AND target.number >= %(first)s AND target.number < %(end)s
    AND staged.number >= %(first)s AND staged.number < %(end)s
ORDER BY staged.number
"""

# Once all of them are there.
LINK_SUPERSEDED = """
UPDATE memories_memory AS memory SET superseded_by_id = superseding.id
FROM staged_memories AS staged
JOIN target_memories AS target ON target.source = staged.id AND NOT target.known
JOIN target_memories AS superseding ON superseding.source = staged.superseded_by
WHERE memory.id = target.id
"""

FIND_CHANGED = f"""
CREATE TEMPORARY TABLE target_changes AS
SELECT target.id
FROM {_TAKEN}
JOIN memories_memory AS memory ON memory.id = target.id
LEFT JOIN target_memories AS superseding ON superseding.source = staged.superseded_by
WHERE target.known AND (
    memory.app_id, memory.content, memory.metadata, memory.state, memory.state_changed_at,
    memory.superseded_by_id, memory.created_at, memory.updated_at
) IS DISTINCT FROM (
    app.id, staged.content, staged.metadata, staged.state, staged.state_changed_at,
    superseding.id, staged.created_at, staged.updated_at
)
"""

LOCK_CHANGED = """
SELECT count(*) FROM (
    SELECT FROM memories_memory WHERE id IN (SELECT id FROM target_changes)
    ORDER BY id FOR UPDATE
) AS locked
"""

# A memory that is overwritten, as it is here still and as it is in the archive.
_CHANGED = """
target_changes AS changing
JOIN memories_memory AS memory ON memory.id = changing.id
JOIN target_memories AS target ON target.id = changing.id
JOIN staged_memories AS staged ON staged.id = target.source
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
    fingerprint = staged.fingerprint,
    words = {words_in_sql("staged.content", "staged.created_at")},
    created_at = staged.created_at, updated_at = staged.updated_at
FROM {_TAKEN}
JOIN target_changes AS changing ON changing.id = target.id
LEFT JOIN target_memories AS superseding ON superseding.source = staged.superseded_by
WHERE memory.id = target.id
"""

# --- Histories -----------------------------------------------------------------------------

# Whoever is not the user of the archive is nobody here: an id in a file proves nothing.
_CHANGED_BY = "CASE WHEN staged.changed_by = %(source)s THEN %(user)s::uuid END"
_EDITED_BY = "CASE WHEN staged.edited_by = %(source)s THEN %(user)s::uuid END"

ADD_STATUS_CHANGES = f"""
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT target.id, old_state, new_state, {_CHANGED_BY}, changed_at, reason
FROM staged_status_history AS staged
JOIN target_memories AS target ON target.source = staged.memory_id AND NOT target.known
WHERE staged.number >= %(first)s AND staged.number < %(end)s
ORDER BY staged.number
"""

# The original wrote down changes only, not how a memory began.
ADD_BEGINNINGS = """
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT target.id, '', coalesce(
        (
            SELECT old_state FROM staged_status_history AS step
            WHERE step.memory_id = staged.id ORDER BY changed_at, step.number LIMIT 1
        ),
        staged.state
    ), %(user)s, staged.created_at, ''
FROM staged_memories AS staged
JOIN target_memories AS target ON target.source = staged.id AND NOT target.known
ORDER BY staged.number
"""

ADD_REVISIONS = f"""
INSERT INTO memories_revision (memory_id, content, edited_by_id, edited_at)
SELECT target.id, content, {_EDITED_BY}, edited_at
FROM staged_revisions AS staged
JOIN target_memories AS target ON target.source = staged.memory_id AND NOT target.known
WHERE staged.number >= %(first)s AND staged.number < %(end)s
ORDER BY staged.number
"""

# The first, the second … of steps that are alike: so that none is stored again, and none left out.
ADD_KNOWN_STATUS_CHANGES = f"""
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT memory_id, old_state, new_state, changed_by, changed_at, reason
FROM (
    SELECT target.id AS memory_id, old_state, new_state, changed_at, reason, staged.number,
        {_CHANGED_BY} AS changed_by,
        row_number() OVER (
            PARTITION BY target.id, old_state, new_state, changed_at, reason
            ORDER BY staged.number
        ) AS nth
    FROM staged_status_history AS staged
    JOIN target_memories AS target ON target.source = staged.memory_id AND target.known
) AS step
WHERE NOT EXISTS (
    SELECT FROM (
        SELECT memory_id, old_state, new_state, changed_at, reason,
            row_number() OVER (
                PARTITION BY memory_id, old_state, new_state, changed_at, reason
                ORDER BY there.id
            ) AS nth
        FROM memories_statechange AS there
        JOIN target_memories AS target ON target.id = there.memory_id AND target.known
    ) AS known
    WHERE known.memory_id = step.memory_id AND known.old_state = step.old_state
        AND known.new_state = step.new_state AND known.changed_at = step.changed_at
        AND known.reason = step.reason AND known.nth = step.nth
)
ORDER BY number
"""

ADD_KNOWN_REVISIONS = f"""
INSERT INTO memories_revision (memory_id, content, edited_by_id, edited_at)
SELECT memory_id, content, edited_by, edited_at
FROM (
    SELECT target.id AS memory_id, content, edited_at, staged.number, {_EDITED_BY} AS edited_by,
        row_number() OVER (
            PARTITION BY target.id, content, edited_at ORDER BY staged.number
        ) AS nth
    FROM staged_revisions AS staged
    JOIN target_memories AS target ON target.source = staged.memory_id AND target.known
) AS revision
WHERE NOT EXISTS (
    SELECT FROM (
        SELECT memory_id, content, edited_at,
            row_number() OVER (
                PARTITION BY memory_id, content, edited_at ORDER BY there.id
            ) AS nth
        FROM memories_revision AS there
        JOIN target_memories AS target ON target.id = there.memory_id AND target.known
    ) AS known
    WHERE known.memory_id = revision.memory_id AND known.content = revision.content
        AND known.edited_at = revision.edited_at AND known.nth = revision.nth
)
ORDER BY number
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
    SELECT FROM target_memories AS target WHERE taken AND NOT EXISTS (
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

FIND_CATEGORIES = """
CREATE TEMPORARY TABLE target_categories AS
SELECT staged.id AS source, category.id
FROM staged_categories AS staged
JOIN memories_category AS category ON category.name = lower(staged.name)
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

PUT_INTO_CATEGORIES = """
INSERT INTO memories_categorization (memory_id, category_id, user_id)
SELECT target.id, category.id, %(user)s
FROM staged_memory_categories AS staged
JOIN target_memories AS target ON target.source = staged.memory_id AND target.taken
JOIN target_categories AS category ON category.source = staged.category_id
WHERE staged.number >= %(first)s AND staged.number < %(end)s
ORDER BY staged.number
ON CONFLICT (memory_id, category_id) DO NOTHING
"""
