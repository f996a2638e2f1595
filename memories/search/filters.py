from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from memories.models.memory import MemoryQuerySet


@dataclass(frozen=True)
class Filters:
    """What a caller wants to search in. What is left out, or empty, keeps everything."""

    app_ids: Collection[uuid.UUID] = ()
    categories: Collection[str] = ()
    actors: Collection[str] = ()
    conversations: Collection[str] = ()
    from_date: datetime | None = None
    to_date: datetime | None = None
    metadata: Mapping[str, Any] | None = None

    def keep(self, memories: MemoryQuerySet) -> MemoryQuerySet:
        kept = memories.created_between(self.from_date, self.to_date)
        if self.app_ids:
            kept = kept.filter(app__in=self.app_ids)
        if self.categories:
            kept = kept.in_categories(self.categories)
        if self.actors:
            kept = kept.said_by(self.actors)
        if self.conversations:
            kept = kept.in_conversations(self.conversations)
        if self.metadata:
            kept = kept.filter(metadata__contains=self.metadata)
        return kept
