-- The statements of an export: one for each list of an archive, whose columns are the fields of the
-- list's struct in archive/rows.py. `$created_at` and the like are times with six digits of a
-- second, of which PostgreSQL itself writes as few as it can. `$memory_filter`, `$newer_filter` and
-- `$app_filter` are conditions on the tables of these names. Parameters: see ExportFilters.

-- name: user
SELECT id, user_id, name, email, time_zone, infer, categories_not_kept, metadata, $created_at, $updated_at
FROM accounts_user WHERE id = %(user)s

-- name: apps
-- With the settings of apps that have stored nothing, too.
SELECT id, owner_id, name, description, metadata, is_active, $created_at, $updated_at
FROM apps_registry_app AS app
WHERE owner_id = %(user)s AND $app_filter
ORDER BY created_at, id

-- name: categories
SELECT own.id, name, coalesce(own_description, description) AS description,
    $created_at, $updated_at
FROM memories_usercategory AS own
JOIN (SELECT id, name, description FROM memories_category) AS category
    ON category.id = own.category_id
WHERE own.user_id = %(user)s AND EXISTS (
    SELECT FROM memories_categorization AS categorization
    JOIN memories_memory AS memory ON memory.id = categorization.memory_id
    WHERE categorization.user_id = %(user)s AND categorization.category_id = category.id
        AND $memory_filter
)
ORDER BY name

-- name: memories
-- Arrivals are renumbered from 1: the numbers in the database reveal how much others store.
SELECT id, user_id, app_id, content, metadata, state, $created_at, $updated_at,
    $archived_at, $deleted_at, $state_changed_at,
    ARRAY(
        SELECT own.id FROM memories_categorization AS categorization
        JOIN memories_usercategory AS own USING (user_id, category_id)
        WHERE categorization.memory_id = memory.id
    ) AS category_ids,
    (
        SELECT newer.id FROM memories_memory AS newer
        WHERE newer.id = memory.superseded_by_id AND $newer_filter
    ) AS superseded_by,
    actor, conversation, agent_id, namespace, own_key,
    row_number() OVER (ORDER BY arrival, created_at, id) AS arrival,
    $expires_at, $valid_from, $valid_until, immutable
FROM memories_memory AS memory
WHERE $memory_filter

-- name: memory_categories
SELECT memory_id, own.id AS category_id
FROM memories_categorization AS categorization
JOIN memories_usercategory AS own USING (user_id, category_id)
JOIN memories_memory AS memory ON memory.id = memory_id
WHERE categorization.user_id = %(user)s AND $memory_filter

-- name: status_history
-- The id is derived from the memory and the number of the change: the same in every archive, on
-- every server.
SELECT md5('step ' || row_number() OVER life || ' of ' || memory_id)::uuid AS id,
    memory_id, changed_by_id AS changed_by,
    coalesce(nullif(old_state, ''), 'deleted') AS old_state, new_state, $changed_at,
    old_state = '' AS begins, reason, step.app_id,
    (
        SELECT newer.id FROM memories_memory AS newer
        WHERE newer.id = step.superseded_by_id AND $newer_filter
    ) AS superseded_by
FROM memories_statechange AS step
JOIN memories_memory AS memory ON memory.id = memory_id
WHERE $memory_filter
WINDOW life AS (PARTITION BY memory_id ORDER BY changed_at, step.id)

-- name: access_controls
-- With rules about memories that are not in the archive: without the only `allow` that it has for a
-- single memory, an app may read everything.
SELECT rule.id, 'app' AS subject_type, rule.app_id AS subject_id, 'memory' AS object_type,
    rule.memory_id AS object_id, rule.effect, $created_at
FROM apps_registry_accessrule AS rule
WHERE app_id IN (
    SELECT id FROM apps_registry_app AS app WHERE owner_id = %(user)s AND $app_filter
)
ORDER BY created_at, id

-- name: revisions
SELECT md5('revision ' || row_number() OVER life || ' of ' || memory_id)::uuid AS id,
    memory_id, revision.content, edited_by_id AS edited_by, $edited_at,
    edits_text, revision.metadata, categories, revision.actor, revision.conversation, $said_at,
    revision.app_id, revision.terms
FROM memories_revision AS revision
JOIN memories_memory AS memory ON memory.id = memory_id
WHERE $memory_filter
WINDOW life AS (PARTITION BY memory_id ORDER BY edited_at, revision.id)

-- name: feedback
SELECT memory_id, verdict, reason, $given_at
FROM mem0_feedback AS feedback JOIN memories_memory AS memory ON memory.id = memory_id
WHERE $memory_filter

-- name: entities
-- Users are named again with their memories, which are in archives of their own.
SELECT kind, name, $created_at, $updated_at FROM mem0_entity
WHERE account_id = %(user)s AND kind <> 'user' AND $is_whole
ORDER BY kind, name

-- name: project
SELECT settings, profiles FROM mem0_project WHERE account_id = %(user)s AND $is_whole

-- name: lines
SELECT id, content, metadata, $created_at, $updated_at, state, app,
    ARRAY(
        SELECT name FROM memories_categorization AS categorization
        JOIN memories_category AS category ON category.id = category_id
        WHERE categorization.memory_id = memory.id ORDER BY name
    ) AS categories
FROM memories_memory AS memory
JOIN (SELECT id AS app_id, name AS app FROM apps_registry_app) AS app USING (app_id)
WHERE $memory_filter

-- name: log
-- The texts of snapshots are those that were hashed.
SELECT id, user_id, sequence, $at, kind, memory_id, by_id AS by, key_id AS key, app_id AS app,
    last_state_change, last_revision, run, encode(salt, 'hex') AS salt, snapshot::text AS snapshot,
    encode(content_hash, 'hex') AS content_hash, encode(previous_hash, 'hex') AS previous_hash,
    encode(hash, 'hex') AS hash
FROM memories_logline WHERE user_id = %(user)s ORDER BY sequence

-- name: log_head
SELECT sequence, encode(hash, 'hex') AS hash FROM memories_logchain WHERE user_id = %(user)s

-- name: vector_space
SELECT id, provider, model, dimensions FROM memories_embeddingspace WHERE state = 'active'

-- name: vectors
-- pgvector sends two numbers of 16 bits before those of the vector.
SELECT uuid_send(memory_id) || substr(halfvec_send(vector), 5)
FROM memories_embedding AS embedding JOIN memories_memory AS memory ON memory.id = memory_id
WHERE embedding.user_id = %(user)s AND space_id = %(space)s AND $memory_filter

-- name: snapshot_size
SELECT now() AS moment, count(*) AS memories FROM memories_memory AS memory WHERE $memory_filter
