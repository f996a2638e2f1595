from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0036_memory_pinned"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                condition=Q(valid_from__isnull=False)
                | Q(valid_until__isnull=False)
                | Q(immutable=True),
                fields=["-created_at", "id"],
                name="memory_with_terms",
            ),
        ),
    ]
