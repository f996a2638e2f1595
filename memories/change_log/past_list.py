"""Lists of memories as of a moment, by page."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime

from django.db.models import Count, Window

from memories.models import Memory
from memories.models.memory import MemoryQuerySet

from .as_of import Past

Place = tuple[datetime, uuid.UUID]


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
        merged = _sort(self._places(place.stop), newest_first=order == "-created_at")
        # Without the filters: to find 100,000 memories' categories for a page takes long.
        shown = Memory.objects.shown_to(self.memories.reading_app).with_relations()
        return shown.in_order_of([pk for _, pk in merged[place]])

    def _places(self, number: int) -> list[Place]:
        """So many places of either part. What has changed since is counted with them."""
        places = self.memories.values_list("created_at", "pk")
        counted = places.annotate(number=Window(Count("*")))
        found, held = self.past.in_parts(
            lambda: list(places.all()[:number]), lambda: list(counted[:number])
        )
        self._held = held[0][2] if held else 0
        return [row[:2] for row in (*found, *held)]

    def count(self) -> int:
        return self.past.count(self.memories, held=self._held)


def _order_of_time(memories: MemoryQuerySet) -> str | None:
    """How these are ordered, if by time and then by id."""
    match memories.query.order_by:
        case (("created_at" | "-created_at") as first, "id" | "pk"):
            return str(first)
    return None


def _sort(places: list[Place], *, newest_first: bool) -> list[Place]:
    by_id = sorted(places, key=lambda place: place[1])
    return sorted(by_id, key=lambda place: place[0], reverse=newest_first)
