"""A line of the log asks twice, not three times, who made a change, and has an index less.

The index served pages as of a moment, which are read in parts now.
"""

from importlib import import_module

from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations

own_key_in_log = import_module("memories.migrations.0052_own_key_in_log")

FORMER = """
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
"""
# `id + 0` has PostgreSQL sort the few rows of a memory, and not read the index of all ids.
LATTER = """
        SELECT id, id > coalesce(before.last_state_change, 0) AS is_new,
            changed_by_id AS by_id, key_id, app_id, changed_at AS at INTO author
            FROM memories_statechange WHERE memory_id = changed.memory_id
            ORDER BY id + 0 DESC LIMIT 1;
        SELECT id, id > coalesce(before.last_revision, 0) AS is_new,
            edited_by_id AS by_id, key_id, app_id, edited_at AS at INTO editor
            FROM memories_revision WHERE memory_id = changed.memory_id
            ORDER BY id + 0 DESC LIMIT 1;
        line.last_state_change := coalesce(author.id, 0);
        line.last_revision := coalesce(editor.id, 0);
        IF editor.is_new AND (author.is_new IS NOT TRUE OR editor.at > author.at) THEN
            author := editor;
        END IF;
"""
FORMER_NAMES = """
        line.by_id := author.by_id;
        line.key_id := author.key_id;
        line.app_id := author.app_id;
"""
NAMES = """
        IF author.is_new THEN
            line.by_id := author.by_id;
            line.key_id := author.key_id;
            line.app_id := author.app_id;
        END IF;
"""
BACK = own_key_in_log.CHANGE
CHANGE = own_key_in_log.former.changed(
    BACK,
    ("    author record;\n", "    author record;\n    editor record;\n"),
    (FORMER, LATTER),
    (FORMER_NAMES, NAMES),
)


class Migration(migrations.Migration):
    # The index is removed without keeping writers waiting.
    atomic = False

    dependencies = [
        ("memories", "0053_version_of_own_key"),
    ]

    operations = [
        migrations.RunSQL(CHANGE, BACK),
        RemoveIndexConcurrently(model_name="logline", name="log_line_newest_first"),
    ]
