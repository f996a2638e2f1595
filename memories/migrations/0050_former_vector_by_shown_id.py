from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0049_agent_in_log"),
    ]

    operations = [
        AddIndexConcurrently(
            model_name="formervector",
            index=models.Index(models.F("id") * -1, name="former_vector_by_shown_id"),
        ),
    ]
