-- A memory as its line in the log keeps it. Times are seconds, which no setting of a session changes.
CREATE FUNCTION memories_snapshot(memory memories_memory) RETURNS jsonb LANGUAGE sql STABLE AS $$
SELECT jsonb_build_object(
    'content', memory.content,
    'metadata', memory.metadata,
    'state', memory.state,
    'superseded_by', memory.superseded_by_id,
    'app', memory.app_id,
    'actor', memory.actor,
    'conversation', memory.conversation,
    'created_at', extract(epoch FROM memory.created_at),
    'expires_at', extract(epoch FROM memory.expires_at),
    'valid_from', extract(epoch FROM memory.valid_from),
    'valid_until', extract(epoch FROM memory.valid_until),
    'immutable', memory.immutable,
    'categories', ARRAY(
        SELECT category_id FROM memories_categorization
        WHERE memory_id = memory.id ORDER BY category_id
    )
)
$$;

CREATE FUNCTION memories_content_hash(salt bytea, snapshot jsonb) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
SELECT sha256(coalesce(salt, '') || convert_to(coalesce(snapshot::text, ''), 'UTF8'))
$$;

CREATE FUNCTION memories_line_hash(line memories_logline) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
SELECT sha256(convert_to(jsonb_build_array(
    encode(line.previous_hash, 'hex'), line.id, line.user_id, line.sequence,
    extract(epoch FROM line.at), line.kind, line.memory_id, line.by_id, line.key_id, line.app_id,
    line.last_state_change, line.last_revision, encode(line.content_hash, 'hex')
)::text, 'UTF8'))
$$;

-- The memories that a transaction has changed. Its end deletes them, so nobody else ever sees any,
-- and a crash may empty the table.
CREATE UNLOGGED TABLE memories_unlogged (
    transaction xid8 NOT NULL DEFAULT pg_current_xact_id(),
    memory_id uuid NOT NULL,
    user_id uuid NOT NULL,
    is_new boolean NOT NULL,
    is_first boolean NOT NULL
);
CREATE INDEX memories_unlogged_by_transaction ON memories_unlogged (transaction);

-- Write the lines of all memories that this transaction has changed: one of each.
CREATE FUNCTION memories_write_log() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record;
    author record;
    moment timestamptz;
    chain memories_logchain;
    before memories_logline;
    memory memories_memory;
    line memories_logline;
BEGIN
    FOR changed IN
        SELECT user_id, memory_id, bool_or(is_new) AS is_new FROM memories_unlogged
        WHERE transaction = pg_current_xact_id()
        GROUP BY user_id, memory_id ORDER BY user_id, memory_id
    LOOP
        IF changed.user_id IS DISTINCT FROM chain.user_id THEN
            IF chain.user_id IS NOT NULL THEN
                UPDATE memories_logchain SET sequence = chain.sequence, hash = chain.hash,
                    at = chain.at WHERE user_id = chain.user_id;
            END IF;
            -- Writers of one user queue here until the end of the transaction, which is near. In
            -- the same order for all, so that no two transactions about several users deadlock.
            SELECT * INTO chain FROM memories_logchain
                WHERE user_id = changed.user_id FOR UPDATE;
            IF chain.user_id IS NULL THEN
                INSERT INTO memories_logchain (user_id, sequence, hash, at)
                    VALUES (changed.user_id, 0, decode(repeat('00', 32), 'hex'), '-infinity')
                    ON CONFLICT DO NOTHING;
                SELECT * INTO chain FROM memories_logchain
                    WHERE user_id = changed.user_id FOR UPDATE;
            END IF;
            -- The lines of one transaction have one time.
            moment := greatest(clock_timestamp(), chain.at + interval '1 microsecond');
        END IF;

        SELECT * INTO memory FROM memories_memory WHERE id = changed.memory_id;
        SELECT * INTO before FROM memories_logline WHERE memory_id = changed.memory_id
            ORDER BY sequence DESC LIMIT 1;
        line := NULL;
        IF memory.id IS NOT NULL THEN
            line.snapshot := memories_snapshot(memory);
            line.said_at := memory.created_at;
            line.salt := uuid_send(gen_random_uuid());
        END IF;
        CONTINUE WHEN line.snapshot IS NOT DISTINCT FROM before.snapshot;
        line.kind := CASE
            WHEN memory.id IS NULL THEN CASE current_setting('openmemory.erasing', true)
                WHEN 'on' THEN 'erased' ELSE 'purged' END
            WHEN before.snapshot IS NULL THEN CASE WHEN changed.is_new THEN 'stored' ELSE 'known' END
            WHEN before.snapshot - '{state,superseded_by}'::text[]
                = line.snapshot - '{state,superseded_by}'::text[] THEN CASE
                    WHEN line.snapshot ->> 'superseded_by'
                        <> coalesce(before.snapshot ->> 'superseded_by', '')
                    THEN 'superseded' ELSE 'state' END
            WHEN before.snapshot - 'categories' = line.snapshot - 'categories' THEN 'categories'
            WHEN before.snapshot - 'metadata' = line.snapshot - 'metadata' THEN 'metadata'
            ELSE 'revised'
        END;

        -- Whoever changed it wrote its history in the same transaction.
        SELECT coalesce(max(id), 0) INTO line.last_state_change
            FROM memories_statechange WHERE memory_id = changed.memory_id;
        SELECT coalesce(max(id), 0) INTO line.last_revision
            FROM memories_revision WHERE memory_id = changed.memory_id;
        SELECT * INTO author FROM (
            SELECT changed_by_id AS by_id, key_id, app_id, changed_at AS at
            FROM memories_statechange WHERE id = line.last_state_change
                AND id > coalesce(before.last_state_change, 0)
            UNION ALL
            SELECT edited_by_id, key_id, app_id, edited_at
            FROM memories_revision WHERE id = line.last_revision
                AND id > coalesce(before.last_revision, 0)
        ) AS history ORDER BY at DESC LIMIT 1;

        line.id := nextval('memories_logline_id_seq');
        line.user_id := changed.user_id;
        line.sequence := chain.sequence + 1;
        line.at := moment;
        line.memory_id := changed.memory_id;
        line.by_id := author.by_id;
        line.key_id := author.key_id;
        line.app_id := author.app_id;
        line.content_hash := memories_content_hash(line.salt, line.snapshot);
        line.previous_hash := chain.hash;
        line.hash := memories_line_hash(line);
        IF memory.id IS NULL THEN
            UPDATE memories_logline
                SET until = coalesce(until, moment), salt = NULL, snapshot = NULL, said_at = NULL
                WHERE memory_id = changed.memory_id;
        ELSIF before.id IS NOT NULL THEN
            UPDATE memories_logline SET until = moment WHERE id = before.id;
        END IF;
        INSERT INTO memories_logline SELECT line.*;
        chain.sequence := line.sequence;
        chain.hash := line.hash;
        chain.at := line.at;
    END LOOP;
    IF chain.user_id IS NOT NULL THEN
        UPDATE memories_logchain SET sequence = chain.sequence, hash = chain.hash, at = chain.at
            WHERE user_id = chain.user_id;
        DELETE FROM memories_unlogged WHERE transaction = pg_current_xact_id();
    END IF;
    RETURN NULL;
END
$$;

-- At the end of the transaction: whatever it changes of a memory is one line.
CREATE CONSTRAINT TRIGGER write_log AFTER INSERT ON memories_unlogged
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.is_first) EXECUTE FUNCTION memories_write_log();

CREATE FUNCTION memories_log_inserted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO memories_unlogged (memory_id, user_id, is_new, is_first)
        SELECT id, user_id, true, row_number() OVER () = 1 FROM new_rows;
    RETURN NULL;
END
$$;

CREATE FUNCTION memories_log_deleted() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO memories_unlogged (memory_id, user_id, is_new, is_first)
        SELECT id, user_id, false, row_number() OVER () = 1 FROM old_rows;
    RETURN NULL;
END
$$;

CREATE FUNCTION memories_log_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO memories_unlogged (memory_id, user_id, is_new, is_first)
        SELECT latter.id, latter.user_id, false, row_number() OVER () = 1
        FROM old_rows AS former JOIN new_rows AS latter ON former.id = latter.id
        WHERE (former.content, former.metadata, former.state, former.superseded_by_id,
                former.app_id, former.actor, former.conversation, former.created_at,
                former.expires_at, former.valid_from, former.valid_until, former.immutable)
            IS DISTINCT FROM (latter.content, latter.metadata, latter.state,
                latter.superseded_by_id, latter.app_id, latter.actor, latter.conversation,
                latter.created_at, latter.expires_at, latter.valid_from, latter.valid_until,
                latter.immutable);
    RETURN NULL;
END
$$;

CREATE FUNCTION memories_log_categorization() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO memories_unlogged (memory_id, user_id, is_new, is_first)
        SELECT memory_id, user_id, false, row_number() OVER () = 1 FROM changed_rows;
    RETURN NULL;
END
$$;

CREATE TRIGGER log_inserted AFTER INSERT ON memories_memory
REFERENCING NEW TABLE AS new_rows FOR EACH STATEMENT EXECUTE FUNCTION memories_log_inserted();
CREATE TRIGGER log_updated AFTER UPDATE ON memories_memory
REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
FOR EACH STATEMENT EXECUTE FUNCTION memories_log_updated();
CREATE TRIGGER log_deleted AFTER DELETE ON memories_memory
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION memories_log_deleted();
CREATE TRIGGER log_inserted AFTER INSERT ON memories_categorization
REFERENCING NEW TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION memories_log_categorization();
-- A merge moves memories to another category; whose they are stays.
CREATE TRIGGER log_updated AFTER UPDATE ON memories_categorization
REFERENCING NEW TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION memories_log_categorization();
CREATE TRIGGER log_deleted AFTER DELETE ON memories_categorization
REFERENCING OLD TABLE AS changed_rows
FOR EACH STATEMENT EXECUTE FUNCTION memories_log_categorization();

-- Nobody but the function above writes lines, or removes a memory's content and salt from them.
CREATE FUNCTION memories_keep_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'The log of memories is append-only.' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER keep_log BEFORE INSERT OR UPDATE OR DELETE ON memories_logline
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION memories_keep_log();
CREATE TRIGGER keep_log BEFORE INSERT OR UPDATE OR DELETE ON memories_logchain
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION memories_keep_log();
