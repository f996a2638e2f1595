from django.db import migrations, models

import accounts.models.user


class Migration(migrations.Migration):

    dependencies = [
        ("accounts", "0005_kept_answer"),
    ]

    operations = [
        migrations.AddField(
            model_name="user",
            name="time_zone",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The time zone of this user, such as Europe/Berlin: what `yesterday` "
                "means in a search. UTC if empty.",
                max_length=64,
                validators=[accounts.models.user.validate_time_zone],
            ),
        ),
    ]
