from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [("memories", "0016_said")]

    operations = [
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                fields=["app", "conversation", "created_at", "arrival", "id"],
                condition=models.Q(("state", "active"))
                & (~models.Q(("actor", "")) | ~models.Q(("conversation", ""))),
                name="memory_by_place",
            ),
        ),
    ]
