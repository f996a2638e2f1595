from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0014_archive_policy"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                condition=models.Q(("state", "deleted")),
                fields=["state_changed_at", "id"],
                name="memory_by_deletion",
            ),
        ),
    ]
