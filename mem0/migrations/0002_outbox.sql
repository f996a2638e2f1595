-- Without a webhook, a change costs no more than the look whether there is one.
CREATE FUNCTION mem0_has_listeners() RETURNS boolean LANGUAGE sql STABLE AS $$
SELECT coalesce(current_setting('openmemory.quiet', true), '') <> 'on'
    AND EXISTS (SELECT FROM mem0_webhook WHERE is_active)
$$;

-- The job that sends what a transaction has to tell a webhook: one of each.
CREATE FUNCTION mem0_enqueue_delivery(webhook uuid, account uuid) RETURNS uuid
LANGUAGE plpgsql AS $$
DECLARE
    lock text := webhook || ':' || pg_current_xact_id();
    found uuid;
BEGIN
    INSERT INTO jobs_job (
        id, owner_id, app_name, kind, once, parameters, state, done, attempts, run_after,
        cancel_requested, upload, download, download_name, created_at
    ) VALUES (
        gen_random_uuid(), account, '', 'deliver_webhook', lock,
        jsonb_build_object('webhook', webhook), 'queued', 0, 0, now(), false, '', '', '', now()
    ) ON CONFLICT DO NOTHING;
    SELECT id INTO found FROM jobs_job WHERE kind = 'deliver_webhook' AND once = lock
        AND state IN ('queued', 'running');
    RETURN found;
END
$$;

-- Write what the webhooks of a user's account are to be told of a memory.
CREATE FUNCTION mem0_tell(of_user uuid, memory uuid, types text[], moment timestamptz)
RETURNS void LANGUAGE sql AS $$
WITH account AS (
    SELECT account.id, CASE WHEN coalesce(current_setting('openmemory.erasing', true), '') <> 'on'
        THEN member.id END AS user_id
    FROM accounts_user AS member
    JOIN accounts_user AS account ON account.id = coalesce(member.owner_id, member.id)
    WHERE member.id = of_user AND account.is_active
)
INSERT INTO mem0_delivery (
    id, webhook_id, user_id, event_type, memory_id, job, state, attempts, error, created_at
)
SELECT gen_random_uuid(), webhook.id, account.user_id, event_type, memory,
    mem0_enqueue_delivery(webhook.id, account.id), 'pending', 0, '',
    moment + (place - 1) * interval '1 microsecond'
FROM account
JOIN mem0_webhook AS webhook ON webhook.account_id = account.id AND webhook.is_active
JOIN unnest(types) WITH ORDINALITY AS told (event_type, place)
    ON event_type = ANY (webhook.event_types)
$$;

-- A line of the log is what a transaction has changed of a memory. To those who listen, a memory is
-- there as long as lists show it: what is paused or archived is deleted, and what comes back added.
CREATE FUNCTION mem0_tell_of_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    former jsonb;
    was_shown boolean;
    is_shown boolean := NEW.snapshot ->> 'state' = 'active';
    names text[] := '{}';
    types text[] := '{}';
BEGIN
    IF NOT mem0_has_listeners() THEN
        RETURN NULL;
    END IF;
    SELECT snapshot INTO former FROM memories_logline
        WHERE memory_id = NEW.memory_id AND user_id = NEW.user_id AND sequence < NEW.sequence
        ORDER BY sequence DESC LIMIT 1;
    was_shown := coalesce(former ->> 'state' = 'active', false);
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

-- What is removed without having been deleted: it has expired, or its user is erased.
CREATE FUNCTION mem0_tell_of_removed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF mem0_has_listeners() THEN
        PERFORM mem0_tell(user_id, id, '{memory_delete}', clock_timestamp())
        FROM old_rows WHERE state = 'active' ORDER BY id;
    END IF;
    RETURN NULL;
END
$$;

CREATE TRIGGER mem0_tell AFTER INSERT ON memories_logline FOR EACH ROW
WHEN (NEW.kind IN ('stored', 'revised', 'state', 'superseded', 'categories', 'metadata'))
EXECUTE FUNCTION mem0_tell_of_line();
CREATE TRIGGER mem0_tell AFTER DELETE ON memories_memory
REFERENCING OLD TABLE AS old_rows FOR EACH STATEMENT EXECUTE FUNCTION mem0_tell_of_removed();
