import django.contrib.postgres.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0009_connections"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="infer",
            field=models.BooleanField(
                db_default=True,
                default=True,
                help_text="Whether what is stored is categorized, and turned into facts by a "
                "language model where there is one. Otherwise every text is stored as it was sent.",
            ),
        ),
        migrations.AddField(
            model_name="user",
            name="categories_not_kept",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=100),
                blank=True,
                db_default=[],
                default=list,
                help_text="A text of one of these categories is not stored.",
                size=50,
            ),
        ),
    ]
