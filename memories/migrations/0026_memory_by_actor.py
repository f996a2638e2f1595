from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models.functions import Lower


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0025_first_access_by_app"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                "user",
                Lower("actor"),
                condition=models.Q(("actor", ""), _negated=True),
                name="memory_by_actor",
            ),
        ),
    ]
