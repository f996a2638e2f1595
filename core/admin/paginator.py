from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

# Rows that are counted and paged through. To reach rows beyond them, narrow the list.
MAX_ROWS = 10_000


class MoreThan(int):
    """A count that stopped at a limit, shown as "more than"."""

    def __str__(self) -> str:
        return f"more than {int(self):,}"

    __format__ = object.__format__


def bounded_count(rows: QuerySet[Any]) -> int:
    """Count rows, up to MAX_ROWS."""
    # Neither the order nor the annotations are needed to count.
    count = rows.order_by().values("pk")[: MAX_ROWS + 1].count()
    return MoreThan(MAX_ROWS) if count > MAX_ROWS else count


class BoundedPaginator(Paginator):
    """Pages of the first MAX_ROWS rows. It never counts beyond them."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return bounded_count(rows) if isinstance(rows, QuerySet) else super().count
