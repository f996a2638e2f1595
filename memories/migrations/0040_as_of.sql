-- Lines also tell of what is about no memory: a renamed category, and the log of a former server.
-- Those of one run of inference, or of one import, name it.

ALTER TABLE memories_unlogged ALTER COLUMN memory_id DROP NOT NULL,
    ADD COLUMN is_rewritten boolean NOT NULL DEFAULT false,
    ADD COLUMN kind text,
    ADD COLUMN note jsonb;

-- A line without a run has the hash that it had before there were any.
CREATE OR REPLACE FUNCTION memories_line_hash(line memories_logline) RETURNS bytea LANGUAGE sql IMMUTABLE AS $$
SELECT sha256(convert_to((jsonb_build_array(
    encode(line.previous_hash, 'hex'), line.id, line.user_id, line.sequence,
    extract(epoch FROM line.at), line.kind, line.memory_id, line.by_id, line.key_id, line.app_id,
    line.last_state_change, line.last_revision, encode(line.content_hash, 'hex')
) || CASE WHEN line.run IS NULL THEN '[]'::jsonb ELSE jsonb_build_array(line.run) END)::text, 'UTF8'))
$$;

CREATE OR REPLACE FUNCTION memories_write_log() RETURNS trigger LANGUAGE plpgsql AS $$
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
        SELECT user_id, memory_id, kind, note, bool_or(is_new) AS is_new,
            bool_or(is_rewritten) AS is_rewritten
        FROM memories_unlogged WHERE transaction = pg_current_xact_id()
        GROUP BY user_id, memory_id, kind, note ORDER BY user_id, memory_id NULLS FIRST
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

        -- What is not about a memory finds none.
        SELECT * INTO memory FROM memories_memory WHERE id = changed.memory_id;
        SELECT * INTO before FROM memories_logline WHERE memory_id = changed.memory_id
            ORDER BY sequence DESC LIMIT 1;
        line := NULL;
        IF changed.kind IS NOT NULL THEN
            line.snapshot := changed.note;
            line.salt := uuid_send(gen_random_uuid());
        ELSIF memory.id IS NOT NULL THEN
            line.snapshot := memories_snapshot(memory);
            line.said_at := memory.created_at;
            line.salt := uuid_send(gen_random_uuid());
        END IF;
        IF line.snapshot IS NOT DISTINCT FROM before.snapshot THEN
            IF changed.is_rewritten THEN
                DELETE FROM memories_formerwords
                    WHERE memory_id = changed.memory_id AND sequence IS NULL;
                DELETE FROM memories_formervector
                    WHERE memory_id = changed.memory_id AND sequence IS NULL;
            END IF;
            CONTINUE;
        END IF;
        line.kind := CASE
            WHEN changed.kind IS NOT NULL THEN changed.kind
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
        line.run := nullif(current_setting('openmemory.run', true), '')::uuid;
        line.content_hash := memories_content_hash(line.salt, line.snapshot);
        line.previous_hash := chain.hash;
        line.hash := memories_line_hash(line);
        IF changed.kind IS NOT NULL THEN
            NULL;
        ELSIF memory.id IS NULL THEN
            DELETE FROM memories_formerwords WHERE memory_id = changed.memory_id;
            DELETE FROM memories_formervector WHERE memory_id = changed.memory_id;
            UPDATE memories_logline
                SET until = coalesce(until, moment), salt = NULL, snapshot = NULL, said_at = NULL
                WHERE memory_id = changed.memory_id;
        ELSIF before.id IS NOT NULL THEN
            UPDATE memories_logline SET until = moment WHERE id = before.id;
        END IF;
        IF changed.is_rewritten AND memory.id IS NOT NULL THEN
            IF before.id IS NULL THEN
                DELETE FROM memories_formerwords
                    WHERE memory_id = changed.memory_id AND sequence IS NULL;
                DELETE FROM memories_formervector
                    WHERE memory_id = changed.memory_id AND sequence IS NULL;
            ELSE
                UPDATE memories_formerwords SET sequence = line.sequence
                    WHERE memory_id = changed.memory_id AND sequence IS NULL;
                UPDATE memories_formervector SET sequence = line.sequence
                    WHERE memory_id = changed.memory_id AND sequence IS NULL;
            END IF;
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

-- The words of a text that is replaced are kept for searches as of a moment before. Its vectors are
-- kept by the statements that delete them.
CREATE OR REPLACE FUNCTION memories_log_updated() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    WITH changed AS MATERIALIZED (
        SELECT latter.id, latter.user_id, former.words,
            former.content <> latter.content AS is_new_text,
            (former.content, former.created_at) IS DISTINCT FROM
                (latter.content, latter.created_at) AS is_rewritten
        FROM old_rows AS former JOIN new_rows AS latter ON former.id = latter.id
        WHERE (former.content, former.metadata, former.state, former.superseded_by_id,
                former.app_id, former.actor, former.conversation, former.created_at,
                former.expires_at, former.valid_from, former.valid_until, former.immutable)
            IS DISTINCT FROM (latter.content, latter.metadata, latter.state,
                latter.superseded_by_id, latter.app_id, latter.actor, latter.conversation,
                latter.created_at, latter.expires_at, latter.valid_from, latter.valid_until,
                latter.immutable)
    ), kept AS (
        INSERT INTO memories_formerwords AS known (user_id, memory_id, words, is_new_text)
        SELECT user_id, id, words, is_new_text FROM changed WHERE is_rewritten
        ON CONFLICT (memory_id) WHERE sequence IS NULL
            DO UPDATE SET is_new_text = known.is_new_text OR excluded.is_new_text
    )
    INSERT INTO memories_unlogged (memory_id, user_id, is_new, is_first, is_rewritten)
        SELECT id, user_id, false, row_number() OVER () = 1, is_rewritten FROM changed;
    RETURN NULL;
END
$$;

-- One line in the log of each user who has memories in a category that is renamed.
CREATE FUNCTION memories_log_renamed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO memories_unlogged (memory_id, user_id, is_new, is_first, kind, note)
        SELECT NULL, user_id, false, row_number() OVER () = 1, 'renamed', jsonb_build_object(
            'category', NEW.id, 'former_name', OLD.name, 'name', NEW.name
        )
        FROM (
            -- Also of those who no longer have any in it.
            SELECT user_id FROM memories_usercategory WHERE category_id = NEW.id
        ) AS of_users;
    RETURN NULL;
END
$$;
CREATE TRIGGER log_renamed AFTER UPDATE OF name ON memories_category
FOR EACH ROW WHEN (OLD.name <> NEW.name) EXECUTE FUNCTION memories_log_renamed();

-- What lines tell of no memory goes with the user.
CREATE FUNCTION memories_redact_notes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE memories_logline SET salt = NULL, snapshot = NULL
        WHERE user_id = OLD.id AND memory_id IS NULL AND snapshot IS NOT NULL;
    RETURN NULL;
END
$$;
CREATE TRIGGER redact_notes AFTER DELETE ON accounts_user
FOR EACH ROW EXECUTE FUNCTION memories_redact_notes();

-- The last line of a user that was written at a moment or before, 0 if there is none. Times grow
-- with sequences, which have no gap: about 20 lines are read of a million, and no index is needed.
CREATE FUNCTION memories_sequence_at(owner uuid, moment timestamptz) RETURNS bigint
LANGUAGE plpgsql STABLE AS $$
DECLARE
    lowest bigint := 0;
    highest bigint := coalesce((SELECT sequence FROM memories_logchain WHERE user_id = owner), 0);
    middle bigint;
BEGIN
    WHILE lowest < highest LOOP
        middle := (lowest + highest + 1) / 2;
        IF (SELECT at FROM memories_logline WHERE user_id = owner AND sequence = middle) <= moment THEN
            lowest := middle;
        ELSE
            highest := middle - 1;
        END IF;
    END LOOP;
    RETURN lowest;
END
$$;
