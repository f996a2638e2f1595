from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0040_as_of"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="logline",
            index=models.Index(
                condition=models.Q(("memory_id", None)),
                fields=["user", "sequence"],
                name="log_line_about_no_memory",
            ),
        ),
        AddIndexConcurrently(
            model_name="logline",
            index=models.Index(
                condition=models.Q(("run__isnull", False)),
                fields=["user", "run", "sequence"],
                name="log_line_by_run",
            ),
        ),
    ]
