from pathlib import Path

import django.db.models.deletion
from django.conf import settings
from django.db import connection, migrations, models, transaction

CREATE = Path(__file__).with_suffix(".sql").read_text()
DROP = """
DROP TRIGGER log_deleted ON memories_categorization;
DROP TRIGGER log_updated ON memories_categorization;
DROP TRIGGER log_inserted ON memories_categorization;
DROP TRIGGER log_deleted ON memories_memory;
DROP TRIGGER log_updated ON memories_memory;
DROP TRIGGER log_inserted ON memories_memory;
DROP TABLE memories_unlogged;
DROP FUNCTION memories_log_categorization();
DROP FUNCTION memories_log_updated();
DROP FUNCTION memories_log_deleted();
DROP FUNCTION memories_log_inserted();
DROP FUNCTION memories_write_log();
DROP FUNCTION memories_line_hash(memories_logline);
DROP FUNCTION memories_content_hash(bytea, jsonb);
DROP FUNCTION memories_snapshot(memories_memory);
DROP TRIGGER keep_log ON memories_logline;
DROP TRIGGER keep_log ON memories_logchain;
DROP FUNCTION memories_keep_log();
"""

# In steps, as writers of the same user wait for each. Memories that change meanwhile have a line.
STEP = """
WITH next AS (
    SELECT id, user_id FROM memories_memory WHERE id > %s ORDER BY id LIMIT 5000
), noted AS (
    INSERT INTO memories_unlogged (memory_id, user_id, is_new, is_first)
    SELECT id, user_id, false, row_number() OVER (ORDER BY id) = 1 FROM next
)
SELECT max(id::text)::uuid FROM next
"""


def log_known_memories(apps, schema_editor):
    last = "00000000-0000-0000-0000-000000000000"
    while last:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(STEP, [last])
            [last] = cursor.fetchone()


class Migration(migrations.Migration):
    # Each step of the last operation is a transaction.
    atomic = False

    dependencies = [
        ('accounts', '0005_kept_answer'),
        ('apps_registry', '0004_plain_help_texts'),
        ('memories', '0033_words_of_every_script'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='LogLine',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('sequence', models.BigIntegerField(help_text='Counts the lines of a user without a gap.')),
                ('at', models.DateTimeField(help_text='When it was written, just before the change was visible.')),
                ('kind', models.CharField(choices=[('known', 'known when the log began'), ('stored', 'Stored'), ('revised', 'Revised'), ('state', 'state changed'), ('superseded', 'Superseded'), ('categories', 'categories changed'), ('metadata', 'metadata changed'), ('purged', 'Purged'), ('erased', 'Erased')], max_length=10)),
                ('memory_id', models.UUIDField()),
                ('last_state_change', models.BigIntegerField(default=0)),
                ('last_revision', models.BigIntegerField(default=0)),
                ('salt', models.BinaryField(help_text='16 random bytes, until the memory is purged.', null=True)),
                ('snapshot', models.JSONField(help_text='The memory after the change, until it is purged.', null=True)),
                ('said_at', models.DateTimeField(help_text="When the memory was said, as in the snapshot.", null=True)),
                ('until', models.DateTimeField(help_text="When the next line about the memory was written.", null=True)),
                ('content_hash', models.BinaryField(help_text='SHA-256 of the salt and the snapshot.')),
                ('previous_hash', models.BinaryField(help_text='The hash of the line before; zeros at first.')),
                ('hash', models.BinaryField(help_text='SHA-256 of this line, but for its content and salt.')),
                ('app', models.ForeignKey(db_constraint=False, db_index=False, help_text='The app that changed it.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='apps_registry.app')),
                ('by', models.ForeignKey(db_constraint=False, db_index=False, help_text='Who changed it; empty for the server, and where it is unknown.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('key', models.ForeignKey(db_constraint=False, db_index=False, help_text='The key of the request.', null=True, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to='accounts.apikey')),
                ('user', models.ForeignKey(db_constraint=False, db_index=False, on_delete=django.db.models.deletion.DO_NOTHING, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'ordering': ['user', 'sequence'],
                'indexes': [
                    models.Index(fields=['memory_id', 'sequence'], name='log_line_by_memory'),
                    models.Index('user', models.OrderBy(models.F('said_at'), descending=True), 'memory_id', condition=models.Q(said_at__isnull=False), name='log_line_newest_first'),
                ],
                'constraints': [models.UniqueConstraint(fields=('user', 'sequence'), name='log_line_of_user_once')],
            },
        ),
        migrations.CreateModel(
            name='LogChain',
            fields=[
                ('user', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.DO_NOTHING, primary_key=True, related_name='+', serialize=False, to=settings.AUTH_USER_MODEL)),
                ('sequence', models.BigIntegerField(help_text='Of the last line.')),
                ('hash', models.BinaryField(help_text='Of the last line.')),
                ('at', models.DateTimeField(help_text='When the last line was written.')),
            ],
        ),
        migrations.RunSQL(CREATE, DROP),
        migrations.RunPython(log_known_memories, migrations.RunPython.noop),
    ]
