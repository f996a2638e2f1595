from django.db import migrations, models


class Migration(migrations.Migration):
    """What a second space needs to be filled beside the first, and to take its place."""

    dependencies = [("memories", "0005_superseded")]

    operations = [
        migrations.AddField(
            model_name="embeddingspace",
            name="reach",
            field=models.JSONField(
                blank=True,
                default=dict,
                help_text="How its model is reached, which the configuration no longer says once "
                "it names another one. A key is sealed.",
            ),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="comparison",
            field=models.JSONField(
                blank=True,
                null=True,
                help_text="How its results compare with those it was to replace.",
            ),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="activated_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name="embeddingspace",
            name="retired_at",
            field=models.DateTimeField(blank=True, null=True),
        ),
        migrations.AlterField(
            model_name="embeddingspace",
            name="state",
            field=models.CharField(
                choices=[
                    ("active", "Active"),
                    ("filling", "Filling"),
                    ("paused", "Paused"),
                    ("kept", "Kept"),
                    ("dropping", "Dropping"),
                ],
                default="filling",
                max_length=8,
            ),
        ),
        migrations.AddConstraint(
            model_name="embeddingspace",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "filling")),
                fields=("state",),
                name="one_filling_embedding_space",
            ),
        ),
    ]
