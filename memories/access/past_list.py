"""Lists of memories as of a moment, by page."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cached_property
from typing import Any

from core.sql import fetch_all, fetch_value
from memories.change_log.as_of import Part, Past
from memories.models import Memory
from memories.models.memory import MemoryQuerySet

from .shown import load_all_shown

Place = tuple[datetime, uuid.UUID]


# Of each memory of the list, in the order of time.
PLACES = "SELECT created_at, pk FROM ({list}) AS memory ORDER BY {order}, pk LIMIT %s"
# The same, with how many there are.
COUNTED_PLACES = PLACES.replace("pk FROM", "pk, count(*) OVER () FROM")
COUNT = "SELECT count(*) FROM ({list}) AS memory"
COUNT_CHANGED = f"""
{COUNT} WHERE pk IN (SELECT memory_id FROM memories_logline WHERE user_id = %s AND sequence > %s)
"""  # noqa: S608 - constants


class PastList:
    """The memories of a list, `with_relations`, as of a moment: what of a queryset a page needs.

    A page in the order of time is merged from what has not changed since, which an index has in
    this order, and the rest. Other orders have no index: all is read and sorted, as in the present.
    """

    def __init__(self, memories: MemoryQuerySet, past: Past) -> None:
        self.memories = memories
        self.past = past
        self._held: int | None = None  # how many of the list have changed since, once it is known

    def __getitem__(self, place: slice) -> Iterable[Memory]:
        order = _order_of_time(self.memories)
        if not self.past.differs or order is None:
            return self.memories[place]
        newest_first = order == "-created_at"
        merged = _sort(self._places(place.stop, newest_first), newest_first=newest_first)
        ids = [pk for _, pk in merged[place]]
        # Without the filters: to find 100,000 memories' categories for a page takes long.
        with self.past.reading_part(Part.FEW):
            return load_all_shown(ids, app=self.memories.reading_app)

    def _places(self, number: int, newest_first: bool) -> list[Place]:
        """So many places of either part. What has changed since is counted with them."""
        listed, values = self._statement
        parts = {"list": listed, "order": "created_at DESC" if newest_first else "created_at"}
        found, held = self.past.in_parts(
            lambda: fetch_all(PLACES.format(**parts), [*values, number]),
            lambda: fetch_all(COUNTED_PLACES.format(**parts), [*values, number]),
        )
        self._held = held[0][2] if held else 0
        return [row[:2] for row in (*found, *held)]

    def count(self) -> int:
        """Those of now but for the changed ones, and these as they were."""
        past = self.past
        if not past.differs:
            return self.memories.count()
        listed, values = self._statement
        with past.reading_part(Part.PRESENT):
            present = self.memories.count()
            changed: int = fetch_value(
                COUNT_CHANGED.format(list=listed), [*values, past.user.pk, past.line]
            )
        if self._held is None:
            with past.reading_part(Part.HELD):
                self._held = fetch_value(COUNT.format(list=listed), values)
        return present - changed + (self._held or 0)

    @cached_property
    def _statement(self) -> tuple[str, Sequence[Any]]:
        """Compiled once for all of its uses, which takes Django a millisecond or two."""
        places = self.memories.order_by().values_list("created_at", "pk")
        return places.query.sql_with_params()


def _order_of_time(memories: MemoryQuerySet) -> str | None:
    """How these are ordered, if by time and then by id."""
    match memories.query.order_by:
        case (("created_at" | "-created_at") as first, "id" | "pk"):
            return str(first)
    return None


def _sort(places: list[Place], *, newest_first: bool) -> list[Place]:
    by_id = sorted(places, key=lambda place: place[1])
    return sorted(by_id, key=lambda place: place[0], reverse=newest_first)
