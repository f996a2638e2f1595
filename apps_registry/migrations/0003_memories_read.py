from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("apps_registry", "0002_access_rule"),
    ]

    operations = [
        migrations.AddField(
            model_name="app",
            name="memories_read",
            field=models.PositiveBigIntegerField(
                default=0, editable=False, help_text="How many different memories it has read."
            ),
        ),
    ]
