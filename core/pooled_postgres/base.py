from __future__ import annotations

import select
from collections.abc import Callable
from typing import Any

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base, operations
from django.db.backends.utils import CursorWrapper
from psycopg import Connection, Cursor
from psycopg.errors import FeatureNotSupported
from psycopg.pq import TransactionStatus
from psycopg.types.datetime import TimestamptzLoader
from psycopg_pool import ConnectionPool


class DatabaseOperations(operations.DatabaseOperations):
    def last_executed_query(self, cursor: Any, sql: str, params: Any) -> str:
        if isinstance(cursor, BindingCursor):
            return str(self.compose_sql(sql, params))
        return super().last_executed_query(cursor, sql, params)


class DatabaseWrapper(base.DatabaseWrapper):
    ops_class = DatabaseOperations
    _connection_pools: dict[str, ConnectionPool]  # Django's, which the stubs do not know
    _configure_connection: Callable[[Connection[Any]], None]
    _prepare_cursor: Callable[[Cursor[Any]], CursorWrapper]

    @property
    def pool(self) -> ConnectionPool | None:
        """The pool of this process. Django's own asks the server before each request."""
        options = self.settings_dict["OPTIONS"].get("pool")
        if self.alias == NO_DB_ALIAS or not options:
            return None
        if self.alias not in self._connection_pools:
            pool = ConnectionPool(
                kwargs={**self.get_connection_params(), "autocommit": True},
                open=False,  # Django opens it, with the first connection
                configure=self._configure_connection,
                check=check_quickly,
                **options,
            )
            self._connection_pools.setdefault(self.alias, pool)
        return self._connection_pools[self.alias]

    def get_connection_params(self) -> dict[str, Any]:
        # Without it, psycopg would prepare nothing. Django's own cursors never do.
        return {**super().get_connection_params(), "prepare_threshold": 0}

    def preparing_cursor(self) -> CursorWrapper:
        """A cursor whose statements PostgreSQL parses and plans once per connection.

        For those whose best plan is the same whatever the values.
        """
        return self._make_cursor(PreparingCursor)

    def binary_cursor(self) -> CursorWrapper:
        """A cursor that sends values beside the statement, and reads rows that are not text."""
        return self._make_cursor(BinaryCursor)

    def _make_cursor(self, kind: type[BindingCursor]) -> CursorWrapper:
        self.close_if_health_check_failed()
        self.ensure_connection()
        with self.wrap_database_errors:
            return self._prepare_cursor(kind(self.connection))


class BindingCursor(Cursor[Any]):
    """Has PostgreSQL put the values into a statement: Django's own writes them into its text."""


class BinaryCursor(BindingCursor):
    def execute(self, *arguments: Any, **options: Any) -> BinaryCursor:
        super().execute(*arguments, prepare=False, binary=True, **options)
        return self


class PreparingCursor(BindingCursor):
    def __init__(self, connection: Connection[Any]) -> None:
        super().__init__(connection)
        # Psycopg's own, in C, as the connection is in UTC. Django's takes a tenth of a page's time.
        self.adapters.register_loader("timestamptz", TimestamptzLoader)

    def execute(self, *arguments: Any, **options: Any) -> PreparingCursor:
        try:
            super().execute(*arguments, prepare=True, **options)
        except FeatureNotSupported:
            # A migration has changed the type of a column. A rollback forgets all plans, too.
            if self.connection.info.transaction_status != TransactionStatus.IDLE:
                raise
            self.connection.execute("DEALLOCATE ALL")
            super().execute(*arguments, prepare=True, **options)
        return self


def check_quickly(connection: Connection[Any]) -> None:
    """Ask the server only where it has sent something that nobody asked for, such as its goodbye.

    The system tells of a connection that was closed, also by a crash, without a round trip.
    """
    socket = select.poll()
    socket.register(connection.fileno(), select.POLLIN)
    if socket.poll(0):
        ConnectionPool.check_connection(connection)
