import uuid

import django.contrib.postgres.functions
import django.db.models.deletion
import django.db.models.functions.datetime
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

# For whatever adds a categorization: a request, an import, a merge, and the previous release, which
# goes on writing during the upgrade. Rows that are there are locked first: housekeeping, which
# removes those without memories, then waits and looks again. In the order of the index, so that
# two of them cannot deadlock.
NOTE = """
CREATE FUNCTION memories_note_user_category() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM memories_usercategory
    WHERE (user_id, category_id) IN (SELECT user_id, category_id FROM added)
    ORDER BY user_id, category_id FOR KEY SHARE;
    INSERT INTO memories_usercategory (user_id, category_id)
    SELECT DISTINCT user_id, category_id FROM added ORDER BY user_id, category_id
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$
"""
TRIGGER = """
CREATE TRIGGER note_user_category_on_{event} AFTER {event} ON memories_categorization
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION memories_note_user_category()
"""
DROP = "DROP TRIGGER note_user_category_on_{event} ON memories_categorization"


class Migration(migrations.Migration):

    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("memories", "0021_plain_help_texts"),
    ]

    operations = [
        migrations.CreateModel(
            name="UserCategory",
            fields=[
                ("id", models.UUIDField(db_default=django.contrib.postgres.functions.RandomUUID(), default=uuid.uuid4, editable=False, primary_key=True, serialize=False)),
                ("own_description", models.TextField(blank=True, help_text="From the user's archive; null where it is that of the category.", null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ("updated_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now(), default=django.utils.timezone.now)),
                ("category", models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name="+", to="memories.category")),
                ("user", models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.CASCADE, related_name="+", to=settings.AUTH_USER_MODEL)),
            ],
            options={
                "verbose_name_plural": "user categories",
                "constraints": [models.UniqueConstraint(fields=("user", "category"), name="category_once_per_user")],
            },
        ),
        migrations.AlterField(
            model_name="category",
            name="description",
            field=models.TextField(blank=True, help_text="What belongs here, in a sentence. Shown to all users."),
        ),
        migrations.RunSQL(NOTE, "DROP FUNCTION memories_note_user_category()"),
        migrations.RunSQL(TRIGGER.format(event="insert"), DROP.format(event="insert")),
        migrations.RunSQL(TRIGGER.format(event="update"), DROP.format(event="update")),
    ]
