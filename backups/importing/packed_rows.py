"""Pack the rows of an archive: an array holds the values that many rows have in one column.

PostgreSQL compresses such an array, and stores 28 bytes of its own with each row. So packed rows
take a third to a half of the disk space of single ones.
"""

from __future__ import annotations

from dataclasses import dataclass

from backups.archive.columns import Row, columns_of

# Rows that are packed into one. All their texts are briefly in memory together.
ROWS_PER_PACK = 500


@dataclass(frozen=True)
class PackedTable:
    """The temporary tables of one list, and the views on its rows.

    Rows are copied into `copied_…` and kept in `packed_…`. The view `staged_…` has all of them. The
    view `unpacked_…` reads some, by `first`, the number of the first row in each pack.
    """

    name: str
    columns: dict[str, str]

    @classmethod
    def of(cls, name: str, row_type: type[Row]) -> PackedTable:
        columns = {column.name: column.sql_type for column in columns_of(row_type)}
        derived_ids = {f"derived_{field}": "uuid" for field in row_type.derived_ids}
        return cls(name, {"line": "int", **columns, **derived_ids})

    def create(self) -> list[str]:
        """Statements that create them, in the transaction of all that is packed."""
        columns = [f"{name} {sql_type}" for name, sql_type in self.columns.items()]
        packed = [f"{name} {_array_element(sql_type)}[]" for name, sql_type in self.columns.items()]
        rows = ", ".join(f"packed.{name}" for name in self.columns)
        names = ", ".join(self.columns)
        values = ", ".join(
            f"it.{name}::{sql_type} AS {name}" for name, sql_type in self.columns.items()
        )
        return [
            f"CREATE TEMPORARY TABLE copied_{self.name} (number int, {', '.join(columns)})",
            f"CREATE TEMPORARY TABLE packed_{self.name} (first int, {', '.join(packed)})",
            f"CREATE TEMPORARY VIEW unpacked_{self.name} AS"
            f" SELECT packed.first, (packed.first + it.place - 1)::int AS number, {values}"
            f" FROM packed_{self.name} AS packed,"
            f" unnest({rows}) WITH ORDINALITY AS it ({names}, place)",
            # With an offset, so that it is joined as a whole with other tables, not pack by pack.
            f"CREATE TEMPORARY VIEW staged_{self.name} AS"
            f" SELECT * FROM unpacked_{self.name} OFFSET 0",
        ]

    def pack(self) -> list[str]:
        """Statements that pack the copied rows, whose numbers are consecutive."""
        columns = (
            f"array_agg({name}::{_array_element(sql_type)} ORDER BY number)"
            for name, sql_type in self.columns.items()
        )
        return [
            f"INSERT INTO packed_{self.name} SELECT min(number), {', '.join(columns)}"
            f" FROM copied_{self.name} GROUP BY number / {ROWS_PER_PACK} ORDER BY 1",
            f"TRUNCATE copied_{self.name}",
        ]

    def drop(self) -> str:
        return f"DROP TABLE IF EXISTS copied_{self.name}, packed_{self.name} CASCADE"


def _array_element(sql_type: str) -> str:
    """The type of an array's elements: arrays of different lengths cannot be elements."""
    return "text" if sql_type.endswith("[]") else sql_type


def batch_subquery(name: str) -> str:
    """The staged rows from number `first` to `end`, both at the boundary of packs, in SQL."""
    return (
        f"(SELECT * FROM unpacked_{name} WHERE first >= %(first)s AND first < %(end)s OFFSET 0)"
        " AS staged"
    )
