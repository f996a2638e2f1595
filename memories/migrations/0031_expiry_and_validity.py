from django.contrib.postgres.operations import AddConstraintNotValid
from django.db import migrations, models
from django.db.models import F, Q

# As before, and with the terms.
TRIGGER = """
DROP TRIGGER raise_version ON memories_memory;
CREATE TRIGGER raise_version BEFORE UPDATE ON memories_memory FOR EACH ROW
WHEN (
    (OLD.updated_at, OLD.state, OLD.created_at, OLD.app_id, OLD.actor, OLD.conversation,
        OLD.expires_at, OLD.valid_from, OLD.valid_until, OLD.immutable,
        OLD.metadata, OLD.content)
    IS DISTINCT FROM
    (NEW.updated_at, NEW.state, NEW.created_at, NEW.app_id, NEW.actor, NEW.conversation,
        NEW.expires_at, NEW.valid_from, NEW.valid_until, NEW.immutable,
        NEW.metadata, NEW.content)
)
EXECUTE FUNCTION memories_raise_version()
"""
FORMER_TRIGGER = """
DROP TRIGGER raise_version ON memories_memory;
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
        ("memories", "0030_version"),
    ]

    operations = [
        migrations.AddField(
            model_name="memory",
            name="expires_at",
            field=models.DateTimeField(
                blank=True,
                help_text="From then on it is shown nowhere, and will be purged.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="memory",
            name="valid_from",
            field=models.DateTimeField(
                blank=True, help_text="What it says is true from then on.", null=True
            ),
        ),
        migrations.AddField(
            model_name="memory",
            name="valid_until",
            field=models.DateTimeField(
                blank=True,
                help_text="What it says is true until then, and no longer then.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="memory",
            name="immutable",
            field=models.BooleanField(
                db_default=False,
                default=False,
                help_text="Whether it can be neither edited nor superseded.",
            ),
        ),
        migrations.AddField(
            model_name="revision",
            name="terms",
            field=models.JSONField(
                blank=True,
                help_text="Which of expires_at, valid_from, valid_until and immutable the edit "
                "changed, as they were before.",
                null=True,
            ),
        ),
        # Without reading the table, in which no memory has these times yet.
        AddConstraintNotValid(
            model_name="memory",
            constraint=models.CheckConstraint(
                condition=Q(valid_until=None)
                | Q(valid_from=None)
                | Q(valid_until__gt=F("valid_from")),
                name="memory_is_valid_for_a_time",
            ),
        ),
        migrations.RunSQL(TRIGGER, FORMER_TRIGGER),
    ]
