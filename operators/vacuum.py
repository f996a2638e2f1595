"""Vacuum and analyze tables sooner than autovacuum does.

Autovacuum waits until a fifth of a table is dead. Of a million memories that is months of purged
rows, still in the files. It updates the statistics of the planner only once a tenth has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.apps import apps
from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from psycopg import sql
from psycopg.errors import LockNotAvailable

from core.errors import Conflict
from core.sql import fetch_column

# A table is overdue with more dead, or changed and not analyzed, rows than this and this share.
MIN_ROWS, MIN_SHARE = 1_000, 0.02

# While VACUUM FULL waits for a lock on a table, it blocks everyone else.
LOCK_TIMEOUT = "15s"

OVERDUE = """
SELECT relname FROM pg_stat_user_tables
WHERE schemaname = current_schema() AND relname = ANY(%s)
    AND greatest(n_dead_tup, n_mod_since_analyze) > %s + %s * n_live_tup
ORDER BY relname
"""


class TablesBusy(Conflict):
    """A table is in use, for example by an export. Try again later."""

    code = "tables_busy"


def find_overdue_tables() -> list[str]:
    """The names of our tables that are overdue."""
    tables = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    return fetch_column(OVERDUE, [tables, MIN_ROWS, MIN_SHARE])


def vacuum_tables(tables: Collection[str], *, full: bool = False) -> Iterator[str]:
    """Vacuum and analyze tables. Yields each finished table. Not in a transaction.

    With `full`, tables and indexes are rewritten: they cannot be read meanwhile, and no deleted
    data is left in their files. Raises TablesBusy.
    """
    options = "FULL, ANALYZE" if full else "ANALYZE"
    with connection.cursor() as cursor:
        # As autovacuum does, so that requests are not slowed down.
        cursor.execute("SET vacuum_cost_delay TO '2ms'")
        cursor.execute(sql.SQL("SET lock_timeout TO {}").format(sql.Literal(LOCK_TIMEOUT)))
        try:
            for table in tables:
                _vacuum(cursor, sql.SQL(options), table)
                yield table
        finally:
            cursor.execute("RESET vacuum_cost_delay")
            cursor.execute("RESET lock_timeout")


def _vacuum(cursor: CursorWrapper, options: sql.SQL, table: str) -> None:
    try:
        cursor.execute(sql.SQL("VACUUM ({}) {}").format(options, sql.Identifier(table)))
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise TablesBusy from error
        raise
