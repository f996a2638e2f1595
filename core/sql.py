"""Raw SQL, for statements that Django's ORM cannot express.

All statements run on the default connection, in the current transaction if there is one.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, cast

from django.db import connection as default_connection
from psycopg.sql import Composable

from core.pooled_postgres.base import DatabaseWrapper

connection = cast(DatabaseWrapper, default_connection)

Statement = str | Composable
Parameters = Sequence[Any] | Mapping[str, Any] | None
Row = tuple[Any, ...]


def execute(statement: Statement, parameters: Parameters = None) -> int:
    """Run a statement. Returns the number of rows it changed or returned, 0 if it has none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return max(0, int(cursor.rowcount))


def execute_prepared(statement: str, parameters: Parameters = None) -> None:
    """Run a statement whose best plan is always the same. It is planned once per connection."""
    with connection.preparing_cursor() as cursor:
        cursor.execute(statement, parameters)


def fetch_prepared(statement: str, parameters: Parameters = None) -> list[Row]:
    """Return all rows of a query whose best plan is always the same."""
    with connection.preparing_cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[Row] = cursor.fetchall()
        return rows


def fetch_all(statement: Statement, parameters: Parameters = None) -> list[Row]:
    """Return all rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[Row] = cursor.fetchall()
        return rows


def fetch_binary(statement: str, parameters: Parameters = None) -> list[Row]:
    """Return all rows of a query that is long, or has many or long values or rows.

    PostgreSQL must know the type of each value by where it stands, or by a cast.
    """
    with connection.binary_cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[Row] = cursor.fetchall()
        return rows


def fetch_column(statement: Statement, parameters: Parameters = None) -> list[Any]:
    """Return the values of a query with one column."""
    return [value for (value,) in fetch_all(statement, parameters)]


def fetch_one(statement: Statement, parameters: Parameters = None) -> Row | None:
    """Return the first row of a query, or None."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row: Row | None = cursor.fetchone()
        return row


def fetch_value(statement: Statement, parameters: Parameters = None) -> Any:
    """Return the value of a query with one row and one column."""
    [[value]] = fetch_all(statement, parameters)
    return value


def uuid_array(ids: Iterable[uuid.UUID]) -> str:
    """Write ids as a `uuid[]` literal. Binding one string is much faster than many values."""
    return "{" + ",".join(pk.hex for pk in ids) + "}"


def name_parameters(statement: str, parameters: Sequence[Any]) -> tuple[str, dict[str, Any]]:
    """Give names to the parameters of a statement, to put it into one that has names."""
    values = iter(enumerate(parameters))
    named: dict[str, Any] = {}

    def name(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%%"
        number, value = next(values)
        named[f"p{number}"] = value
        return f"%(p{number})s"

    return re.sub("%[%s]", name, statement), named
