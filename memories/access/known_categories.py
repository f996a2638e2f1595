"""The categories that a user's memories are in."""

from __future__ import annotations

import uuid

from memories.models import UserCategory

from .reader import Reader


def list_categories(reader: Reader) -> list[UserCategory]:
    """List the categories of the memories that the reader may read, but for deleted ones, by name.

    While `reading()`.
    """
    categories = UserCategory.objects.of(reader.user, reader.memories().undeleted())
    if reader.past is None or not reader.past.differs:
        return list(categories)
    found: set[uuid.UUID] = set()
    # Most categories have a memory that has not changed since: few are looked for in the others.
    reader.past.in_parts(
        lambda: found.update(categories.exclude(pk__in=found).values_list("pk", flat=True))
    )
    known = UserCategory.objects.filter(pk__in=found).select_related("category")
    return list(known.order_by("category__name"))
