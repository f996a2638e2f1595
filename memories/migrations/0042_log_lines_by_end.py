from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0041_log_lines_by_run"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="logline",
            index=models.Index(
                condition=models.Q(("until__isnull", False)),
                fields=["user", "until"],
                name="log_line_by_end",
            ),
        ),
        # Which memories one has replaced, as of a moment.
        migrations.RunSQL(
            "CREATE INDEX CONCURRENTLY IF NOT EXISTS log_line_by_superseding ON memories_logline"
            " (((snapshot ->> 'superseded_by')::uuid))"
            " WHERE (snapshot ->> 'superseded_by')::uuid IS NOT NULL",
            "DROP INDEX IF EXISTS log_line_by_superseding",
        ),
    ]
