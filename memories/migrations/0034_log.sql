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
    'categories', (
        SELECT coalesce(jsonb_agg(category_id ORDER BY category_id), '[]')
        FROM memories_categorization WHERE memory_id = memory.id
    )
)
$$;

CREATE FUNCTION memories_content_hash(salt bytea, snapshot jsonb) RETURNS bytea
LANGUAGE sql IMMUTABLE AS $$
SELECT sha256(coalesce(salt, '') || convert_to(coalesce(snapshot::text, ''), 'UTF8'))
$$;

CREATE FUNCTION memories_line_hash(line memories_logline) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
SELECT sha256(convert_to(jsonb_build_array(
    encode(line.previous_hash, 'hex'), line.id, line.user_id, line.sequence, extract(epoch FROM line.at),
    line.kind, line.memory_id, line.by_id, line.key_id, line.app_id, line.last_state_change,
    line.last_revision, encode(line.content_hash, 'hex')
)::text, 'UTF8'))
$$;

-- Write the line of a change that was made in this transaction, unless it has one already.
CREATE FUNCTION memories_log_change(changed uuid, owner uuid, is_new boolean) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    memory memories_memory;
    before memories_logline;
    line memories_logline;
    author record;
BEGIN
    -- Writers of one user queue here, for the rest of their transaction: it is about to end.
    PERFORM pg_advisory_xact_lock(5190536, hashtext(owner::text));
    SELECT * INTO memory FROM memories_memory WHERE id = changed;
    SELECT * INTO before FROM memories_logline WHERE memory_id = changed
        ORDER BY sequence DESC LIMIT 1;
    IF memory.id IS NULL THEN
        IF before.id IS NULL OR before.kind IN ('purged', 'erased') THEN
            RETURN;
        END IF;
        UPDATE memories_logline SET salt = NULL, snapshot = NULL
            WHERE memory_id = changed AND salt IS NOT NULL;
        line.kind := CASE current_setting('openmemory.erasing', true)
            WHEN 'on' THEN 'erased' ELSE 'purged' END;
    ELSE
        line.snapshot := memories_snapshot(memory);
        IF before.snapshot = line.snapshot THEN
            RETURN;
        END IF;
        line.salt := uuid_send(gen_random_uuid());
        line.kind := CASE
            WHEN before.id IS NULL AND NOT is_new THEN 'known'
            WHEN before.snapshot IS NULL THEN 'stored'
            WHEN before.snapshot - '{state,superseded_by}'::text[]
                = line.snapshot - '{state,superseded_by}'::text[] THEN
                CASE WHEN memory.superseded_by_id IS NOT NULL
                    AND before.snapshot ->> 'superseded_by'
                        IS DISTINCT FROM memory.superseded_by_id::text
                THEN 'superseded' ELSE 'state' END
            WHEN before.snapshot - 'categories' = line.snapshot - 'categories' THEN 'categories'
            WHEN before.snapshot - 'metadata' = line.snapshot - 'metadata' THEN 'metadata'
            ELSE 'revised'
        END;
    END IF;

    -- Whoever changed it wrote its history in the same transaction.
    SELECT coalesce(max(id), 0) INTO line.last_state_change
        FROM memories_statechange WHERE memory_id = changed;
    SELECT coalesce(max(id), 0) INTO line.last_revision
        FROM memories_revision WHERE memory_id = changed;
    SELECT * INTO author FROM (
        SELECT changed_by_id AS by_id, key_id, app_id, changed_at AS at FROM memories_statechange
        WHERE memory_id = changed AND id > coalesce(before.last_state_change, 0)
        UNION ALL
        SELECT edited_by_id, key_id, app_id, edited_at FROM memories_revision
        WHERE memory_id = changed AND id > coalesce(before.last_revision, 0)
    ) AS change ORDER BY at DESC LIMIT 1;
    line.by_id := author.by_id;
    line.key_id := author.key_id;
    line.app_id := author.app_id;

    line.id := nextval(pg_get_serial_sequence('memories_logline', 'id'));
    line.user_id := owner;
    line.memory_id := changed;
    SELECT sequence + 1, hash, greatest(at, clock_timestamp())
        INTO line.sequence, line.previous_hash, line.at
        FROM memories_logline WHERE user_id = owner ORDER BY sequence DESC LIMIT 1;
    line.sequence := coalesce(line.sequence, 1);
    line.previous_hash := coalesce(line.previous_hash, decode(repeat('00', 32), 'hex'));
    line.at := coalesce(line.at, clock_timestamp());
    line.content_hash := memories_content_hash(line.salt, line.snapshot);
    INSERT INTO memories_logline (
        id, user_id, sequence, at, kind, memory_id, by_id, key_id, app_id, last_state_change,
        last_revision, salt, snapshot, content_hash, previous_hash, hash
    ) VALUES (
        line.id, line.user_id, line.sequence, line.at, line.kind, line.memory_id, line.by_id,
        line.key_id, line.app_id, line.last_state_change, line.last_revision, line.salt, line.snapshot,
        line.content_hash, line.previous_hash, memories_line_hash(line)
    );
END
$$;

CREATE FUNCTION memories_log_memory() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM memories_log_change(OLD.id, OLD.user_id, false);
    ELSE
        PERFORM memories_log_change(NEW.id, NEW.user_id, TG_OP = 'INSERT');
    END IF;
    RETURN NULL;
END
$$;

CREATE FUNCTION memories_log_categorization() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM memories_log_change(OLD.memory_id, OLD.user_id, false);
    ELSE
        PERFORM memories_log_change(NEW.memory_id, NEW.user_id, false);
    END IF;
    RETURN NULL;
END
$$;

-- At the end of the transaction: whatever it changes of a memory is one line.
CREATE CONSTRAINT TRIGGER log_new_memory AFTER INSERT OR DELETE ON memories_memory
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION memories_log_memory();

CREATE CONSTRAINT TRIGGER log_memory AFTER UPDATE ON memories_memory
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
WHEN (
    (OLD.content, OLD.metadata, OLD.state, OLD.superseded_by_id, OLD.app_id, OLD.actor,
        OLD.conversation, OLD.created_at, OLD.expires_at, OLD.valid_from, OLD.valid_until,
        OLD.immutable)
    IS DISTINCT FROM
    (NEW.content, NEW.metadata, NEW.state, NEW.superseded_by_id, NEW.app_id, NEW.actor,
        NEW.conversation, NEW.created_at, NEW.expires_at, NEW.valid_from, NEW.valid_until,
        NEW.immutable)
)
EXECUTE FUNCTION memories_log_memory();

CREATE CONSTRAINT TRIGGER log_categorization AFTER INSERT OR UPDATE OR DELETE
ON memories_categorization DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
EXECUTE FUNCTION memories_log_categorization();

-- Lines are never changed, but for the removal of a memory's content and salt.
CREATE FUNCTION memories_keep_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND NEW.salt IS NULL AND NEW.snapshot IS NULL THEN
        OLD.salt := NULL;
        OLD.snapshot := NULL;
        IF NEW IS NOT DISTINCT FROM OLD THEN
            RETURN NEW;
        END IF;
    END IF;
    RAISE EXCEPTION 'The log of memories is append-only.' USING ERRCODE = 'restrict_violation';
END
$$;

CREATE TRIGGER keep_log BEFORE UPDATE OR DELETE ON memories_logline
FOR EACH ROW EXECUTE FUNCTION memories_keep_log();
