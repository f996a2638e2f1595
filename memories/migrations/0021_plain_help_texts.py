import django.contrib.postgres.search
import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import pgvector.django.halfvec
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('memories', '0020_memory_newest_of_all'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name='access',
            name='access_type',
            field=models.CharField(help_text='The kind of access, such as `search`.', max_length=16),
        ),
        migrations.AlterField(
            model_name='archivepolicy',
            name='app_name',
            field=models.CharField(blank=True, help_text='The app that stored them; any app if empty.', max_length=255),
        ),
        migrations.AlterField(
            model_name='archivepolicy',
            name='archived',
            field=models.PositiveBigIntegerField(default=0, editable=False, help_text='Memories archived so far.'),
        ),
        migrations.AlterField(
            model_name='archivepolicy',
            name='category',
            field=models.ForeignKey(blank=True, db_index=False, help_text='The category that they are in; any category if empty.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='archive_policies', to='memories.category'),
        ),
        migrations.AlterField(
            model_name='archivepolicy',
            name='days',
            field=models.PositiveIntegerField(help_text='Days without a change after which a memory is archived.', validators=[django.core.validators.MinValueValidator(1), django.core.validators.MaxValueValidator(36500)]),
        ),
        migrations.AlterField(
            model_name='archivepolicy',
            name='followed_at',
            field=models.DateTimeField(editable=False, help_text='When it was last applied completely.', null=True),
        ),
        migrations.AlterField(
            model_name='archivepolicy',
            name='is_active',
            field=models.BooleanField(default=True, help_text='Whether it is applied.'),
        ),
        migrations.AlterField(
            model_name='archivepolicy',
            name='made_by',
            field=models.ForeignKey(blank=True, db_index=False, editable=False, help_text='The operator recorded as the one who archives.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='archivepolicy',
            name='user',
            field=models.ForeignKey(blank=True, db_index=False, help_text='The user whose memories it archives; all users if empty.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='archive_policies', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AlterField(
            model_name='category',
            name='merged_into',
            field=models.ForeignKey(blank=True, help_text='The category that this one was merged into, and that gets its new memories.', null=True, on_delete=django.db.models.deletion.CASCADE, related_name='former_names', to='memories.category'),
        ),
        migrations.AlterField(
            model_name='embedding',
            name='vector',
            field=pgvector.django.halfvec.HalfVectorField(help_text='A unit vector with the dimensions of the space.'),
        ),
        migrations.AlterField(
            model_name='embeddingspace',
            name='comparison',
            field=models.JSONField(blank=True, help_text='How similar its results are to those of the current space.', null=True),
        ),
        migrations.AlterField(
            model_name='embeddingspace',
            name='reach',
            field=models.JSONField(blank=True, default=dict, help_text='The connection to its model, kept for when another model is configured. A key is encrypted.'),
        ),
        migrations.AlterField(
            model_name='memory',
            name='actor',
            field=models.CharField(blank=True, db_default='', default='', help_text='Who said it; empty if unknown.', max_length=255),
        ),
        migrations.AlterField(
            model_name='memory',
            name='arrival',
            field=models.BigIntegerField(db_default=models.Func(models.Value('memories_arrival'), function='nextval'), editable=False, help_text='Grows with each stored memory, and orders those of the same moment. 0 for memories stored before this field existed.'),
        ),
        migrations.AlterField(
            model_name='memory',
            name='content',
            field=models.TextField(help_text='The text of the memory, as it was sent.'),
        ),
        migrations.AlterField(
            model_name='memory',
            name='conversation',
            field=models.CharField(blank=True, db_default='', default='', help_text='The conversation that it is from; empty if none was given.', max_length=255),
        ),
        migrations.AlterField(
            model_name='memory',
            name='created_at',
            field=models.DateTimeField(default=django.utils.timezone.now, help_text='When it was said, which may be before it was stored.'),
        ),
        migrations.AlterField(
            model_name='memory',
            name='fingerprint',
            field=models.BinaryField(help_text='SHA-256 of the text, ignoring case and spacing.', max_length=32),
        ),
        migrations.AlterField(
            model_name='memory',
            name='metadata',
            field=models.JSONField(blank=True, default=dict, help_text='Key-value pairs of the app.'),
        ),
        migrations.AlterField(
            model_name='memory',
            name='superseded_by',
            field=models.ForeignKey(blank=True, db_index=False, help_text='The memory that replaces it.', null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='supersedes', to='memories.memory'),
        ),
        migrations.AlterField(
            model_name='memory',
            name='words',
            field=django.contrib.postgres.search.SearchVectorField(help_text='The English lexemes for keyword search.'),
        ),
        migrations.AlterField(
            model_name='revision',
            name='content',
            field=models.TextField(help_text='The text before the edit.'),
        ),
        migrations.AlterField(
            model_name='statechange',
            name='old_state',
            field=models.CharField(blank=True, choices=[('active', 'Active'), ('paused', 'Paused'), ('archived', 'Archived'), ('deleted', 'Deleted')], help_text='Empty for the creation.', max_length=8),
        ),
        migrations.AlterField(
            model_name='userindex',
            name='common_words',
            field=models.JSONField(help_text='The document frequencies of the common lexemes in those memories.'),
        ),
        migrations.AlterField(
            model_name='userindex',
            name='memories',
            field=models.PositiveIntegerField(help_text='Memories of the user when they were last counted.'),
        ),
    ]
