"""Count memories by attribute: all of them, or a sample of a large table.

A sample consists of random pages of the table, so that its cost does not grow with the table.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from core import sql

DAYS = 30
MAX_SHOWN = 8

# Bytes of a table to read: about a hundred thousand memories, in a tenth of a second.
READ = 48 * 1024 * 1024
# Its rows are a tenth of the size, and the memory of each is looked up.
READ_CATEGORIZATIONS = 2 * 1024 * 1024

TABLE_SIZE = "SELECT pg_relation_size(%s::regclass)"

MEMORIES = """
WITH seen AS MATERIALIZED (
    SELECT state, app_id, date_trunc('day', created_at AT TIME ZONE 'UTC')::date AS day
    FROM memories_memory {sample}
)
SELECT 'state', state, count(*) FROM seen GROUP BY state
UNION ALL
SELECT 'day', day::text, count(*) FROM seen
WHERE day > (now() AT TIME ZONE 'UTC')::date - %(days)s AND state <> 'deleted' GROUP BY day
UNION ALL (
    SELECT 'app', app.name, sum(number)::bigint
    FROM (
        SELECT app_id, count(*) AS number FROM seen WHERE state <> 'deleted' GROUP BY app_id
    ) AS counted
    JOIN apps_registry_app AS app ON app.id = counted.app_id
    GROUP BY app.name ORDER BY 3 DESC, 2 LIMIT %(limit)s
)
"""

CATEGORIES = """
SELECT 'category', category.name, counted.number
FROM (
    SELECT category_id, count(*) AS number FROM memories_categorization AS given {sample}
    WHERE (SELECT state FROM memories_memory WHERE id = given.memory_id) <> 'deleted'
    GROUP BY category_id ORDER BY 2 DESC LIMIT %(limit)s
) AS counted
JOIN memories_category AS category ON category.id = counted.category_id
ORDER BY 3 DESC, 2
"""


@dataclass(frozen=True)
class SampleCounts:
    """Numbers of memories by `state`, `day`, `app` and `category`. Estimates, unless `exact`.

    Deleted ones are counted by state alone.
    """

    numbers: dict[str, dict[str, int]]
    exact: bool

    def by(self, attribute: str) -> dict[str, int]:
        return self.numbers.get(attribute, {})


def count_memories() -> SampleCounts:
    numbers: defaultdict[str, dict[str, int]] = defaultdict(dict)
    exact = True
    for statement, table, read in (
        (MEMORIES, "memories_memory", READ),
        (CATEGORIES, "memories_categorization", READ_CATEGORIZATIONS),
    ):
        share = min(1.0, read / max(1, sql.fetch_value(TABLE_SIZE, [table])))
        sample = "" if share == 1 else f"TABLESAMPLE SYSTEM ({100 * share:.6f})"
        parameters = {"days": DAYS, "limit": MAX_SHOWN}
        for attribute, name, number in sql.fetch_all(statement.format(sample=sample), parameters):
            numbers[attribute][name] = round(number / share)
        exact = exact and share == 1
    return SampleCounts(dict(numbers), exact)
