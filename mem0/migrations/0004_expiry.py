from pathlib import Path

from django.db import migrations, models

CREATE = Path(__file__).with_suffix(".sql").read_text()
FORMER = Path(__file__).with_name("0002_outbox.sql").read_text()
DROP = "DROP FUNCTION mem0_tell_of_expired(); DROP FUNCTION mem0_is_shown(jsonb, timestamptz);"


def _function(name):
    """A function, as it was before."""
    begin = FORMER.index(f"CREATE FUNCTION {name}(")
    end = FORMER.index("\n$$;", begin)
    return FORMER[begin:end].replace("CREATE", "CREATE OR REPLACE", 1) + "\n$$;\n"


class Migration(migrations.Migration):

    dependencies = [
        ('mem0', '0003_exports_and_profiles'),
        ('memories', '0046_former_tokens'),
    ]

    operations = [
        migrations.CreateModel(
            name='ToldExpiry',
            fields=[
                ('id', models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ('until', models.DateTimeField()),
            ],
            options={'verbose_name_plural': 'told expiries'},
        ),
        migrations.RunSQL(
            CREATE,
            _function("mem0_tell_of_line") + _function("mem0_tell_of_removed") + DROP,
        ),
    ]
