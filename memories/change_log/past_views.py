"""Views that show the memories of one user as they were at a line of the log.

Each has the name and the columns of a table, in a schema of its own. A transaction that puts this
schema first in its `search_path` reads the past with the very statements that read the present: see
as_of.py. They are made anew after each migration, as columns may have changed, and dropped before.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from core.sql import execute, fetch_column, fetch_value

SCHEMA = "memories_as_of"

# What a transaction that reads the past sets.
OWNER = "current_setting('openmemory.as_of_user')::uuid"
LINE = "current_setting('openmemory.as_of_line')::bigint"

# The memories that have changed since. All others are as they are in their table.
CHANGED = f"""
    SELECT memory_id FROM {{public}}.memories_logline
    WHERE user_id = {OWNER} AND sequence > {LINE} AND memory_id IS NOT NULL
"""  # noqa: S608 - constants
UNCHANGED = """
    NOT EXISTS (SELECT FROM ({changed}) AS later WHERE later.memory_id = {row})
"""
# The lines that held then, of the memories that have changed since.
HELD = f"""
    (SELECT DISTINCT memory_id FROM ({{changed}}) AS later) AS changed
    CROSS JOIN LATERAL (
        SELECT * FROM {{public}}.memories_logline AS known
        WHERE known.memory_id = changed.memory_id AND known.sequence <= {LINE}
            AND known.user_id = {OWNER}
        ORDER BY known.sequence DESC LIMIT 1
    ) AS line
"""  # noqa: S608 - constants

# The columns of a memory that a line keeps. What it does not keep never changes, or is not shown.
KEPT = {
    "content": "line.snapshot ->> 'content'",
    "metadata": "line.snapshot -> 'metadata'",
    "state": "(line.snapshot ->> 'state')::varchar(8)",
    "superseded_by_id": "(SELECT id FROM {public}.memories_memory"
    " WHERE id = (line.snapshot ->> 'superseded_by')::uuid)",
    "app_id": "(line.snapshot ->> 'app')::uuid",
    "actor": "line.snapshot ->> 'actor'",
    "conversation": "line.snapshot ->> 'conversation'",
    "created_at": "line.said_at",
    "expires_at": "to_timestamp((line.snapshot ->> 'expires_at')::float8)",
    "valid_from": "to_timestamp((line.snapshot ->> 'valid_from')::float8)",
    "valid_until": "to_timestamp((line.snapshot ->> 'valid_until')::float8)",
    "immutable": "(line.snapshot ->> 'immutable')::boolean",
    "words": f"""coalesce((
        SELECT former.words FROM {{public}}.memories_formerwords AS former
        WHERE former.memory_id = line.memory_id AND former.sequence > {LINE}
        ORDER BY former.sequence LIMIT 1
    ), present.words)""",  # noqa: S608 - constants
}

MEMORIES = """
SELECT {present_columns} FROM {public}.memories_memory AS present
WHERE present.user_id = {owner} AND {unchanged}
UNION ALL
SELECT {kept_columns} FROM {held}
JOIN {public}.memories_memory AS present ON present.id = changed.memory_id
WHERE line.snapshot IS NOT NULL
"""
CATEGORIZATIONS = """
SELECT {present_columns} FROM {public}.memories_categorization AS present
WHERE present.user_id = {owner} AND {unchanged}
UNION ALL
SELECT {kept_columns} FROM {held}
CROSS JOIN LATERAL jsonb_array_elements_text(line.snapshot -> 'categories') AS category (id)
"""
# The first text that was replaced since is that of then; its vectors are those of the text.
EMBEDDINGS = """
SELECT {present_columns} FROM {public}.memories_embedding AS present
WHERE present.user_id = {owner} AND NOT EXISTS (
    SELECT FROM {public}.memories_formerwords AS former
    WHERE former.user_id = {owner} AND former.sequence > {line} AND former.is_new_text
        AND former.memory_id = present.memory_id
)
UNION ALL
SELECT {kept_columns} FROM (
    SELECT DISTINCT ON (memory_id) * FROM {public}.memories_formerwords
    WHERE user_id = {owner} AND sequence > {line} AND is_new_text
    ORDER BY memory_id, sequence
) AS former
JOIN {public}.memories_formervector AS kept
    ON kept.memory_id = former.memory_id AND kept.sequence = former.sequence
"""
CATEGORIES = """
SELECT {kept_columns} FROM {public}.memories_category AS present
"""
FORMER_NAME = f"""coalesce((
    SELECT line.snapshot ->> 'former_name' FROM {{public}}.memories_logline AS line
    WHERE line.user_id = {OWNER} AND line.sequence > {LINE} AND line.memory_id IS NULL
        AND line.kind = 'renamed' AND line.snapshot ->> 'category' = present.id::text
    ORDER BY line.sequence LIMIT 1
), present.name)::varchar"""  # noqa: S608 - constants

# The statement of each view, the column with the id of a memory, and the columns that differ.
VIEWS: dict[str, tuple[str, str, dict[str, str]]] = {
    "memories_memory": (MEMORIES, "id", KEPT),
    "memories_categorization": (
        CATEGORIZATIONS,
        "memory_id",
        {
            "id": "NULL::bigint",
            "memory_id": "line.memory_id",
            "category_id": "category.id::uuid",
            "user_id": "line.user_id",
        },
    ),
    "memories_embedding": (
        EMBEDDINGS,
        "memory_id",
        {
            "id": "kept.id",
            "memory_id": "kept.memory_id",
            "space_id": "kept.space_id",
            "user_id": "kept.user_id",
            "vector": "kept.vector",
        },
    ),
    "memories_category": (CATEGORIES, "id", {"name": FORMER_NAME}),
}

COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""


def drop_views(**signal: Any) -> None:
    """Let a migration change the columns that the views show."""
    if signal.get("plan", True) and connection.vendor == "postgresql":
        execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def make_views(**signal: Any) -> None:
    """Make the views, unless a migration has taken away what they read."""
    if not signal.get("plan", True) or connection.vendor != "postgresql":
        return
    public = fetch_value("SELECT current_schema()")
    if fetch_value("SELECT to_regclass('memories_formerwords') IS NULL"):
        return
    execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    execute(f"CREATE SCHEMA {SCHEMA}")
    for name in VIEWS:
        execute(f"CREATE VIEW {SCHEMA}.{name} AS {_statement(name, public)}")


def _statement(name: str, public: str) -> str:
    statement, row, kept = VIEWS[name]
    columns = fetch_column(COLUMNS, [name])
    present_columns = [f"present.{column}" for column in columns]
    kept_columns = [f"{kept.get(column, f'present.{column}')} AS {column}" for column in columns]
    changed = CHANGED.format(public=public)
    return statement.format(
        present_columns=", ".join(present_columns),
        kept_columns=", ".join(kept_columns).format(public=public),
        unchanged=UNCHANGED.format(changed=changed, row=f"present.{row}"),
        held=HELD.format(changed=changed, public=public),
        owner=OWNER,
        line=LINE,
        public=public,
    )
