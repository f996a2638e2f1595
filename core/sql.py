"""Statements of our own: run, and what they answer read, where Django's ORM does not serve.

All run on the default connection, in the caller's transaction where there is one.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.db import connection
from psycopg.sql import Composable

Statement = str | Composable
Parameters = Sequence[Any] | Mapping[str, Any] | None
Row = tuple[Any, ...]


def execute(statement: Statement, parameters: Parameters = None) -> int:
    """Run a statement: how many rows it changed or returned, 0 where it counts none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return max(0, int(cursor.rowcount))


def fetch_all(statement: Statement, parameters: Parameters = None) -> list[Row]:
    """Every row that a query returns."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        rows: list[Row] = cursor.fetchall()
        return rows


def fetch_column(statement: Statement, parameters: Parameters = None) -> list[Any]:
    """The only column of a query."""
    return [value for (value,) in fetch_all(statement, parameters)]


def fetch_one(statement: Statement, parameters: Parameters = None) -> Row | None:
    """The first row of a query, None where it returns none."""
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        row: Row | None = cursor.fetchone()
        return row


def fetch_value(statement: Statement, parameters: Parameters = None) -> Any:
    """The only value of the only row of a query."""
    [[value]] = fetch_all(statement, parameters)
    return value


def uuid_array(ids: Iterable[uuid.UUID]) -> str:
    """Ids as PostgreSQL reads a `uuid[]`: one text is bound much faster than many values."""
    return "{" + ",".join(pk.hex for pk in ids) + "}"
