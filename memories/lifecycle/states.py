"""Pause, resume and archive the memories that a user selects."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass

from django.db import transaction

from accounts.models import User
from apps_registry.models import App
from memories.models import CategoryNotFound, Memory, MemoryDeleted, State, UserCategory
from memories.models.memory import MemoryQuerySet
from memories.search import Filters

# Raises an error unless a memory, loaded `with_relations`, is as the caller expects it.
Precondition = Callable[[Memory], None]

# The states that a broad selector changes from. Resuming everything brings back what is paused,
# not what is archived.
CHANGED_FROM = {
    State.PAUSED: [State.ACTIVE],
    State.ACTIVE: [State.PAUSED],
    State.ARCHIVED: [State.ACTIVE, State.PAUSED],
    State.DELETED: [State.ACTIVE, State.PAUSED],
}


@dataclass(frozen=True)
class Selection:
    """The memories to change: exactly one selector is set."""

    memory_ids: Collection[uuid.UUID] | None = None
    category_ids: Collection[uuid.UUID] | None = None
    app_id: uuid.UUID | None = None
    filters: Filters | None = None
    everything: bool = False


def change_state(
    state: State, selection: Selection, *, user: User, among: MemoryQuerySet, by: User
) -> int:
    """Change the state of the selected memories of a user, all or none. Returns how many changed.

    Raises MemoryNotFound, CategoryNotFound or AppNotFound for an id that is not among them, and
    MemoryDeleted where `memory_ids` names a deleted memory.
    """
    if selection.memory_ids is not None:
        return change_state_of(selection.memory_ids, state, among=among, by=by)
    among = among.unexpired()
    memories = among.filter(state__in=CHANGED_FROM[state])
    if selection.category_ids is not None:
        ids = selection.category_ids
        _require_categories(ids, user=user, among=among)
        memories = memories.in_categories_by_id(UserCategory.objects.categories(user, ids))
    if selection.app_id is not None:
        memories = memories.filter(app=App.objects.owned_by(user).get_by_id(selection.app_id))
    if selection.filters is not None:
        memories = selection.filters.apply(memories)
    return memories.change_state(state, by=by)


def change_state_of(
    ids: Collection[uuid.UUID], state: State, *, among: MemoryQuerySet, by: User
) -> int:
    """Change the state of the memories with these ids, all or none. Returns how many changed.

    Raises MemoryNotFound and MemoryDeleted.
    """
    memories = among.exactly(ids)
    deleted = memories.filter(state=State.DELETED).values_list("pk", flat=True).first()
    if deleted is not None:
        raise MemoryDeleted(f"A deleted memory cannot be restored: {deleted}.")
    # A memory that is being deleted right now stays deleted.
    return memories.undeleted().change_state(state, by=by)


def delete(
    pk: uuid.UUID, *, among: MemoryQuerySet, by: User, precondition: Precondition | None = None
) -> int:
    """Delete a memory, and return how many were deleted: 0 if it had been before.

    Raises MemoryNotFound, and the error of a precondition that is not met.
    """
    memories = among.filter(pk=pk)
    if precondition is None:
        memories.one(pk)
        return memories.change_state(State.DELETED, by=by)
    with transaction.atomic():
        # Locked before it is read, so that it does not change in between.
        list(memories.locked(no_key=True).values_list("pk"))
        precondition(memories.with_relations().one(pk))
        return memories.change_state(State.DELETED, by=by)


def _require_categories(ids: Collection[uuid.UUID], *, user: User, among: MemoryQuerySet) -> None:
    categories = UserCategory.objects.of(user, among.undeleted()).filter(pk__in=ids)
    missing = set(ids) - set(categories.values_list("pk", flat=True))
    if missing:
        raise CategoryNotFound(f"Category not found: {min(map(str, missing))}.")
