from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("memories", "0050_former_vector_by_shown_id"),
    ]

    operations = [
        migrations.AlterField(
            model_name="logline",
            name="kind",
            field=models.CharField(
                choices=[
                    ("known", "known when the log began"),
                    ("stored", "Stored"),
                    ("revised", "Revised"),
                    ("state", "state changed"),
                    ("superseded", "Superseded"),
                    ("categories", "categories changed"),
                    ("metadata", "metadata changed"),
                    ("purged", "Purged"),
                    ("erased", "Erased"),
                    ("renamed", "category renamed"),
                    ("imported", "log of a former server"),
                    ("read", "Read"),
                ],
                max_length=10,
            ),
        ),
        migrations.AlterField(
            model_name="logline",
            name="memory_id",
            field=models.UUIDField(
                help_text="Null for a renamed category, the log of a former server, and a reading.",
                null=True,
            ),
        ),
    ]
