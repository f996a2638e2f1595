"""Count rows by what they have in common: all of them, or, of a large table, those of a sample.

A sample is of whole pages of the table, picked at random, so that it costs the same at any size.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from django.db import connection

DAYS = 30
MOST_SHOWN = 8

# Bytes of a table that are read: about a hundred thousand memories, in a tenth of a second.
READ = 48 * 1024 * 1024
# A row of this one is a tenth of a memory.
READ_CATEGORIZATIONS = 8 * 1024 * 1024

MEMORIES = """
WITH seen AS MATERIALIZED (
    SELECT state, app_id, date_trunc('day', created_at AT TIME ZONE 'UTC')::date AS day
    FROM memories_memory {sample}
)
SELECT 'state', state, count(*) FROM seen GROUP BY state
UNION ALL
SELECT 'day', day::text, count(*) FROM seen
WHERE day > (now() AT TIME ZONE 'UTC')::date - %(days)s GROUP BY day
UNION ALL (
    SELECT 'app', app.name, sum(number)::bigint
    FROM (SELECT app_id, count(*) AS number FROM seen GROUP BY app_id) AS counted
    JOIN apps_registry_app AS app ON app.id = counted.app_id
    GROUP BY app.name ORDER BY 3 DESC, 2 LIMIT %(most)s
)
"""

CATEGORIES = """
SELECT 'category', category.name, counted.number
FROM (
    SELECT category_id, count(*) AS number FROM memories_categorization {sample}
    GROUP BY category_id ORDER BY 2 DESC LIMIT %(most)s
) AS counted
JOIN memories_category AS category ON category.id = counted.category_id
ORDER BY 3 DESC, 2
"""


@dataclass(frozen=True)
class Counts:
    """How many memories there are by `state`, `day`, `app` and `category`.

    Where it is not `exact`, all are estimates.
    """

    by: dict[str, dict[str, int]]
    exact: bool

    def of(self, what: str) -> dict[str, int]:
        return self.by.get(what, {})


def counts() -> Counts:
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    exact = True
    for statement, table, read in (
        (MEMORIES, "memories_memory", READ),
        (CATEGORIES, "memories_categorization", READ_CATEGORIZATIONS),
    ):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_relation_size(%s::regclass)", [table])
            share = min(1.0, read / max(1, cursor.fetchone()[0]))
            sample = "" if share == 1 else f"TABLESAMPLE SYSTEM ({100 * share:.6f})"
            parameters = {"days": DAYS, "most": MOST_SHOWN}
            cursor.execute(statement.format(sample=sample), parameters)
            for what, name, number in cursor.fetchall():
                found[what][name] = round(number / share)
        exact = exact and share == 1
    return Counts(dict(found), exact)
