-- The checks of staged rows that are about more than one column. Each selects the number and the
-- line of wrong rows.

-- name: access_controls_without_app
SELECT number, line FROM staged_access_controls AS it WHERE understood
    AND NOT EXISTS (SELECT FROM staged_apps AS there WHERE there.id = it.app_id)

-- name: memories_with_the_same_key
SELECT number, line FROM (
    SELECT number, line, row_number() OVER (PARTITION BY namespace, own_key ORDER BY number) AS nth
    FROM staged_memories WHERE own_key <> ''
) AS it WHERE nth > 1

-- name: memories_superseded_by_themselves
SELECT number, line FROM staged_memories WHERE superseded_by = id

-- name: memories_without_link
SELECT number, line FROM staged_memories AS it, unnest(category_ids) AS category
WHERE NOT EXISTS (
    SELECT FROM staged_memory_categories AS there
    WHERE there.memory_id = it.id AND there.category_id = category
)

-- name: links_without_category_id
-- Not with ANY, which searches a long list again for each of its categories.
SELECT it.number, it.line FROM staged_memory_categories AS it
JOIN staged_memories AS memory ON memory.id = it.memory_id
WHERE memory.category_ids IS NOT NULL AND NOT EXISTS (
    SELECT FROM (SELECT id, unnest(category_ids) AS category FROM staged_memories) AS named
    WHERE named.id = it.memory_id AND named.category = it.category_id
)

-- name: lines_unlike_memory
-- By digest: the join would write the texts to the disk once more.
SELECT it.number, it.line FROM staged_lines AS it
JOIN (
    SELECT id, state, md5(content)::uuid AS digest FROM staged_memories OFFSET 0
) AS memory ON memory.id = it.id
WHERE it.state <> memory.state OR it.digest <> memory.digest
