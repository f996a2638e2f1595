"""Have PostgreSQL clear up what was removed, sooner than it does by itself.

Autovacuum waits until a fifth of a table is dead, which of a million memories is months of what
was purged, still in the files. And it looks at what the planner knows of a table only once a tenth
of it has changed.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from django.apps import apps
from django.db import OperationalError, connection
from django.db.backends.utils import CursorWrapper
from psycopg import sql
from psycopg.errors import LockNotAvailable

from core.errors import Conflict

# Rows that are dead, or were changed since they were last counted: so many and this share.
ROWS, SHARE = 1_000, 0.02

# Who waits for a table for so long makes all others wait as well.
PATIENCE = "15s"

NEGLECTED = """
SELECT relname FROM pg_stat_user_tables
WHERE schemaname = current_schema() AND relname = ANY(%s)
    AND greatest(n_dead_tup, n_mod_since_analyze) > %s + %s * n_live_tup
ORDER BY relname
"""


class TablesBusy(Conflict):
    """A table is in use for so long, as by an export, that it was not waited for. Try again."""

    code = "tables_busy"


def neglected() -> list[str]:
    """Name the tables of ours that want it."""
    ours = [model._meta.db_table for model in apps.get_models(include_auto_created=True)]
    with connection.cursor() as cursor:
        cursor.execute(NEGLECTED, [ours, ROWS, SHARE])
        return [name for (name,) in cursor.fetchall()]


def vacuum(tables: Collection[str], *, whole: bool = False) -> Iterator[str]:
    """Vacuum tables and count them anew, telling each that is done. Not in a transaction.

    With `whole`, they are written anew with all their indexes: nobody reads them meanwhile, and
    nothing that was in them before is left in their files. Raises TablesBusy.
    """
    how = "FULL, ANALYZE" if whole else "ANALYZE"
    with connection.cursor() as cursor:
        # As autovacuum does: whoever waits for an answer goes before.
        cursor.execute("SET vacuum_cost_delay TO '2ms'")
        cursor.execute(sql.SQL("SET lock_timeout TO {}").format(sql.Literal(PATIENCE)))
        try:
            for table in tables:
                _vacuum(cursor, sql.SQL(how), table)
                yield table
        finally:
            cursor.execute("RESET vacuum_cost_delay")
            cursor.execute("RESET lock_timeout")


def _vacuum(cursor: CursorWrapper, how: sql.SQL, table: str) -> None:
    try:
        cursor.execute(sql.SQL("VACUUM ({}) {}").format(how, sql.Identifier(table)))
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise TablesBusy from error
        raise
