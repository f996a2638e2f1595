"""A second set of all tables, to try something with and then to forget it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction
from psycopg import sql

from core.errors import Conflict

SCHEMA = "openmemory_scratch"

# Any number that nothing else in this database locks.
ADVISORY_LOCK = 5_190_515

TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = %s ORDER BY tablename"

# Written by PostgreSQL without the schema, as long as that is the one that is looked in.
REFERENCES = """
SELECT relname, conname, pg_get_constraintdef(pg_constraint.oid)
FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid
WHERE contype = 'f' AND pg_class.relnamespace = %s::regnamespace
"""


class ScratchInUse(Conflict):
    """Another restore is being tried: try again when it is done."""

    code = "scratch_in_use"


@contextmanager
def scratch_schema(*filled: str) -> Iterator[None]:
    """Work with empty tables in place of the real ones, on this connection alone.

    Only those that are named are filled as they are. All of them are dropped at the end; what a
    killed process left is dropped at the next beginning. Raises ScratchInUse.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s), current_schema()", [ADVISORY_LOCK])
        free, schema = cursor.fetchone()
    if not free:
        raise ScratchInUse
    try:
        with transaction.atomic():
            _copy_tables(schema, filled)
        yield
    finally:
        _run(sql.SQL("RESET search_path"))
        _drop()
        _run(sql.SQL("SELECT pg_advisory_unlock({})").format(ADVISORY_LOCK))


def _copy_tables(schema: str, filled: tuple[str, ...]) -> None:
    there, here = sql.Identifier(schema), sql.Identifier(SCHEMA)
    with connection.cursor() as cursor:
        cursor.execute(TABLES, [schema])
        tables = [sql.Identifier(name) for (name,) in cursor.fetchall()]
        cursor.execute(REFERENCES, [schema])
        references = cursor.fetchall()
    _drop()
    _run(sql.SQL("CREATE SCHEMA {}").format(here))
    for table in tables:
        copy = sql.SQL("CREATE TABLE {}.{} (LIKE {}.{} INCLUDING ALL)")
        _run(copy.format(here, table, there, table))
    for name in filled:
        fill = sql.SQL("INSERT INTO {}.{} SELECT * FROM {}.{}")
        table = sql.Identifier(name)
        _run(fill.format(here, table, there, table))
    _run(sql.SQL("SET search_path TO {}, {}").format(here, there))
    for table, name, definition in references:
        add = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
        _run(add.format(sql.Identifier(table), sql.Identifier(name), sql.SQL(definition)))


def _drop() -> None:
    _run(sql.SQL("DROP SCHEMA IF EXISTS {} CASCADE").format(sql.Identifier(SCHEMA)))


def _run(statement: sql.Composable) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)
