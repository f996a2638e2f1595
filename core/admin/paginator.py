from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.utils.functional import cached_property

# Rows that are counted and paged through. Who wants what is behind them narrows the list.
MAX_ROWS = 10_000


class MoreThan(int):
    """A count that was broken off: it says so wherever it is shown."""

    def __str__(self) -> str:
        return f"more than {int(self):,}"

    __format__ = object.__format__


def bounded_count(rows: QuerySet[Any]) -> int:
    """Count rows, but not many more than MOST."""
    # The order matters to nobody who counts, and what is annotated is not computed.
    found = rows.order_by().values("pk")[: MAX_ROWS + 1].count()
    return MoreThan(MAX_ROWS) if found > MAX_ROWS else found


class BoundedPaginator(Paginator):
    """Pages of the first MOST rows. It never counts further than that."""

    @cached_property
    def count(self) -> int:
        rows = self.object_list
        return bounded_count(rows) if isinstance(rows, QuerySet) else super().count
