from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("memories", "0043_token_vectors"),
    ]

    operations = [
        migrations.AddField(
            model_name="memory",
            name="agent_id",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The agent that it belongs to, as clients of Mem0 name it; empty if none.",
                max_length=255,
            ),
        ),
    ]
