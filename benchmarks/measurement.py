"""Time calls, and run the SQL of a call by itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import cache
from statistics import median
from typing import Any

WARM_UP = 5
SAMPLES = 60


def milliseconds(call: Callable[[], Any]) -> float:
    started = time.perf_counter()
    call()
    return (time.perf_counter() - started) * 1000


def medians(rows: Sequence[Sequence[float]]) -> list[float]:
    """The median of each column, without the rows of the warm-up."""
    return [median(column) for column in zip(*rows[WARM_UP:], strict=True)]


def capture_statements(call: Callable[[], Any]) -> list[str]:
    """The statements that a call sends to PostgreSQL, with their parameters in them."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as context:
        call()
    return [query["sql"] for query in context]


def run_statements(statements: Sequence[str]) -> None:
    with raw_connection().cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
            if cursor.description:
                cursor.fetchall()


@cache
def raw_connection() -> Any:
    """A connection without Django's wrapper."""
    import psycopg
    from django.db import connection

    connection.ensure_connection()
    return psycopg.connect(connection.connection.info.dsn, autocommit=True)
