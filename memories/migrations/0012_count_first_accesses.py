from django.db import migrations

# What the log of accesses tells.
FIRST = """
INSERT INTO memories_firstaccess (memory_id, app_id)
SELECT DISTINCT memory_id, app_id FROM memories_access WHERE app_id IS NOT NULL
ON CONFLICT DO NOTHING
"""
COUNTED = """
UPDATE apps_registry_app AS app SET memories_read = first.count
FROM (SELECT app_id, count(*) FROM memories_firstaccess GROUP BY app_id) AS first
WHERE first.app_id = app.id
"""


class Migration(migrations.Migration):

    dependencies = [
        ("apps_registry", "0003_memories_read"),
        ("memories", "0011_first_access"),
    ]

    operations = [
        migrations.RunSQL(FIRST, migrations.RunSQL.noop),
        migrations.RunSQL(COUNTED, migrations.RunSQL.noop),
    ]
