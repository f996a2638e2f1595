from django.db import migrations, models


class Migration(migrations.Migration):
    """Who said a memory, in which conversation, and in what order they arrived.

    Quick on a large table: constant defaults are kept in the catalogue, and no row is written
    anew. So `arrival` begins at a constant, and is counted from the next row on, also of those
    that servers of the version before still store.
    """

    dependencies = [("memories", "0015_memory_by_deletion")]

    operations = [
        migrations.AddField(
            model_name="memory",
            name="actor",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="Who said it; empty when that is unknown.",
                max_length=255,
            ),
        ),
        migrations.AddField(
            model_name="memory",
            name="conversation",
            field=models.CharField(
                blank=True,
                db_default="",
                default="",
                help_text="The conversation that it was said in; empty when none was named.",
                max_length=255,
            ),
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.AddField(
                    model_name="memory",
                    name="arrival",
                    field=models.BigIntegerField(
                        db_default=models.Func(
                            models.Value("memories_arrival"), function="nextval"
                        ),
                        editable=False,
                        help_text="Grows with each memory that arrives, and settles which of "
                        "several of one moment came first. 0 for those that arrived before this "
                        "was noted.",
                    ),
                )
            ],
            database_operations=[
                migrations.RunSQL(
                    """
                    ALTER TABLE memories_memory ADD COLUMN arrival bigint NOT NULL DEFAULT 0;
                    CREATE SEQUENCE memories_arrival OWNED BY memories_memory.arrival;
                    ALTER TABLE memories_memory
                        ALTER COLUMN arrival SET DEFAULT nextval('memories_arrival');
                    """,
                    "ALTER TABLE memories_memory DROP COLUMN arrival",
                )
            ],
        ),
    ]
