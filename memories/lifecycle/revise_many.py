"""Edit many memories in the same way, all or none of them."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterator, Sequence

from accounts.models import User
from core.transactions import change
from memories.models import Category, Memory
from memories.models.memory import MemoryQuerySet
from memories.models.state import LIVE
from memories.search import Filters

from .revise import (
    Edit,
    build_draft,
    count_categories,
    require_editable,
    require_few_categories,
)
from .rewrite import rewrite_memories

# Of which a statement writes the changes.
BATCH = 500


def revise_many(
    edit: Edit,
    *,
    ids: Collection[uuid.UUID] | None,
    filters: Filters | None,
    user: User,
    among: MemoryQuerySet,
    by: User,
) -> tuple[int, int]:
    """Edit the memories with these ids, or the live ones that match the filters.

    Returns how many these are, and how many were changed: the others were as they should be. The
    edit has no text. Raises MemoryNotFound, MetadataTooLarge, TooManyCategories, and what
    `require_editable` raises for any of them.
    """
    matched = changed = 0
    with change():
        number_before = count_categories(user) if edit.categories else 0
        names = edit.categories
        categories = None if names is None else Category.objects.get_or_create_many(names)
        for memories in _load_locked(_find(ids, filters, among)):
            matched += len(memories)
            for memory in memories:
                require_editable(memory, edit, app=among.reading_app)
            drafts = {memory: build_draft(edit, memory, categories) for memory in memories}
            changed += rewrite_memories(drafts, by=by, key=among.key, app=among.reading_app)
        if categories:
            require_few_categories(user, before=number_before)
    return matched, changed


def _find(
    ids: Collection[uuid.UUID] | None, filters: Filters | None, among: MemoryQuerySet
) -> MemoryQuerySet:
    if ids is not None:
        return among.exactly(ids)
    assert filters is not None  # noqa: S101 - see above
    return filters.apply(among.filter(state__in=LIVE).unexpired())


def _load_locked(memories: MemoryQuerySet) -> Iterator[Sequence[Memory]]:
    # Locked all at once and in order, and then read: they may have changed until they were locked.
    ids = list(memories.locked(no_key=True).values_list("pk", flat=True))
    for start in range(0, len(ids), BATCH):
        batch = ids[start : start + BATCH]
        loaded = memories.model.objects.filter(pk__in=batch).with_relations().select_related("user")
        yield list(loaded.order_by("pk"))
