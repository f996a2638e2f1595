"""Put many memories into a category, beside those that they are in."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence

from accounts.models import User
from core.transactions import change
from memories.models.memory import MemoryQuerySet

from .revise import Edit
from .revise_many import revise_many


def add_category(name: str, memories: MemoryQuerySet, *, user: User, by: User) -> int:
    """Put these memories into a category as well, all or none. Returns how many were not in it.

    Raises what `revise_many` does.
    """
    with change():
        # Locked before they are read, so that no category is lost that is given meanwhile.
        ids = list(memories.locked(no_key=True).values_list("pk", flat=True))
        locked = memories.model.objects.filter(pk__in=ids).reached_by(memories.key)
        by_categories: dict[Sequence[str], list[uuid.UUID]] = defaultdict(list)
        for memory in locked.with_relations():
            by_categories[tuple(memory.category_names)].append(memory.pk)
        changed = 0
        for names, group in by_categories.items():
            if name not in names:
                edit = Edit(categories=[*names, name])
                changed += revise_many(
                    edit, ids=group, filters=None, user=user, among=locked, by=by
                )[1]
    return changed
