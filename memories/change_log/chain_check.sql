-- The faults in the log of a user, the first ones first. `chain_check.py` describes each kind.
WITH place AS (
    SELECT id,
        lag(sequence, 1, 0::bigint) OVER chain AS sequence_before,
        lag(hash, 1, decode(repeat('00', 32), 'hex')) OVER chain AS hash_before,
        lag(at, 1, at) OVER chain AS time_before,
        CASE WHEN memory_id IS NOT NULL
            THEN lead(at) OVER (PARTITION BY memory_id ORDER BY sequence)
        END AS time_after,
        sequence = max(sequence) OVER about AS is_newest,
        sequence = max(sequence) OVER () AS is_last,
        max(sequence) FILTER (WHERE kind IN ('purged', 'erased')) OVER about AS purged_by
    FROM memories_logline
    WHERE user_id = %(user)s
    WINDOW chain AS (ORDER BY sequence), about AS (PARTITION BY memory_id)
)
SELECT line.sequence, line.memory_id, fault
FROM memories_logline AS line
JOIN place ON place.id = line.id
LEFT JOIN memories_logchain AS chain ON chain.user_id = line.user_id
LEFT JOIN memories_memory AS memory ON memory.id = line.memory_id AND memory.user_id = line.user_id
CROSS JOIN LATERAL (VALUES
    (line.sequence <> sequence_before + 1, 'missing'),
    (line.hash <> memories_line_hash(line), 'changed'),
    (line.previous_hash <> hash_before, 'chain'),
    (line.at < time_before, 'time'),
    (line.until IS DISTINCT FROM time_after, 'until'),
    (extract(epoch FROM line.said_at) IS DISTINCT FROM (line.snapshot ->> 'created_at')::numeric,
        'said'),
    (is_last AND (line.sequence, line.hash, line.at)
        IS DISTINCT FROM (chain.sequence, chain.hash, chain.at), 'end'),
    (CASE
        WHEN line.kind IN ('purged', 'erased')
            THEN line.snapshot IS NOT NULL OR line.salt IS NOT NULL
        -- What is about no memory goes with the user.
        WHEN line.memory_id IS NULL AND line.snapshot IS NULL AND line.salt IS NULL
            THEN EXISTS (SELECT FROM accounts_user WHERE id = line.user_id)
        WHEN line.snapshot IS NULL AND line.salt IS NULL
            THEN purged_by IS NULL OR purged_by < line.sequence
        ELSE line.snapshot IS NULL OR line.salt IS NULL
            OR line.content_hash <> memories_content_hash(line.salt, line.snapshot)
    END, 'content'),
    (is_newest AND line.memory_id IS NOT NULL AND CASE
        WHEN line.kind IN ('purged', 'erased') THEN memory.id IS NOT NULL
        ELSE memory.id IS NULL OR line.snapshot IS DISTINCT FROM memories_snapshot(memory)
    END, 'memory')
) AS finding (is_fault, fault)
WHERE is_fault
UNION ALL
SELECT sequence, NULL, 'end' FROM memories_logchain AS chain
WHERE user_id = %(user)s AND NOT EXISTS (
    SELECT FROM memories_logline AS line WHERE line.user_id = chain.user_id
)
UNION ALL
SELECT NULL, id, 'unlogged' FROM memories_memory AS memory
WHERE user_id = %(user)s AND NOT EXISTS (
    SELECT FROM memories_logline AS line
    WHERE line.memory_id = memory.id AND line.user_id = memory.user_id
)
ORDER BY sequence, memory_id, fault
LIMIT %(limit)s
