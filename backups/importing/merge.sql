-- The statements of Merge, which says when each of them is run, and has their parameters.
--
-- `target_memories` has the id that each staged memory gets here, whether the user has that memory
-- already (`known`), and whether the archive's content is taken (`taken`): that of new memories is,
-- that of known ones only with `overwrite`, and not of those that are immutable here.
-- `$memories_batch` and the like are the rows of a staged list from number `first` to `end`.
-- `$words_version` is the version of the analyser of words.

-- name: check_constraints_now
-- After each statement: deferred to the end, all the pending checks would be in memory. But for the
-- log, whose writers wait for each other: its lines are written at the end.
SET CONSTRAINTS ALL IMMEDIATE;
SET CONSTRAINTS write_log DEFERRED

-- name: update_apps
UPDATE apps_registry_app AS app
SET description = staged.description, metadata = staged.metadata, is_active = staged.is_active,
    created_at = staged.created_at, updated_at = staged.updated_at
FROM staged_apps AS staged
WHERE app.owner_id = %(user)s AND app.name = staged.name
    AND (app.description, app.metadata, app.is_active, app.created_at, app.updated_at)
        IS DISTINCT FROM (staged.description, staged.metadata, staged.is_active,
            staged.created_at, staged.updated_at)

-- name: insert_apps
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

-- name: insert_default_app
-- The original server has memories without an app.
INSERT INTO apps_registry_app
    (id, owner_id, name, description, metadata, is_active, memories_read, created_at, updated_at)
SELECT gen_random_uuid(), %(user)s, %(default_app)s, '', '{}', true, 0, now(), now()
WHERE EXISTS (SELECT FROM staged_memories WHERE app_id IS NULL)
ON CONFLICT (owner_id, name) DO NOTHING

-- name: count_staged_apps
SELECT count(*) FROM staged_apps

-- name: create_target_apps
-- `no_app`, an unused id, is the source of memories without an app.
CREATE TEMPORARY TABLE target_apps AS
SELECT staged.id AS source, app.id
FROM staged_apps AS staged
JOIN apps_registry_app AS app ON app.owner_id = %(user)s AND app.name = staged.name
UNION ALL
SELECT %(no_app)s, id FROM apps_registry_app WHERE owner_id = %(user)s AND name = %(default_app)s

-- name: create_target_order
CREATE TEMPORARY TABLE target_order AS
SELECT number, row_number() OVER (ORDER BY $arrival_order) AS place FROM staged_memories AS staged

-- name: reserve_arrivals
-- Numbers after those of all memories so far. Others may draw some of them at the same time, which
-- does no harm. Each is drawn from the sequence: two imports that set it could set it back.
SELECT coalesce(max(number), 0) - %(memories)s
FROM (SELECT nextval('memories_arrival') AS number FROM generate_series(1, %(memories)s)) AS drawn

-- name: create_target_memories
CREATE TEMPORARY TABLE target_memories (
    arrival bigint, source uuid, id uuid, number int, known bool, taken bool
)

-- name: select_memory_ids
SELECT array_agg(id) FROM $memories_batch

-- name: insert_target_memories
-- New memories arrive now, in the order in which they arrived before.
INSERT INTO target_memories
SELECT CASE WHEN NOT known THEN %(arrived)s + place END, source, id, number, known,
    NOT known OR (%(overwrite)s AND NOT immutable) AS taken
FROM (
    SELECT staged.id AS source, staged.number, place,
        CASE
            WHEN same.user_id = %(user)s THEN staged.id
            WHEN derived.user_id = %(user)s THEN made.id
            WHEN %(own)s AND same.id IS NULL THEN staged.id
            ELSE made.id
        END AS id,
        coalesce(same.user_id = %(user)s, false)
            OR coalesce(derived.user_id = %(user)s, false) AS known,
        coalesce(same.user_id = %(user)s AND same.immutable, false)
            OR coalesce(derived.user_id = %(user)s AND derived.immutable, false) AS immutable
    FROM $memories_batch
    JOIN target_order USING (number)
    JOIN unnest(%(sources)s::uuid[], %(derived)s::uuid[]) AS made (source, id)
        ON made.source = staged.id
    LEFT JOIN memories_memory AS same ON same.id = staged.id
    LEFT JOIN memories_memory AS derived ON derived.id = made.id
) AS found
ORDER BY number

-- name: truncate_target_order
TRUNCATE target_order

-- name: index_target_memories
CREATE INDEX ON target_memories USING brin (number)

-- name: analyze_targets
ANALYZE target_memories, target_apps

-- name: select_repeated_memory
SELECT number, line FROM staged_memories JOIN (
    SELECT max(number) AS number FROM target_memories GROUP BY id HAVING count(*) > 1 LIMIT 1
) AS again USING (number)

-- name: count_target_memories
SELECT count(*) FROM target_memories

-- fragment: taken_memories
-- Staged memories whose content is taken, each with its target and its app.
$memories_batch
JOIN target_memories AS target ON target.source = staged.id
    AND target.number >= %(first)s AND target.number < %(end)s AND target.taken
JOIN target_apps AS app ON app.source = coalesce(staged.app_id, %(no_app)s)

-- fragment: key_is_free
-- The memory that has a key here keeps it.
NOT EXISTS (
    SELECT FROM memories_memory AS holder WHERE holder.user_id = %(user)s AND holder.own_key <> ''
        AND holder.namespace = staged.namespace AND holder.own_key = staged.own_key
)

-- name: insert_memories
INSERT INTO memories_memory (
    id, user_id, app_id, content, metadata, state, state_changed_at, fingerprint,
    words, words_version,
    actor, conversation, agent_id, namespace, own_key, arrival, created_at, updated_at,
    expires_at, valid_from, valid_until, immutable
)
SELECT target.id, %(user)s, app.id, content, metadata, state, state_changed_at, fingerprint,
    words, $words_version,
    coalesce(actor, ''), coalesce(conversation, ''), coalesce(agent_id, ''),
    CASE WHEN $key_is_free THEN staged.namespace ELSE '' END,
    CASE WHEN $key_is_free THEN staged.own_key ELSE '' END,
    target.arrival, created_at, updated_at,
    expires_at, valid_from, valid_until, coalesce(immutable, false)
FROM $taken_memories
WHERE NOT target.known
ORDER BY staged.number

-- name: update_superseded
-- After all memories are inserted.
UPDATE memories_memory AS memory SET superseded_by_id = superseding.id
FROM (SELECT id, superseded_by FROM staged_memories WHERE superseded_by IS NOT NULL) AS staged
JOIN target_memories AS target ON target.source = staged.id AND NOT target.known
JOIN target_memories AS superseding ON superseding.source = staged.superseded_by
WHERE memory.id = target.id

-- fragment: changed_by
-- A user other than the archive's is unknown here: an id in a file proves nothing.
CASE WHEN staged.changed_by = %(source)s THEN %(user)s::uuid END

-- fragment: edited_by
CASE WHEN staged.edited_by = %(source)s THEN %(user)s::uuid END

-- fragment: acting_app
(SELECT app.id FROM target_apps AS app WHERE app.source = staged.app_id)

-- fragment: superseding
(SELECT newer.id FROM target_memories AS newer WHERE newer.source = staged.superseded_by)

-- name: insert_state_changes
INSERT INTO memories_statechange (
    memory_id, old_state, new_state, changed_by_id, changed_at, reason, app_id, superseded_by_id
)
SELECT target.id, old_state, new_state, $changed_by, changed_at, reason, $acting_app, $superseding
FROM $status_history_batch
JOIN target_memories AS target ON target.source = staged.memory_id AND NOT target.known
ORDER BY staged.number

-- name: insert_first_states
-- The original server logs changes only, and not the first state of a memory.
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

-- fragment: category_names
CASE WHEN staged.categories IS NOT NULL
    THEN ARRAY(SELECT jsonb_array_elements_text(staged.categories)) END

-- name: insert_revisions
INSERT INTO memories_revision (
    memory_id, content, edited_by_id, edited_at,
    edits_text, metadata, categories, actor, conversation, said_at, app_id, terms
)
SELECT target.id, content, $edited_by, edited_at,
    edits_text, metadata, $category_names, actor, conversation, said_at, $acting_app, terms
FROM $revisions_batch
JOIN target_memories AS target ON target.source = staged.memory_id AND NOT target.known
ORDER BY staged.number

-- name: insert_access_rules
-- With rules about memories that are not in the archive: without them an app might read more.
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
        target.id, CASE WHEN %(own)s THEN staged.memory_id ELSE staged.derived_memory_id END
    ),
    effect, created_at
FROM staged_access_controls AS staged
JOIN target_apps AS app ON app.source = staged.app_id
LEFT JOIN target_memories AS target ON target.source = staged.memory_id
WHERE understood
ORDER BY staged.number
ON CONFLICT DO NOTHING

-- name: insert_vectors
INSERT INTO memories_embedding (memory_id, space_id, user_id, vector)
SELECT target.id, %(space)s, %(user)s, vector
FROM staged_vectors AS staged
JOIN target_memories AS target ON target.source = staged.id AND target.taken
WHERE staged.number >= %(first)s AND staged.number < %(end)s
ORDER BY staged.number
ON CONFLICT (memory_id, space_id) DO NOTHING

-- name: lacks_vector
SELECT EXISTS (
    SELECT FROM target_memories AS target JOIN memories_memory AS memory USING (id)
    WHERE taken AND memory.state <> 'deleted' AND NOT EXISTS (
        SELECT FROM memories_embedding AS embedding
        WHERE memory_id = target.id AND space_id = %(in_space)s AND (
            NOT %(has_tokens)s
            OR EXISTS (SELECT FROM memories_tokenvectors WHERE embedding_id = embedding.id)
        )
    )
)

-- name: select_category_names
-- Those with memories that are taken.
SELECT stored_name FROM staged_categories AS staged
WHERE EXISTS (
    SELECT FROM staged_memory_categories AS link
    JOIN target_memories AS target ON target.source = link.memory_id AND target.taken
    WHERE link.category_id = staged.id
)
ORDER BY stored_name

-- name: create_target_categories
-- A former name leads to the category that it was merged into. The lock prevents that these
-- categories are merged before the commit.
CREATE TEMPORARY TABLE target_categories AS
SELECT staged.id AS source, coalesce(category.merged_into_id, category.id) AS id
FROM staged_categories AS staged
JOIN memories_category AS category ON category.name = staged.stored_name
ORDER BY category.id
FOR KEY SHARE OF category

-- name: insert_user_categories
-- The description of the archive is shown to this user alone.
INSERT INTO memories_usercategory (user_id, category_id, own_description, created_at, updated_at)
SELECT DISTINCT ON (category.id)
    %(user)s, category.id, nullif(staged.description, category.description),
    staged.created_at, staged.updated_at
FROM staged_categories AS staged
JOIN target_categories AS target ON target.source = staged.id
JOIN memories_category AS category ON category.id = target.id
WHERE staged.stored_name = ANY(%(names)s)
ORDER BY category.id, staged.number
ON CONFLICT (user_id, category_id) DO NOTHING

-- name: count_target_categories
-- Of the user: what the archive shares with others alone would tell what they have.
SELECT count(DISTINCT target.id) FROM target_categories AS target
JOIN memories_usercategory AS own ON own.category_id = target.id AND own.user_id = %(user)s

-- name: count_user_categories
SELECT count(*) FROM memories_usercategory WHERE user_id = %(user)s

-- name: delete_categorizations
DELETE FROM memories_categorization AS categorization
USING target_memories AS target
WHERE categorization.memory_id = target.id AND target.known AND target.taken
    AND NOT EXISTS (
        SELECT FROM staged_memory_categories AS link
        JOIN target_categories AS category ON category.source = link.category_id
        WHERE link.memory_id = target.source AND category.id = categorization.category_id
    )

-- name: insert_categorizations
INSERT INTO memories_categorization (memory_id, category_id, user_id)
SELECT target.id, category.id, %(user)s
FROM $memory_categories_batch
JOIN target_memories AS target ON target.source = staged.memory_id AND target.taken
JOIN target_categories AS category ON category.source = staged.category_id
ORDER BY staged.number
ON CONFLICT (memory_id, category_id) DO NOTHING

-- name: insert_feedback
INSERT INTO mem0_feedback (id, memory_id, verdict, reason, given_at)
SELECT DISTINCT ON (target.id) gen_random_uuid(), target.id, verdict, reason, given_at
FROM staged_feedback AS staged
JOIN target_memories AS target ON target.source = staged.memory_id AND target.taken
ORDER BY target.id, staged.number
ON CONFLICT (memory_id) DO NOTHING

-- name: insert_entities
-- Of an account, and not of an end user, who names nobody.
INSERT INTO mem0_entity (account_id, kind, name, created_at, updated_at)
SELECT %(user)s, kind, name, staged.created_at, staged.updated_at
FROM staged_entities AS staged
WHERE EXISTS (SELECT FROM accounts_user WHERE id = %(user)s AND owner_id IS NULL)
ORDER BY kind, name
ON CONFLICT (account_id, kind, name) DO NOTHING

-- name: insert_project
INSERT INTO mem0_project (account_id, settings, profiles, updated_at)
SELECT %(user)s, settings, profiles, now() FROM staged_project
WHERE EXISTS (SELECT FROM accounts_user WHERE id = %(user)s AND owner_id IS NULL)
ORDER BY number LIMIT 1
ON CONFLICT (account_id) DO UPDATE
    SET settings = excluded.settings, profiles = excluded.profiles, updated_at = now()
    WHERE %(overwrite)s
