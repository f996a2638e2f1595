"""The memories that a search looks through."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from memories.access.readable import COLUMNS, select_active
from memories.access.reader import Reader
from memories.models.memory import MemoryQuerySet

from .filters import Filters


@dataclass(frozen=True)
class Searched:
    """The active memories that a reader may read and that the filters keep.

    `valid_at` a time, if one is given.
    """

    reader: Reader
    filters: Filters
    valid_at: datetime | None = None

    @property
    def is_filtered(self) -> bool:
        return bool(self.filters.narrow or self.filters.valid_at or self.valid_at)

    @cached_property
    def memories(self) -> MemoryQuerySet:
        memories = self.filters.apply(self.reader.memories().active())
        return memories if self.valid_at is None else memories.valid_at(self.valid_at)

    @cached_property
    def selected(self) -> tuple[str, Sequence[Any]]:
        """A statement for the COLUMNS of each, with its parameters."""
        if not self.is_filtered:
            return select_active(self.reader)
        selected = self.memories.order_by().values_list(*COLUMNS)
        statement, parameters = selected.query.sql_with_params()
        return statement, parameters
