"""The agent of a memory is part of what the log keeps of it, where it has one.

The snapshots of memories without an agent stay what they were. Each memory with one gets a line,
as when the log began.
"""

from pathlib import Path

from django.db import migrations, transaction
from django.db import connection

FOLDER = Path(__file__).parent


def defined(function, file):
    """The definition of a function in a file of an earlier migration."""
    text = (FOLDER / file).read_text()
    start = text.index(f"FUNCTION {function}(")
    body = text.index("$$", start) + 2
    end = text.index("$$;", body) + 3
    return f"CREATE OR REPLACE {text[start:end]}\n"


def changed(definition, *replacements):
    for former, latter in replacements:
        assert former in definition, former
        definition = definition.replace(former, latter)
    return definition


SNAPSHOT = defined("memories_snapshot", "0034_log.sql")
UPDATED = defined("memories_log_updated", "0040_as_of.sql")
WRITE = defined("memories_write_log", "0040_as_of.sql")
BACK = SNAPSHOT + UPDATED + WRITE
CHANGE = (
    changed(
        SNAPSHOT,
        (
            ")\n$$;",
            ") || CASE WHEN memory.agent_id = '' THEN '{}'::jsonb\n"
            "    ELSE jsonb_build_object('agent_id', memory.agent_id) END\n$$;",
        ),
    )
    + changed(
        UPDATED,
        ("former.immutable)", "former.immutable, former.agent_id)"),
        ("latter.immutable)", "latter.immutable, latter.agent_id)"),
    )
    + changed(
        WRITE,
        (
            "WHEN before.snapshot IS NULL THEN CASE",
            "WHEN current_setting('openmemory.known', true) = 'on' THEN 'known'\n"
            "            WHEN before.snapshot IS NULL THEN CASE",
        ),
    )
)

# In steps, as writers of the same user wait for each. Memories that change meanwhile have a line.
STEP = """
WITH next AS (
    SELECT id, user_id FROM memories_memory, set_config('openmemory.known', 'on', true)
    WHERE id > %s AND agent_id <> '' ORDER BY id LIMIT 5000
), noted AS (
    INSERT INTO memories_unlogged (memory_id, user_id, is_new, is_first)
    SELECT id, user_id, false, row_number() OVER (ORDER BY id) = 1 FROM next
)
SELECT max(id::text)::uuid FROM next
"""


def log_agents(apps, schema_editor):
    last = "00000000-0000-0000-0000-000000000000"
    while last:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(STEP, [last])
            [last] = cursor.fetchone()


class Migration(migrations.Migration):
    # Each step of the last operation is a transaction.
    atomic = False

    dependencies = [
        ("memories", "0048_own_key_is_unique"),
    ]

    operations = [
        # On the way back, when snapshots have no agents again.
        migrations.RunPython(migrations.RunPython.noop, log_agents),
        migrations.RunSQL(CHANGE, BACK),
        migrations.RunPython(log_agents, migrations.RunPython.noop),
    ]
