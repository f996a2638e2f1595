"""Views that show the memories of one user as they were at a line of the log.

Each has the name and the columns of a table, in a schema of its own. A transaction that puts this
schema first in its `search_path` reads the past with the very statements that read the present: see
as_of.py. They are made anew after each migration, as columns may have changed, and dropped before.
"""

from __future__ import annotations

from typing import Any

from django.db import connection

from core.sql import execute, fetch_all, fetch_value

SCHEMA = "memories_as_of"

# What a transaction that reads the past sets.
OWNER = "current_setting('openmemory.as_of_user')::uuid"
LINE = "current_setting('openmemory.as_of_line')::bigint"

MOMENT = "current_setting('openmemory.as_of_moment')::timestamptz"

# A memory without a later line is as it is in its table. The others are hashed once per statement:
# of a join, PostgreSQL would expect no rows, and sort all memories for a page of a list.
UNCHANGED = f"""
    {{row}} NOT IN (
        SELECT later.memory_id FROM {{public}}.memories_logline AS later
        WHERE later.user_id = {OWNER} AND later.sequence > {LINE} AND later.memory_id IS NOT NULL
    )
"""  # noqa: S608 - constants
# The lines that held then and hold no more. Each condition on them has an index.
HELD = f"""
    line.user_id = {OWNER} AND line.sequence <= {LINE} AND line.until > {MOMENT}
    AND line.snapshot IS NOT NULL
"""

# The columns of a memory that a line keeps. What it does not keep never changes, or is not shown.
KEPT = {
    "content": "line.snapshot ->> 'content'",
    "metadata": "line.snapshot -> 'metadata'",
    "state": "(line.snapshot ->> 'state')::varchar(8)",
    "superseded_by_id": "(line.snapshot ->> 'superseded_by')::uuid",
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
SELECT {kept_columns} FROM {public}.memories_logline AS line
JOIN {public}.memories_memory AS present ON present.id = line.memory_id
WHERE {held}
"""
CATEGORIZATIONS = """
SELECT {present_columns} FROM {public}.memories_categorization AS present
WHERE present.user_id = {owner} AND {unchanged}
UNION ALL
SELECT {kept_columns} FROM {public}.memories_logline AS line
CROSS JOIN LATERAL jsonb_array_elements_text(line.snapshot -> 'categories') AS category (id)
WHERE {held}
"""
# The first text that was replaced since is that of then; its vectors are those of the text.
EMBEDDINGS = """
SELECT {present_columns} FROM {public}.memories_embedding AS present
WHERE present.user_id = {owner} AND present.memory_id NOT IN (
    SELECT former.memory_id FROM {public}.memories_formerwords AS former
    WHERE former.user_id = {owner} AND former.sequence > {line} AND former.is_new_text
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
TOKENS = """
SELECT {present_columns} FROM {public}.memories_tokenvectors AS present
UNION ALL
SELECT {kept_columns} FROM {public}.memories_formervector AS kept
WHERE kept.user_id = {owner} AND kept.tokens IS NOT NULL
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
            # No id of another one.
            "id": "-kept.id",
            "memory_id": "kept.memory_id",
            "space_id": "kept.space_id",
            "user_id": "kept.user_id",
            "vector": "kept.vector",
        },
    ),
    "memories_tokenvectors": (
        TOKENS,
        "embedding_id",
        {"embedding_id": "-kept.id", "version": "kept.token_version", "vectors": "kept.tokens"},
    ),
    "memories_category": (CATEGORIES, "id", {"name": FORMER_NAME}),
}

# Whether a migration has taken away what the views read.
IS_MISSING = """
SELECT NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass('memories_formervector') AND attname = 'tokens'
)
"""
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
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
    if fetch_value(IS_MISSING):
        return
    execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")
    execute(f"CREATE SCHEMA {SCHEMA}")
    for name in VIEWS:
        execute(f"CREATE VIEW {SCHEMA}.{name} AS {_statement(name, public)}")


def _statement(name: str, public: str) -> str:
    statement, row, kept = VIEWS[name]
    columns = fetch_all(COLUMNS, [name])
    present_columns = [f"present.{column}" for column, _ in columns]
    # Of the very same types: else PostgreSQL would sort all rows for those of one page.
    kept_columns = [
        f"({kept.get(column, f'present.{column}')})::{kind} AS {column}" for column, kind in columns
    ]
    return statement.format(
        present_columns=", ".join(present_columns),
        kept_columns=", ".join(kept_columns).format(public=public),
        unchanged=UNCHANGED.format(public=public, row=f"present.{row}"),
        held=HELD,
        owner=OWNER,
        line=LINE,
        public=public,
    )
