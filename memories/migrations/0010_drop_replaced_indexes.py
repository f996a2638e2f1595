import django.db.models.deletion
from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models


class Migration(migrations.Migration):

    atomic = False

    dependencies = [
        ("memories", "0009_memory_by_app_and_state"),
    ]

    operations = [
        RemoveIndexConcurrently(model_name="memory", name="memory_by_user_newest"),
        migrations.AlterField(
            model_name="memory",
            name="app",
            field=models.ForeignKey(
                db_index=False,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="memories",
                to="apps_registry.app",
            ),
        ),
    ]
