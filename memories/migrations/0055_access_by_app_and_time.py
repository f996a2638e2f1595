from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("memories", "0054_cheaper_lines"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="access",
            index=models.Index(
                fields=["app", "-accessed_at", "memory"], name="access_by_app_and_time"
            ),
        ),
        RemoveIndexConcurrently(model_name="access", name="access_by_app"),
    ]
