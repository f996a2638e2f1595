from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('mem0', '0004_expiry'),
    ]

    operations = [
        migrations.AddField(
            model_name='event',
            name='app_name',
            field=models.CharField(blank=True, db_default='', default='', help_text='Of the key, if any.', max_length=255),
        ),
    ]
