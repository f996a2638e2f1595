from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass, fields
from datetime import datetime

from django.db.models import Q

from memories.metadata_filter import MetadataFilter
from memories.models.memory import MemoryQuerySet


@dataclass(frozen=True)
class Filters:
    """The filters of a search. One that is left out, or empty, keeps everything."""

    app_ids: Collection[uuid.UUID] = ()
    categories: Collection[str] = ()
    actors: Collection[str] = ()
    conversations: Collection[str] = ()
    from_date: datetime | None = None
    to_date: datetime | None = None
    namespace: str = ""
    metadata: MetadataFilter | None = None
    valid_at: datetime | None = None
    condition: Q | None = None  # any other one

    @property
    def narrow(self) -> bool:
        """Whether any of them is set that says what is asked for, and not only when it is valid."""
        values = [getattr(self, field.name) for field in fields(self) if field.name != "valid_at"]
        return any(value not in (None, (), [], "") for value in values)

    def apply(self, memories: MemoryQuerySet) -> MemoryQuerySet:
        memories = memories.created_between(self.from_date, self.to_date)
        if self.app_ids:
            memories = memories.filter(app__in=self.app_ids)
        if self.categories:
            memories = memories.in_categories(self.categories)
        if self.actors:
            memories = memories.said_by(self.actors)
        if self.conversations:
            memories = memories.in_conversations(self.conversations)
        if self.namespace:
            memories = memories.in_namespace(self.namespace)
        if self.valid_at:
            memories = memories.valid_at(self.valid_at)
        if self.metadata:
            memories = memories.filter(self.metadata.condition())
        if self.condition is not None:
            memories = memories.filter(self.condition)
        return memories
