from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("memories", "0046_former_tokens"),
    ]

    operations = [
        migrations.AddField(
            model_name="memory",
            name="namespace",
            field=models.CharField(
                blank=True,
                db_collation="C",
                db_default="",
                default="",
                help_text="The namespace of its own key: parts separated by dots. Empty if it has none.",
                max_length=255,
            ),
        ),
        migrations.AddField(
            model_name="memory",
            name="own_key",
            field=models.CharField(
                blank=True,
                db_collation="C",
                db_default="",
                default="",
                help_text="The key of its own that a program stored it by. Empty if it has none.",
                max_length=255,
            ),
        ),
    ]
