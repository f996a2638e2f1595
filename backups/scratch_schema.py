"""A scratch copy of all tables, to rehearse a restore in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from django.db import transaction
from psycopg import sql

from core.errors import Conflict
from core.locks import Lock, LockTaken, advisory_lock
from core.sql import execute, fetch_all, fetch_column, fetch_value

SCHEMA = "openmemory_scratch"

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"

# PostgreSQL leaves out the schema of a referenced table as long as it is on the search path.
REFERENCES = """
SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid)
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE contype = 'f' AND pg_class.relnamespace = %s::regnamespace
"""


class ScratchInUse(Conflict):
    """Another archive is being restored for verification: try again when that has ended."""

    code = "scratch_in_use"


@contextmanager
def scratch_schema(*filled: str) -> Iterator[None]:
    """Replace all tables by empty copies, on this connection alone.

    The tables named in `filled` keep their rows. The copies are dropped at the end; those that a
    killed process left behind, at the next start. Raises ScratchInUse.
    """
    with ExitStack() as stack:
        try:
            stack.enter_context(advisory_lock(Lock.SCRATCH_SCHEMA))
        except LockTaken:
            raise ScratchInUse from None
        schema = fetch_value("SELECT current_schema()")
        try:
            with transaction.atomic():
                _copy_tables(schema, filled)
            yield
        finally:
            execute("RESET search_path")
            _drop()


def _copy_tables(schema: str, filled: tuple[str, ...]) -> None:
    public, scratch = sql.Identifier(schema), sql.Identifier(SCHEMA)
    tables = [sql.Identifier(name) for name in fetch_column(TABLES, [schema])]
    references = fetch_all(REFERENCES, [schema])
    _drop()
    execute(sql.SQL("CREATE SCHEMA {}").format(scratch))
    for table in tables:
        copy = sql.SQL("CREATE TABLE {}.{} (LIKE {}.{} INCLUDING ALL)")
        execute(copy.format(scratch, table, public, table))
    for name in filled:
        fill = sql.SQL("INSERT INTO {}.{} SELECT * FROM {}.{}")
        table = sql.Identifier(name)
        execute(fill.format(scratch, table, public, table))
    execute(sql.SQL("SET search_path TO {}, {}").format(scratch, public))
    for table, name, definition in references:
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
        execute(add.format(sql.Identifier(table), sql.Identifier(name), sql.SQL(definition)))


def _drop() -> None:
    execute(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))
