from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models
from django.db.models import Q


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0044_memory_agent"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                condition=~Q(agent_id=""), fields=["user", "agent_id"], name="memory_by_agent"
            ),
        ),
    ]
