"""The database as it was at one moment, read by a connection of one's own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import psycopg
from django.db import connection
from psycopg import IsolationLevel
from psycopg.rows import dict_row

# Rows are gathered to pieces of this many bytes: while one is compressed and hashed, other
# threads run.
CHUNK_BYTES = 256 * 1024

# One row a line, as it is: JSON has neither of these bytes, so nothing is quoted or escaped.
ONE_A_LINE = r"""
COPY (SELECT row_to_json(item) FROM ({}) AS item)
TO STDOUT (FORMAT csv, QUOTE e'\x01', DELIMITER e'\x02')
"""

Parameters = Mapping[str, Any]

# Whole rows, and how many.
Chunks = Iterator[tuple[bytes, int]]


class Snapshot:
    """All statements see the same moment, whatever is written meanwhile."""

    def __init__(self, direct: psycopg.Connection[Any]) -> None:
        self._direct = direct

    def one(self, statement: str, parameters: Parameters) -> dict[str, Any]:
        """Read the only row there is. Raises LookupError when there is none."""
        with self._direct.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute(statement, parameters).fetchone()
        if row is None:
            raise LookupError(statement)
        return row

    def lines(self, statement: str, parameters: Parameters) -> Chunks:
        """Read the rows of a statement as JSON, one a line."""
        copying = ONE_A_LINE.format(statement)
        with self._direct.cursor() as cursor, cursor.copy(copying, parameters) as copy:
            yield from _join_rows(bytes(row) for row in copy)

    def records(self, statement: str, parameters: Parameters) -> Chunks:
        """Read the only column of a statement, which is bytes."""
        copying = f"COPY ({statement}) TO STDOUT (FORMAT binary)"
        with self._direct.cursor() as cursor, cursor.copy(copying, parameters) as copy:
            copy.set_types(["bytea"])
            yield from _join_rows(record for (record,) in copy.rows())


def _join_rows(rows: Iterable[bytes]) -> Chunks:
    gathered: list[bytes] = []
    size = 0
    for row in rows:
        gathered.append(row)
        size += len(row)
        if size >= CHUNK_BYTES:
            yield b"".join(gathered), len(gathered)
            gathered, size = [], 0
    if gathered:
        yield b"".join(gathered), len(gathered)


@contextmanager
def open_snapshot() -> Iterator[Snapshot]:
    """Take one. It holds up nobody, but what is deleted meanwhile is cleaned up only after it."""
    parameters = connection.get_connection_params()
    # Closed and not rolled back: whoever breaks off is in the middle of a COPY, and would wait.
    with connection.wrap_database_errors, closing(psycopg.connect(**parameters)) as direct:
        direct.isolation_level = IsolationLevel.REPEATABLE_READ
        direct.read_only = True
        yield Snapshot(direct)
