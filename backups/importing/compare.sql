-- The statements of `compare_restored`: each finds the number and the line of the first staged row
-- that was not restored. Apps and categories are found by name, all others by id. With `exactly`,
-- times and descriptions are compared that an archive of the original server may lack.

-- name: apps
SELECT number, line FROM staged_apps AS it WHERE NOT EXISTS (
    SELECT FROM apps_registry_app AS there WHERE there.owner_id = %(user)s
    AND (there.name, there.description, there.metadata, there.is_active)
        = (it.name, it.description, it.metadata, it.is_active)
    AND (there.created_at, there.updated_at) = (it.created_at, it.updated_at)
)
ORDER BY number LIMIT 1

-- name: categories
-- An import leaves out categories without memories.
SELECT number, line FROM staged_categories AS it WHERE NOT EXISTS (
    SELECT FROM memories_usercategory AS there
    JOIN memories_category AS category ON category.id = there.category_id
    WHERE there.user_id = %(user)s AND category.name = it.stored_name AND (
        NOT %(exactly)s
        OR (coalesce(own_description, category.description), there.created_at, there.updated_at)
            = (it.description, it.created_at, it.updated_at)
    )
)
AND EXISTS (SELECT FROM staged_memory_categories WHERE category_id = it.id)
ORDER BY number LIMIT 1

-- name: memories
SELECT number, line FROM staged_memories AS it WHERE NOT EXISTS (
    SELECT FROM memories_memory AS there JOIN apps_registry_app AS app ON app.id = app_id
    WHERE there.id = it.id AND there.user_id = %(user)s AND app.name = coalesce(
        (SELECT name FROM staged_apps AS app WHERE app.id = it.app_id), %(default_app)s
    )
    AND (there.content, there.metadata, there.state, there.state_changed_at)
        = (it.content, it.metadata, it.state, it.state_changed_at)
    AND (there.created_at, there.updated_at) = (it.created_at, it.updated_at)
    AND (there.actor, there.conversation, there.agent_id)
        = (coalesce(it.actor, ''), coalesce(it.conversation, ''), coalesce(it.agent_id, ''))
    AND (there.namespace, there.own_key) = (it.namespace, it.own_key)
    AND there.superseded_by_id IS NOT DISTINCT FROM it.superseded_by
    AND (there.expires_at, there.valid_from, there.valid_until, there.immutable)
        IS NOT DISTINCT FROM (it.expires_at, it.valid_from, it.valid_until,
            coalesce(it.immutable, false))
)
ORDER BY number LIMIT 1

-- name: memory_categories
SELECT number, line FROM staged_memory_categories AS it WHERE NOT EXISTS (
    SELECT FROM memories_categorization AS there
    JOIN memories_category AS category
        ON there.category_id = coalesce(category.merged_into_id, category.id)
    JOIN staged_categories AS named ON named.stored_name = category.name
    WHERE there.memory_id = it.memory_id AND named.id = it.category_id
)
ORDER BY number LIMIT 1

-- name: status_history
SELECT number, line FROM staged_status_history AS it WHERE NOT EXISTS (
    SELECT FROM memories_statechange AS there WHERE there.memory_id = it.memory_id
    AND (there.old_state, there.new_state, there.changed_at, there.reason)
        = (it.old_state, it.new_state, it.changed_at, it.reason)
    AND (it.changed_by IS DISTINCT FROM %(user)s OR there.changed_by_id = it.changed_by)
)
ORDER BY number LIMIT 1

-- name: access_controls
-- An import leaves out rules that mean nothing.
SELECT number, line FROM staged_access_controls AS it WHERE NOT EXISTS (
    SELECT FROM apps_registry_accessrule AS there
    JOIN apps_registry_app AS app ON app.id = there.app_id
    JOIN staged_apps AS named ON named.name = app.name
    WHERE named.id = it.app_id AND there.memory_id IS NOT DISTINCT FROM it.memory_id
    AND there.effect = it.effect
    AND (NOT %(exactly)s OR there.created_at = it.created_at)
)
AND understood
ORDER BY number LIMIT 1

-- name: revisions
SELECT number, line FROM staged_revisions AS it WHERE NOT EXISTS (
    SELECT FROM memories_revision AS there WHERE there.memory_id = it.memory_id
    AND (there.content, there.edited_at, there.edits_text, there.metadata,
        to_jsonb(there.categories), there.actor, there.conversation, there.said_at, there.terms
    ) IS NOT DISTINCT FROM (it.content, it.edited_at, it.edits_text, it.metadata,
        it.categories, it.actor, it.conversation, it.said_at, it.terms)
    AND (it.edited_by IS DISTINCT FROM %(user)s OR there.edited_by_id = it.edited_by)
)
ORDER BY number LIMIT 1

-- name: vectors
SELECT number, number FROM staged_vectors AS it WHERE NOT EXISTS (
    SELECT FROM memories_embedding AS there
    WHERE there.memory_id = it.id AND there.vector = it.vector
)
ORDER BY number LIMIT 1

-- name: out_of_order
-- The first memory that did not arrive after the one that arrived before it in the archive.
SELECT number, line FROM (
    SELECT number, line, there.arrival, lag(there.arrival) OVER (ORDER BY $arrival_order) AS before
    FROM staged_memories AS staged JOIN memories_memory AS there ON there.id = staged.id
) AS arrived
WHERE arrival <= before ORDER BY number LIMIT 1
