"""Stage the rows of an archive in temporary tables, where they are compared and merged.

The tables are visible to this connection only, and are not in PostgreSQL's log. Each list has a
view with the columns of its rows (`archive.columns`), their number and line, and the derived ids.
Vectors are in a plain table, as they cannot be compressed.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from typing import Any

import numpy as np
from django.db import connection, transaction
from numpy.typing import NDArray

from backups.archive.columns import Row
from backups.archive.memory_rows import LineRow
from backups.archive.reader import ArchiveReader, PlacedRow
from backups.archive.rows import LISTS
from core.progress import Progress

from .packed_rows import ROWS_PER_PACK, PackedTable

# Rows per COPY; between two of them, other statements may use the connection.
ROWS_PER_COPY = 10 * ROWS_PER_PACK

ROW_TYPES: dict[str, type[Row]] = {**LISTS, "lines": LineRow}
PACKED = {name: PackedTable.of(name, row_type) for name, row_type in ROW_TYPES.items()}

# The order in which the memories of an archive arrived, as far as it says.
ARRIVAL_ORDER = "staged.arrival, staged.created_at, staged.number"

# The other tables, of which most are created by the merge.
TABLES = (
    "staged_vectors", "target_memories", "target_order", "target_changes", "target_apps",
    "target_categories",
)  # fmt: skip


@contextmanager
def stage_archive(
    archive: ArchiveReader, *, user: uuid.UUID, vectors: bool, progress: Progress
) -> Iterator[None]:
    """Read an archive into the tables, which exist within the block.

    Without `vectors`, these are read and checked, but not staged. Raises BadArchive and
    ArchiveTooLarge.
    """
    with transaction.atomic():
        _Staging(archive, user, progress).run(vectors=vectors)
    try:
        yield
    finally:
        _execute(
            f"DROP TABLE IF EXISTS {', '.join(TABLES)}",
            *(packed.drop() for packed in PACKED.values()),
        )


def drop_staged_lines() -> None:
    """Free the disk space of the lines, which are not used after the comparison."""
    _execute(PACKED["lines"].drop())


class _Staging:
    def __init__(self, archive: ArchiveReader, user: uuid.UUID, progress: Progress) -> None:
        self._archive = archive
        self._user = user
        self._progress = progress

    def run(self, *, vectors: bool) -> None:
        for packed in PACKED.values():
            _execute(*packed.create())
        _execute("CREATE TEMPORARY TABLE staged_vectors (number int, id uuid, vector halfvec)")
        for name, rows in self._archive.entities():
            self._copy(PACKED[name], LISTS[name], rows)
        self._copy(PACKED["lines"], LineRow, self._archive.lines())
        self._archive.log()
        arrays = self._archive.vectors()
        if vectors:
            self._copy_vectors(arrays)
        else:
            for _ in arrays:
                self._report()
        self._archive.finish()
        _execute(*(f"DROP TABLE copied_{name}" for name in PACKED))
        # The rows are in the order of their numbers, so such an index takes only a few bytes.
        _execute("CREATE INDEX ON staged_vectors USING brin (number)", "ANALYZE staged_vectors")
        _execute(*(f"ANALYZE packed_{name}" for name in PACKED))

    def _copy(self, packed: PackedTable, row_type: type[Row], rows: Iterable[PlacedRow]) -> None:
        remaining = iter(rows)
        while True:
            copied = 0
            with _open_copy(f"COPY copied_{packed.name} FROM STDIN") as copy:
                for number, line, row, values in islice(remaining, ROWS_PER_COPY):
                    copy.write_row(
                        (number, line, *values, *self._derived(row, row_type.derived_ids))
                    )
                    copied += 1
            if copied:
                _execute(*packed.pack())
            self._report()
            if copied < ROWS_PER_COPY:
                return

    def _derived(self, row: Row, names: tuple[str, ...]) -> Iterator[uuid.UUID | None]:
        for name in names:
            source = getattr(row, name)
            yield source and uuid.uuid5(self._user, str(source))

    def _copy_vectors(self, arrays: Iterable[NDArray[Any]]) -> None:
        number = 0
        for records in arrays:
            with _open_copy("COPY staged_vectors FROM STDIN (FORMAT binary)") as copy:
                copy.write(encode_vectors(records, number))
            number += len(records)
            self._report()

    def _report(self) -> None:
        self._progress(self._archive.read_so_far, 2 * self._archive.size)


def _execute(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@contextmanager
def _open_copy(statement: str) -> Iterator[Any]:
    # Django does not wrap this method of the driver, nor its errors.
    with (
        connection.wrap_database_errors,
        connection.cursor() as cursor,
        cursor.copy(statement) as copy,
    ):
        yield copy


def encode_vectors(records: NDArray[Any], first: int) -> bytes:
    """Encode records as rows of PostgreSQL's binary COPY: the number, the id and a halfvec."""
    dimensions = records["vector"].shape[1]
    rows = np.zeros(
        len(records),
        dtype=[
            ("fields", ">i2"),
            ("number_bytes", ">i4"), ("number", ">i4"),
            ("id_bytes", ">i4"), ("id", "V16"),
            ("vector_bytes", ">i4"), ("dimensions", ">i2"), ("unused", ">i2"),
            ("vector", ">f2", (dimensions,)),
        ],
    )  # fmt: skip
    rows["fields"] = 3
    rows["number_bytes"] = 4
    rows["number"] = np.arange(first, first + len(records))
    rows["id_bytes"] = 16
    rows["id"] = records["id"]
    rows["vector_bytes"] = 4 + 2 * dimensions
    rows["dimensions"] = dimensions
    rows["vector"] = records["vector"]
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"
