from django.contrib.postgres.search import SearchVectorField
from django.db import migrations, models

# For lists that search for a part of a content: without case, accents, width and what is invisible.
# Contents in ASCII, which are most, cost no more than to make them lower-case.
FOLD = r"""
CREATE FUNCTION memories_fold(value text) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$
SELECT CASE WHEN octet_length(value) = char_length(value) THEN lower(value)
ELSE translate(
    replace(replace(replace(
        normalize(
            regexp_replace(
                normalize(lower(normalize(value, NFKC)), NFD),
                '[\u00ad\u0300-\u036f\u0591-\u05c7\u0610-\u061a\u064b-\u065f\u0670'
                    '\u200b-\u200f\u2060\ufe00-\ufe0f\ufeff]',
                '', 'g'
            ),
            NFC
        ), U&'\00DF', 'ss'), U&'\00E6', 'ae'), U&'\0153', 'oe'),
    U&'\00F8\0111\00F0\0142\0131\0127\014B\03C2', U&'oddlihn\03C3'
) END
$$
"""


class Migration(migrations.Migration):

    dependencies = [
        ("memories", "0032_memory_by_expiry"),
    ]

    operations = [
        # 0 for what is there, and for what the previous release stores during the upgrade: a job
        # finds their words again.
        migrations.AddField(
            model_name="memory",
            name="words_version",
            field=models.PositiveSmallIntegerField(
                db_default=0,
                default=1,
                editable=False,
                help_text="The version of the analyser that found its lexemes.",
            ),
        ),
        migrations.AlterField(
            model_name="memory",
            name="words",
            field=SearchVectorField(help_text="The lexemes for keyword search."),
        ),
        migrations.RunSQL(FOLD, "DROP FUNCTION memories_fold(text)"),
    ]
