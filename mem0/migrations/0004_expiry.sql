-- Until when webhooks have been told of what has expired. To them, a memory is there until then.
INSERT INTO mem0_toldexpiry (id, until) VALUES (1, 'epoch');

CREATE FUNCTION mem0_is_shown(snapshot jsonb, told timestamptz) RETURNS boolean
LANGUAGE sql STABLE AS $$
SELECT coalesce(snapshot ->> 'state' = 'active', false)
    AND coalesce((snapshot ->> 'expires_at')::numeric > extract(epoch FROM told), true)
$$;

-- As before, but that what has expired is not shown.
CREATE OR REPLACE FUNCTION mem0_tell_of_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    former jsonb;
    told timestamptz;
    was_shown boolean;
    is_shown boolean;
    names text[] := '{}';
    types text[] := '{}';
BEGIN
    IF NOT mem0_has_listeners() THEN
        RETURN NULL;
    END IF;
    SELECT snapshot INTO former FROM memories_logline
        WHERE memory_id = NEW.memory_id AND user_id = NEW.user_id AND sequence < NEW.sequence
        ORDER BY sequence DESC LIMIT 1;
    IF coalesce(former ->> 'expires_at', NEW.snapshot ->> 'expires_at') IS NOT NULL THEN
        -- Locked, so that either this line or the sweep tells of it, and not both or none.
        SELECT until INTO told FROM mem0_toldexpiry FOR SHARE;
    END IF;
    was_shown := mem0_is_shown(former, coalesce(told, 'epoch'));
    is_shown := mem0_is_shown(NEW.snapshot, coalesce(told, 'epoch'));
    IF is_shown AND (former -> 'categories') IS DISTINCT FROM (NEW.snapshot -> 'categories')
        AND (former IS NOT NULL OR NEW.snapshot -> 'categories' <> '[]') THEN
        names := '{memory_categorize}';
    END IF;
    IF is_shown AND NOT was_shown THEN
        types := ARRAY['memory_add'] || names;
    ELSIF was_shown AND NOT is_shown THEN
        types := '{memory_delete}';
    ELSIF is_shown AND former - 'categories' = NEW.snapshot - 'categories' THEN
        types := names;
    ELSIF is_shown THEN
        types := ARRAY['memory_update'] || names;
    END IF;
    PERFORM mem0_tell(NEW.user_id, NEW.memory_id, types, NEW.at);
    RETURN NULL;
END
$$;

-- What is removed without having been deleted: its user is erased, or it has expired just now.
CREATE OR REPLACE FUNCTION mem0_tell_of_removed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    told timestamptz;
BEGIN
    IF mem0_has_listeners() THEN
        SELECT until INTO told FROM mem0_toldexpiry FOR SHARE;
        PERFORM mem0_tell(user_id, id, '{memory_delete}', clock_timestamp())
        FROM old_rows
        WHERE state = 'active' AND (expires_at IS NULL OR expires_at > coalesce(told, 'epoch'))
        ORDER BY id;
    END IF;
    RETURN NULL;
END
$$;

-- Tell of what has expired since the last time: whether there is any.
CREATE FUNCTION mem0_tell_of_expired() RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    told timestamptz;
    moment timestamptz;
BEGIN
    SELECT until INTO told FROM mem0_toldexpiry FOR UPDATE;
    moment := clock_timestamp();
    IF NOT EXISTS (
        SELECT FROM memories_memory WHERE expires_at > told AND expires_at <= moment
    ) THEN
        RETURN false;
    END IF;
    IF mem0_has_listeners() THEN
        PERFORM mem0_tell(user_id, id, '{memory_delete}', moment)
        FROM memories_memory
        WHERE expires_at > told AND expires_at <= moment AND state = 'active';
    END IF;
    UPDATE mem0_toldexpiry SET until = moment;
    RETURN true;
END
$$;
