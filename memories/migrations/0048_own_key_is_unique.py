from django.db import migrations, models
from django.db.models import Q

CREATE = """
CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS memory_has_its_own_key
ON memories_memory (user_id, namespace, own_key) WHERE NOT (own_key = '')
"""


class Migration(migrations.Migration):
    """Concurrently, which Django's AddConstraint is not: it would keep writers waiting."""

    atomic = False

    dependencies = [
        ("memories", "0047_memory_own_key"),
    ]

    operations = [
        migrations.RunSQL(
            CREATE,
            "DROP INDEX CONCURRENTLY IF EXISTS memory_has_its_own_key",
            state_operations=[
                migrations.AddConstraint(
                    model_name="memory",
                    constraint=models.UniqueConstraint(
                        condition=~Q(own_key=""),
                        fields=("user", "namespace", "own_key"),
                        name="memory_has_its_own_key",
                    ),
                ),
            ],
        ),
    ]
