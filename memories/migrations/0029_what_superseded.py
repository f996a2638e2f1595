from django.db import migrations

# The last time that each was archived in favour of the memory that it is linked to.
FILL = """
UPDATE memories_statechange AS step SET superseded_by_id = last.superseded_by_id
FROM (
    SELECT DISTINCT ON (memory.id) memory.superseded_by_id, change.id
    FROM memories_memory AS memory
    JOIN memories_statechange AS change ON change.memory_id = memory.id
    WHERE memory.superseded_by_id IS NOT NULL AND change.new_state = 'archived'
        AND change.reason IN ('superseded', 'known')
    ORDER BY memory.id, change.changed_at DESC, change.id DESC
) AS last
WHERE step.id = last.id AND step.superseded_by_id IS NULL
"""


class Migration(migrations.Migration):
    """Note in the history which memory replaced another one, as far as it is known."""

    dependencies = [
        ("memories", "0028_who_changed_states"),
    ]

    operations = [
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
