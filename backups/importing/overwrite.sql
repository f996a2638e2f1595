-- The statements of Merge about known memories that are overwritten, with the fragments of merge.sql.
--
-- `target_changes` has the ids of those that differ from the archive. Their histories are merged
-- with those of the archive.

-- fragment: actor
-- Where the archive does not say, the known actor stays.
coalesce(staged.actor, memory.actor)

-- fragment: conversation
coalesce(staged.conversation, memory.conversation)

-- fragment: agent_id
coalesce(staged.agent_id, memory.agent_id)

-- fragment: takes_key
memory.own_key = '' AND $key_is_free

-- fragment: namespace
CASE WHEN $takes_key THEN staged.namespace ELSE memory.namespace END

-- fragment: own_key
CASE WHEN $takes_key THEN staged.own_key ELSE memory.own_key END

-- fragment: expires_at
-- Where the archive does not say, the terms stay.
CASE WHEN staged.immutable IS NULL THEN memory.expires_at ELSE staged.expires_at END

-- fragment: valid_from
CASE WHEN staged.immutable IS NULL THEN memory.valid_from ELSE staged.valid_from END

-- fragment: valid_until
CASE WHEN staged.immutable IS NULL THEN memory.valid_until ELSE staged.valid_until END

-- fragment: terms
$expires_at, $valid_from, $valid_until, coalesce(staged.immutable, memory.immutable)

-- name: create_target_changes
CREATE TEMPORARY TABLE target_changes (id uuid)

-- name: insert_target_changes
INSERT INTO target_changes
SELECT target.id
FROM $taken_memories
JOIN memories_memory AS memory ON memory.id = target.id
LEFT JOIN target_memories AS superseding ON superseding.source = staged.superseded_by
WHERE target.known AND (
    memory.app_id, memory.content, memory.metadata, memory.state, memory.state_changed_at,
    memory.superseded_by_id, memory.created_at, memory.updated_at,
    memory.actor, memory.conversation, memory.agent_id,
    memory.namespace, memory.own_key,
    memory.expires_at, memory.valid_from, memory.valid_until, memory.immutable
) IS DISTINCT FROM (
    app.id, staged.content, staged.metadata, staged.state, staged.state_changed_at,
    superseding.id, staged.created_at, staged.updated_at,
    $actor, $conversation, $agent_id, $namespace, $own_key, $terms
)

-- name: analyze_target_changes
ANALYZE target_changes

-- name: lock_changed
SELECT count(*) FROM (
    SELECT FROM memories_memory WHERE id IN (SELECT id FROM target_changes)
    ORDER BY id FOR UPDATE
) AS locked

-- fragment: changed_memories
-- Memories that will be overwritten, as they are now and as they are staged.
$memories_batch
JOIN target_memories AS target ON target.source = staged.id
    AND target.number >= %(first)s AND target.number < %(end)s
JOIN target_changes AS changing ON changing.id = target.id
JOIN memories_memory AS memory ON memory.id = changing.id

-- name: log_revision
-- The content that is overwritten is not lost. The time is that of the clock: others may have
-- changed the memory after this transaction began, until it was locked.
INSERT INTO memories_revision
    (memory_id, content, edited_by_id, edited_at, metadata, actor, conversation, said_at)
SELECT memory.id, memory.content, %(by)s, clock_timestamp(),
    CASE WHEN memory.metadata <> staged.metadata THEN memory.metadata END,
    CASE WHEN memory.actor <> $actor THEN memory.actor END,
    CASE WHEN memory.conversation <> $conversation THEN memory.conversation END,
    CASE WHEN memory.created_at <> staged.created_at THEN memory.created_at END
FROM $changed_memories
WHERE memory.content <> staged.content AND NOT EXISTS (
    SELECT FROM memories_revision AS revision
    WHERE revision.memory_id = memory.id AND revision.content = memory.content
)

-- name: log_state_change
-- The last change of a history leads to the state of the memory.
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_by_id, changed_at, reason)
SELECT memory.id, coalesce(last.new_state, memory.state), staged.state, %(by)s, clock_timestamp(),
    'import'
FROM $changed_memories
LEFT JOIN LATERAL (
    SELECT new_state FROM memories_statechange AS step WHERE step.memory_id = memory.id
    ORDER BY changed_at DESC, step.id DESC LIMIT 1
) AS last ON true
WHERE coalesce(last.new_state, memory.state) <> staged.state

-- name: delete_vectors
-- They are kept for searches as of a moment before.
WITH gone AS (
    DELETE FROM memories_embedding WHERE memory_id IN (
        SELECT memory.id FROM $changed_memories WHERE memory.content <> staged.content
    )
    RETURNING id, user_id, memory_id, space_id, vector
)
INSERT INTO memories_formervector (user_id, memory_id, space_id, vector, token_version, tokens)
SELECT user_id, memory_id, space_id, vector, tokens.version, tokens.vectors
FROM gone LEFT JOIN memories_tokenvectors AS tokens ON tokens.embedding_id = gone.id
ON CONFLICT (memory_id, space_id) WHERE sequence IS NULL DO NOTHING

-- name: update_memories
UPDATE memories_memory AS memory
SET app_id = app.id, content = staged.content, metadata = staged.metadata, state = staged.state,
    state_changed_at = staged.state_changed_at, superseded_by_id = superseding.id,
    fingerprint = staged.fingerprint, actor = $actor, conversation = $conversation,
    agent_id = $agent_id, namespace = $namespace, own_key = $own_key, words = staged.words, words_version = $words_version,
    expires_at = $expires_at, valid_from = $valid_from, valid_until = $valid_until,
    immutable = coalesce(staged.immutable, memory.immutable),
    created_at = staged.created_at, updated_at = staged.updated_at
FROM $taken_memories
JOIN target_changes AS changing ON changing.id = target.id
LEFT JOIN target_memories AS superseding ON superseding.source = staged.superseded_by
WHERE memory.id = target.id

-- The next two insert the rows of a history that are not there, or not as often as in the archive.
-- Rows of one memory that are equal in all columns are numbered, so that each is inserted as often
-- as it is missing.

-- name: insert_missing_state_changes
INSERT INTO memories_statechange
    (memory_id, old_state, new_state, changed_at, reason, changed_by_id, app_id, superseded_by_id)
SELECT memory_id, old_state, new_state, changed_at, reason, changed_by, app_id, superseded_by
FROM (
    SELECT target.id AS memory_id, old_state, new_state, changed_at, reason,
        $changed_by AS changed_by, staged.number, $acting_app AS app_id,
        $superseding AS superseded_by,
        row_number() OVER (
            PARTITION BY target.id, old_state, new_state, changed_at, reason
            ORDER BY staged.number
        ) AS nth
    FROM staged_status_history AS staged
    JOIN target_memories AS target ON target.source = staged.memory_id AND target.known AND target.taken
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

-- name: insert_missing_revisions
INSERT INTO memories_revision (
    memory_id, content, edited_at, edited_by_id,
    edits_text, metadata, categories, actor, conversation, said_at, app_id, terms
)
SELECT memory_id, content, edited_at, edited_by,
    edits_text, metadata, categories, actor, conversation, said_at, app_id, terms
FROM (
    SELECT target.id AS memory_id, content, edited_at, $edited_by AS edited_by, staged.number,
        edits_text, metadata, $category_names AS categories, actor, conversation, said_at, terms,
        $acting_app AS app_id,
        row_number() OVER (
            PARTITION BY target.id, content, edited_at ORDER BY staged.number
        ) AS nth
    FROM staged_revisions AS staged
    JOIN target_memories AS target ON target.source = staged.memory_id AND target.known AND target.taken
) AS step
WHERE NOT EXISTS (
    SELECT FROM (
        SELECT memory_id, content, edited_at,
            row_number() OVER (
                PARTITION BY memory_id, content, edited_at ORDER BY there.id
            ) AS nth
        FROM memories_revision AS there
        JOIN target_memories AS target ON target.id = there.memory_id AND target.known
    ) AS known
    WHERE known.memory_id = step.memory_id AND known.content = step.content
        AND known.edited_at = step.edited_at AND known.nth = step.nth
)
ORDER BY number
