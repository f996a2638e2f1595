"""Views that show the memories of one user as they were at a line of the log.

Each has the name and the columns of a table, in a schema of its own. A transaction that puts such
schemas first in its `search_path` reads the past with the very statements that read the present:
see as_of.py. PostgreSQL passes no order and no limit on to the parts of a union, nor can it count
one by an index: so there are also views of the two parts alone.
"""

from __future__ import annotations

from typing import Any

from django.db import connection, transaction
from django.db.migrations.operations import (
    AlterField,
    AlterModelTable,
    DeleteModel,
    RemoveField,
    RenameField,
    RenameModel,
)

from core.locks import Lock, lock_transaction
from core.sql import execute, fetch_all, fetch_value

# All memories of then; those that have not changed since; the others; and the names of categories,
# for where any has been renamed since: PostgreSQL plans worse with a view.
SCHEMA = "memories_as_of"
UNCHANGED_SCHEMA = "memories_unchanged"
UNCHANGED_VECTORS_SCHEMA = "memories_unchanged_vectors"
HELD_SCHEMA = "memories_held"
FEW_SCHEMA = "memories_as_of_few"  # all of then, for statements about few of them
NAMES_SCHEMA = "memories_former_names"

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
# The same for few memories: looked up for each, in place of hashing all that have changed since.
UNCHANGED_EACH = f"""
    NOT EXISTS (
        SELECT FROM {{public}}.memories_logline AS later
        WHERE later.memory_id = {{row}} AND later.sequence > {LINE} OFFSET 0
    )
"""
# The lines that held then and hold no more. Each condition on them has an index.
HELD = f"""
    line.user_id = {OWNER} AND line.sequence <= {LINE} AND line.until > {MOMENT}
    AND line.snapshot IS NOT NULL
"""

# The columns of a memory that a line keeps. What it does not keep never changes, or is not shown.
# A column whose value lines have from some release on, but only where it is not empty. A line from
# before has none, until one that was written in the upgrade says which it was.
SOMETIMES_KEPT = """coalesce(line.snapshot ->> '{column}', (
        SELECT later.snapshot ->> '{column}' FROM {{public}}.memories_logline AS later
        WHERE later.memory_id = line.memory_id AND later.sequence > line.sequence
            AND later.kind = 'known' AND later.snapshot ? '{column}'
        ORDER BY later.sequence LIMIT 1
    ), '')"""
KEPT = {
    "id": "line.memory_id",
    "user_id": "line.user_id",
    "content": "line.snapshot ->> 'content'",
    "metadata": "line.snapshot -> 'metadata'",
    "state": "(line.snapshot ->> 'state')::varchar(8)",
    "superseded_by_id": "(line.snapshot ->> 'superseded_by')::uuid",
    "app_id": "(line.snapshot ->> 'app')::uuid",
    "actor": "line.snapshot ->> 'actor'",
    "conversation": "line.snapshot ->> 'conversation'",
    "agent_id": SOMETIMES_KEPT.format(column="agent_id"),
    "namespace": SOMETIMES_KEPT.format(column="namespace"),
    "own_key": SOMETIMES_KEPT.format(column="own_key"),
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
KEPT_CATEGORIZATION = {
    "id": "NULL::bigint",
    "memory_id": "line.memory_id",
    "category_id": "category.id::uuid",
    "user_id": "line.user_id",
}
# No ids of other ones.
KEPT_EMBEDDING = {
    "id": "kept.id * -1",
    "memory_id": "kept.memory_id",
    "space_id": "kept.space_id",
    "user_id": "kept.user_id",
    "vector": "kept.vector",
}
KEPT_TOKENS = {
    "embedding_id": "kept.id * -1",
    "version": "kept.token_version",
    "vectors": "kept.tokens",
}
FORMER_NAME = {"name": "(line.snapshot ->> 'former_name')"}

UNCHANGED_MEMORIES = """
SELECT {present_columns} FROM {public}.memories_memory AS present
WHERE present.user_id = {owner} AND {unchanged}
"""
# Whatever has a snapshot has a row, too. PostgreSQL leaves a left join out where nothing needs it.
HELD_MEMORIES = """
SELECT {kept_columns} FROM {public}.memories_logline AS line
LEFT JOIN {public}.memories_memory AS present ON present.id = line.memory_id
WHERE {held}
"""
UNCHANGED_CATEGORIZATIONS = """
SELECT {present_columns} FROM {public}.memories_categorization AS present
WHERE present.user_id = {owner} AND {unchanged}
"""
HELD_CATEGORIZATIONS = """
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
ALL_MEMORIES = f"{UNCHANGED_MEMORIES} UNION ALL {HELD_MEMORIES}"
ALL_CATEGORIZATIONS = f"{UNCHANGED_CATEGORIZATIONS} UNION ALL {HELD_CATEGORIZATIONS}"
# For statements that find memories by their vectors: that a memory has not changed since is a
# condition on these, as PostgreSQL expects one on the joined memory to cost as much for each.
UNCHANGED_EMBEDDINGS = """
SELECT {present_columns} FROM {public}.memories_embedding AS present
WHERE present.user_id = {owner} AND {unchanged}
"""
# Those of what has changed since, each looked up: `OFFSET 0` keeps PostgreSQL from reading all.
HELD_EMBEDDINGS = EMBEDDINGS.replace(
    "FROM {public}.memories_embedding AS present\nWHERE",
    """FROM (
    SELECT DISTINCT later.memory_id FROM {public}.memories_logline AS later
    WHERE later.user_id = {owner} AND later.sequence > {line} AND later.memory_id IS NOT NULL
) AS changed CROSS JOIN LATERAL (
    SELECT * FROM {public}.memories_embedding AS embedding
    WHERE embedding.memory_id = changed.memory_id OFFSET 0
) AS present WHERE""",
)
# Without conditions, so that PostgreSQL finds the few of a join by indexes.
TOKENS = """
SELECT {present_columns} FROM {public}.memories_tokenvectors AS present
UNION ALL
SELECT {kept_columns} FROM {public}.memories_formervector AS kept
"""
RENAMED = f"""
    FROM {{public}}.memories_logline AS line
    WHERE line.user_id = {OWNER} AND line.sequence > {LINE} AND line.memory_id IS NULL
        AND line.kind = 'renamed' AND line.snapshot IS NOT NULL
"""
CATEGORIES = f"""
SELECT {{present_columns}} FROM {{public}}.memories_category AS present
WHERE present.id NOT IN (SELECT (line.snapshot ->> 'category')::uuid {RENAMED})
UNION ALL
SELECT {{kept_columns}} FROM (
    SELECT DISTINCT ON (line.snapshot ->> 'category') line.snapshot {RENAMED}
    ORDER BY line.snapshot ->> 'category', line.sequence
) AS line
JOIN {{public}}.memories_category AS present
    ON present.id = (line.snapshot ->> 'category')::uuid
"""  # noqa: S608 - constants


def _each(statement: str) -> str:
    return statement.replace("{unchanged}", "{unchanged_each}")


# Each view: its schema and its table, its statement, the column with the id of a memory, and the
# columns that differ from the table's.
View = tuple[str, str, str, str, dict[str, str]]
MEMORY = ("id", KEPT)
CATEGORIZATION = ("memory_id", KEPT_CATEGORIZATION)
VIEWS: tuple[View, ...] = (
    (SCHEMA, "memories_memory", ALL_MEMORIES, *MEMORY),
    (SCHEMA, "memories_categorization", ALL_CATEGORIZATIONS, *CATEGORIZATION),
    (FEW_SCHEMA, "memories_memory", _each(ALL_MEMORIES), *MEMORY),
    (FEW_SCHEMA, "memories_categorization", _each(ALL_CATEGORIZATIONS), *CATEGORIZATION),
    (SCHEMA, "memories_embedding", EMBEDDINGS, "memory_id", KEPT_EMBEDDING),
    (SCHEMA, "memories_tokenvectors", TOKENS, "embedding_id", KEPT_TOKENS),
    (UNCHANGED_SCHEMA, "memories_memory", UNCHANGED_MEMORIES, *MEMORY),
    (
        UNCHANGED_VECTORS_SCHEMA,
        "memories_embedding",
        UNCHANGED_EMBEDDINGS,
        "memory_id",
        KEPT_EMBEDDING,
    ),
    (HELD_SCHEMA, "memories_memory", HELD_MEMORIES, *MEMORY),
    (HELD_SCHEMA, "memories_categorization", HELD_CATEGORIZATIONS, *CATEGORIZATION),
    (HELD_SCHEMA, "memories_embedding", HELD_EMBEDDINGS, "memory_id", KEPT_EMBEDDING),
    (NAMES_SCHEMA, "memories_category", CATEGORIES, "id", FORMER_NAME),
)
SCHEMAS = tuple(dict.fromkeys(schema for schema, *_ in VIEWS))

# Whether a migration has taken away what the views read.
IS_MISSING = """
SELECT NOT EXISTS (
    SELECT FROM pg_attribute
    WHERE attrelid = to_regclass('memories_formervector') AND attname = 'tokens'
)
"""
IS_MADE = f"SELECT to_regclass('{NAMES_SCHEMA}.memories_category') IS NOT NULL"
COLUMNS = """
SELECT attname, format_type(atttypid, atttypmod) FROM pg_attribute
WHERE attrelid = to_regclass(%s) AND attnum > 0 AND NOT attisdropped ORDER BY attnum
"""

# PostgreSQL refuses these while a view reads the column.
BLOCKED = (AlterField, AlterModelTable, DeleteModel, RemoveField, RenameField, RenameModel)


def drop_views(plan: Any = (), **signal: Any) -> None:
    """Let migrations change the columns that the views show. While there are none, `as_of` is 503.

    What only adds, as most do, leaves them: then the past is answered throughout.
    """
    if connection.vendor == "postgresql" and any(_is_blocked(*step) for step in plan):
        with transaction.atomic():
            _drop_all()


def _is_blocked(migration: Any, backwards: bool) -> bool:
    changes = any(isinstance(operation, BLOCKED) for operation in migration.operations)
    return migration.app_label == "memories" and (backwards or changes)


def make_views(plan: Any = None, **signal: Any) -> None:
    """Make the views anew, as columns may have changed.

    Not where a migration has taken away what they read, and not after a flush.
    """
    if connection.vendor != "postgresql" or plan == []:
        return
    if (plan is None and fetch_value(IS_MADE)) or fetch_value(IS_MISSING):
        return
    public = fetch_value("SELECT current_schema()")
    with transaction.atomic():
        _drop_all()
        for schema in SCHEMAS:
            execute(f"CREATE SCHEMA {schema}")
        for schema, table, statement, row, kept in VIEWS:
            select = _statement(table, statement, row, kept, public=public)
            execute(f"CREATE VIEW {schema}.{table} AS {select}")


def _drop_all() -> None:
    """When nobody reads them any more. Whoever begins to waits until the transaction ends."""
    lock_transaction(Lock.PAST_VIEWS)
    for schema in SCHEMAS:
        execute(f"DROP SCHEMA IF EXISTS {schema} CASCADE")


def _statement(table: str, statement: str, row: str, kept: dict[str, str], *, public: str) -> str:
    columns = fetch_all(COLUMNS, [table])
    present_columns = [f"present.{column}" for column, _ in columns]
    # Of the very same types: else PostgreSQL would sort all rows for those of one page.
    kept_columns = [
        f"({kept.get(column, f'present.{column}')})::{kind} AS {column}" for column, kind in columns
    ]
    return statement.format(
        present_columns=", ".join(present_columns),
        kept_columns=", ".join(kept_columns).format(public=public),
        unchanged=UNCHANGED.format(public=public, row=f"present.{row}"),
        unchanged_each=UNCHANGED_EACH.format(public=public, row=f"present.{row}"),
        held=HELD,
        owner=OWNER,
        line=LINE,
        public=public,
    )
