from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0034_log"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                condition=models.Q(("valid_from__isnull", False)),
                fields=["user", "valid_from"],
                name="memory_by_validity",
            ),
        ),
    ]
