"""A snapshot of the database, read through a connection of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from django.db import connection
from psycopg import IsolationLevel
from psycopg.rows import dict_row

# Rows are joined to chunks of this size: other threads run while one is compressed and hashed.
CHUNK_BYTES = 256 * 1024

# One row a line, and nothing quoted or escaped: JSON has neither of these two bytes.
COPY_JSON_LINES = r"""
COPY (SELECT row_to_json(item) FROM ({}) AS item)
TO STDOUT (FORMAT csv, QUOTE e'\x01', DELIMITER e'\x02')
"""

Parameters = Mapping[str, Any]

# Whole rows, and how many.
Chunks = Iterator[tuple[bytes, int]]


class Snapshot:
    """All statements see the same state of the database."""

    def __init__(self, direct: psycopg.Connection[Any]) -> None:
        self._direct = direct

    def fetch_one(self, statement: str, parameters: Parameters) -> dict[str, Any]:
        """Read the only row. Raises LookupError when there is none."""
        with self._direct.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(statement, parameters).fetchone()
        if row is None:
            raise LookupError(statement)
        return row

    def read_json(self, statement: str, parameters: Parameters) -> Chunks:
        """Read the rows of a statement as JSON, one a line."""
        copying = COPY_JSON_LINES.format(statement)
        with self._direct.cursor() as cursor, cursor.copy(copying, parameters) as copy:
            yield from _join_rows(bytes(row) for row in copy)

    def read_bytes(self, statement: str, parameters: Parameters) -> Chunks:
        """Read the only column of a statement, a `bytea`."""
        copying = f"COPY ({statement}) TO STDOUT (FORMAT binary)"
        with self._direct.cursor() as cursor, cursor.copy(copying, parameters) as copy:
            copy.set_types(["bytea"])
            yield from _join_rows(record for (record,) in copy.rows())


def _join_rows(rows: Iterable[bytes]) -> Chunks:
    chunk: list[bytes] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += len(row)
        if size >= CHUNK_BYTES:
            yield b"".join(chunk), len(chunk)
            chunk, size = [], 0
    if chunk:
        yield b"".join(chunk), len(chunk)


@contextmanager
def open_snapshot() -> Iterator[Snapshot]:
    """Take a snapshot. It blocks nobody, but rows deleted since are vacuumed only after it."""
    parameters = connection.get_connection_params()
    # Closed and not rolled back: after an error the connection is within a COPY, and would wait.
    with connection.wrap_database_errors, closing(psycopg.connect(**parameters)) as direct:
        direct.isolation_level = IsolationLevel.REPEATABLE_READ
        direct.read_only = True
        yield Snapshot(direct)
