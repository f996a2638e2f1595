from django.db import migrations, models

# Whoever changes a memory raises its version: a request, a job, an import, and the previous release
# during the upgrade. Links to other memories are not part of it, as an app may not know of them.
RAISE = """
CREATE FUNCTION memories_raise_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := OLD.version + 1;
    RETURN NEW;
END
$$
"""
TRIGGER = """
CREATE TRIGGER raise_version BEFORE UPDATE ON memories_memory FOR EACH ROW
WHEN (
    (OLD.updated_at, OLD.state, OLD.created_at, OLD.app_id, OLD.actor, OLD.conversation,
        OLD.metadata, OLD.content)
    IS DISTINCT FROM
    (NEW.updated_at, NEW.state, NEW.created_at, NEW.app_id, NEW.actor, NEW.conversation,
        NEW.metadata, NEW.content)
)
EXECUTE FUNCTION memories_raise_version()
"""


class Migration(migrations.Migration):

    dependencies = [
        ("memories", "0029_what_superseded"),
    ]

    operations = [
        migrations.AddField(
            model_name="memory",
            name="version",
            field=models.BigIntegerField(
                db_default=1,
                default=1,
                editable=False,
                help_text="Raised by the database with each change.",
            ),
        ),
        migrations.RunSQL(RAISE, "DROP FUNCTION memories_raise_version()"),
        migrations.RunSQL(TRIGGER, "DROP TRIGGER raise_version ON memories_memory"),
    ]
