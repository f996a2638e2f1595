import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [("memories", "0017_memory_by_place")]

    operations = [
        migrations.AddField(
            model_name="category",
            name="merged_into",
            field=models.ForeignKey(
                blank=True,
                help_text="The category that has its memories since, and gets those that would "
                "come here.",
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="former_names",
                to="memories.category",
            ),
        ),
    ]
