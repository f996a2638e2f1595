from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [("memories", "0019_make_out_who_said")]

    operations = [
        AddIndexConcurrently(
            model_name="memory",
            index=models.Index(
                fields=["-created_at", "id", "state"], name="memory_newest_of_all"
            ),
        ),
    ]
