from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0035_memory_by_validity"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                models.F("user"),
                models.OrderBy(models.F("created_at"), descending=True),
                models.F("id"),
                condition=models.Q(("metadata__contains", {"pinned": True})),
                name="memory_pinned",
            ),
        ),
    ]
