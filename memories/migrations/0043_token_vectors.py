import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """Add the vectors of tokens. A job makes those of the memories that are there.

    They are deleted with their embedding by the database, as imports and edits delete embeddings
    in SQL. They stay in their rows, not beside the table as PostgreSQL stores values beyond 2 KB:
    a search reads those of a hundred memories.
    """

    dependencies = [("memories", "0042_log_lines_by_end")]

    operations = [
        migrations.CreateModel(
            name="TokenVectors",
            fields=[
                (
                    "embedding",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="tokens",
                        serialize=False,
                        to="memories.embedding",
                    ),
                ),
                ("version", models.PositiveSmallIntegerField(help_text="Of what made them.")),
                (
                    "vectors",
                    models.BinaryField(
                        help_text="Unit vectors, one after another, a byte a number."
                    ),
                ),
            ],
        ),
        migrations.RunSQL(
            """
            ALTER TABLE memories_tokenvectors
                ALTER COLUMN vectors SET STORAGE PLAIN,
                ADD CONSTRAINT tokens_of_embedding FOREIGN KEY (embedding_id)
                    REFERENCES memories_embedding (id) ON DELETE CASCADE
                    DEFERRABLE INITIALLY DEFERRED
            """,
            migrations.RunSQL.noop,
        ),
    ]
