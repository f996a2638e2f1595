"""Compare the staged rows of an archive with each other."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from backups.archive.errors import BadArchive
from backups.archive.format import ENTITIES, LINES, VECTORS
from core.sql import fetch_one
from core.sql_files import load_statements


@dataclass(frozen=True)
class Check:
    """A statement that selects the number and the line of wrong rows."""

    table: str
    detail: str
    statement: str

    def run(self) -> None:
        """Raises BadArchive."""
        # All are selected, then the first: with a limit alone, PostgreSQL expects many, and would
        # compare each row with every other.
        wrong = fetch_one(
            f"WITH wrong AS MATERIALIZED ({self.statement})"
            " SELECT number, line FROM wrong ORDER BY number LIMIT 1"
        )
        if wrong is None:
            return
        number, line = wrong
        if self.table == "vectors":
            raise BadArchive(f"Record {number + 1}: {self.detail}", member=VECTORS)
        if self.table == "lines":
            raise BadArchive(self.detail, member=LINES, line=line)
        raise BadArchive(f"{self.table}[{number}]: {self.detail}", member=ENTITIES, line=line)


def _unique(table: str, columns: str, detail: str) -> Check:
    line = "NULL" if table == "vectors" else "max(line)"
    return Check(
        table,
        detail,
        f"SELECT max(number) AS number, {line} AS line FROM staged_{table}"
        f" GROUP BY {columns} HAVING count(*) > 1",
    )


def _references(table: str, column: str, target: str, detail: str) -> Check:
    line = "NULL" if table == "vectors" else "line"
    return Check(
        table,
        detail,
        f"SELECT number, {line} AS line FROM staged_{table} AS it WHERE {column} IS NOT NULL"
        f" AND NOT EXISTS (SELECT FROM staged_{target} AS there WHERE there.id = it.{column})",
    )


STATEMENTS = load_statements(Path(__file__).with_name("consistency.sql"))

REPEATED_ID = "this id appears twice."
NO_MEMORY = "its memory is not in the archive."

CHECKS = [
    _unique("apps", "id", REPEATED_ID),
    _unique("apps", "name", "two apps have this name."),
    _unique("categories", "id", REPEATED_ID),
    _unique("categories", "name", "two categories have this name."),
    _unique("memories", "id", REPEATED_ID),
    _unique("memory_categories", "memory_id, category_id", "it appears twice."),
    _unique("status_history", "id", REPEATED_ID),
    _unique("access_controls", "id", REPEATED_ID),
    _unique("revisions", "id", REPEATED_ID),
    _unique("lines", "id", "A memory with this id appears twice."),
    _unique("vectors", "id", "the memory has two vectors."),
    _references("memories", "app_id", "apps", "its app is not in the archive."),
    _references("memories", "superseded_by", "memories", "`superseded_by` is not in the archive."),
    _references("memory_categories", "memory_id", "memories", NO_MEMORY),
    _references("memory_categories", "category_id", "categories", "its category is missing."),
    _references("status_history", "memory_id", "memories", NO_MEMORY),
    _references("revisions", "memory_id", "memories", NO_MEMORY),
    _references("lines", "id", "memories", f"This memory is not in {ENTITIES}."),
    _references("memories", "id", "lines", f"this memory is not in {LINES}."),
    _references("vectors", "id", "memories", NO_MEMORY),
    Check(
        "access_controls",
        "its app is not in the archive.",
        STATEMENTS["access_controls_without_app"],
    ),
    Check(
        "memories",
        "another memory has the same own key.",
        STATEMENTS["memories_with_the_same_key"],
    ),
    Check(
        "memories",
        "it is superseded by itself.",
        STATEMENTS["memories_superseded_by_themselves"],
    ),
    Check(
        "memories",
        "`category_ids` has an id that is not in `memory_categories`.",
        STATEMENTS["memories_without_link"],
    ),
    Check(
        "memory_categories",
        "`category_ids` of its memory does not have this id.",
        STATEMENTS["links_without_category_id"],
    ),
    Check(
        "lines",
        f"This differs from the memory in {ENTITIES}.",
        STATEMENTS["lines_unlike_memory"],
    ),
]


def check_consistency() -> None:
    """Raises BadArchive, which names the first row that contradicts another."""
    for check in CHECKS:
        check.run()
