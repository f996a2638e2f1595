from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

CREATE = Path(__file__).with_suffix(".sql").read_text()
DROP = """
DROP TRIGGER mem0_tell ON memories_memory;
DROP TRIGGER mem0_tell ON memories_logline;
DROP FUNCTION mem0_tell_of_removed();
DROP FUNCTION mem0_tell_of_line();
DROP FUNCTION mem0_tell(uuid, uuid, text[], timestamptz);
DROP FUNCTION mem0_enqueue_delivery(uuid, uuid);
DROP FUNCTION mem0_has_listeners();
"""


class Migration(migrations.Migration):

    dependencies = [
        ('jobs', '0008_plain_help_texts'),
        ('mem0', '0001_clients'),
        ('memories', '0046_former_tokens'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        # Two steps, so that the way back finds a column that may be empty.
        migrations.AlterField(
            model_name='delivery',
            name='event',
            field=models.ForeignKey(null=True, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='mem0.event'),
        ),
        migrations.RemoveField(model_name='delivery', name='event'),
        migrations.AddField(
            model_name='delivery',
            name='job',
            field=models.UUIDField(help_text='The job that sends it.', null=True),
        ),
        migrations.AddField(
            model_name='delivery',
            name='user',
            field=models.ForeignKey(db_constraint=False, help_text='Whose memory it is. Empty where they are erased, which is told as well.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='delivery',
            name='webhook',
            field=models.ForeignKey(db_constraint=False, on_delete=django.db.models.deletion.CASCADE, related_name='deliveries', to='mem0.webhook'),
        ),
        migrations.AddIndex(
            model_name='delivery',
            index=models.Index(fields=['job'], name='mem0_delivery_by_job'),
        ),
        migrations.RunSQL(CREATE, DROP),
    ]
