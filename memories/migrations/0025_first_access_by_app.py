from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0024_counts_of_readable_memories"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="firstaccess",
            index=models.Index(fields=["app"], name="first_access_by_app"),
        ),
    ]
