"""The own key of a memory is part of what the log keeps of it, where it has one.

The snapshots of memories without one stay what they were. Each memory with one gets a line, as when
the log began.
"""

from importlib import import_module

from django.db import connection, migrations, models, transaction

former = import_module("memories.migrations.0049_agent_in_log")

BACK = former.CHANGE
CHANGE = former.changed(
    BACK,
    (
        "jsonb_build_object('agent_id', memory.agent_id) END\n$$;",
        "jsonb_build_object('agent_id', memory.agent_id) END\n"
        "    || CASE WHEN memory.namespace = '' AND memory.own_key = '' THEN '{}'::jsonb\n"
        "    ELSE jsonb_build_object('namespace', memory.namespace, 'own_key', memory.own_key) END\n"
        "$$;",
    ),
    ("former.agent_id)", "former.agent_id, former.namespace, former.own_key)"),
    ("latter.agent_id)", "latter.agent_id, latter.namespace, latter.own_key)"),
    (
        "            WHEN before.snapshot - 'categories'",
        "            WHEN before.snapshot - '{namespace,own_key}'::text[]\n"
        "                = line.snapshot - '{namespace,own_key}'::text[] THEN 'own_key'\n"
        "            WHEN before.snapshot - 'categories'",
    ),
)

# In steps, as writers of the same user wait for each. Memories that change meanwhile have a line.
STEP = """
WITH next AS (
    SELECT id, user_id FROM memories_memory, set_config('openmemory.known', 'on', true)
    WHERE id > %s AND (namespace <> '' OR own_key <> '') ORDER BY id LIMIT 5000
), noted AS (
    INSERT INTO memories_unlogged (memory_id, user_id, is_new, is_first)
    SELECT id, user_id, false, row_number() OVER (ORDER BY id) = 1 FROM next
)
SELECT max(id::text)::uuid FROM next
"""


def log_own_keys(apps, schema_editor):
    last = "00000000-0000-0000-0000-000000000000"
    while last:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(STEP, [last])
            [last] = cursor.fetchone()


class Migration(migrations.Migration):
    # Each step of the last operation is a transaction.
    atomic = False

    dependencies = [
        ("memories", "0051_readings_in_log"),
    ]

    operations = [
        migrations.AlterField(
            model_name="logline",
            name="kind",
            field=models.CharField(
                choices=[
                    ("known", "known when the log began"),
                    ("stored", "Stored"),
                    ("revised", "Revised"),
                    ("state", "state changed"),
                    ("superseded", "Superseded"),
                    ("categories", "categories changed"),
                    ("metadata", "metadata changed"),
                    ("own_key", "own key changed"),
                    ("purged", "Purged"),
                    ("erased", "Erased"),
                    ("renamed", "category renamed"),
                    ("imported", "log of a former server"),
                    ("read", "Read"),
                ],
                max_length=10,
            ),
        ),
        # On the way back, when snapshots have no keys again.
        migrations.RunPython(migrations.RunPython.noop, log_own_keys),
        migrations.RunSQL(CHANGE, BACK),
        migrations.RunPython(log_own_keys, migrations.RunPython.noop),
    ]
