"""Pause, resume and archive what a person picks, by one way of picking."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from dataclasses import dataclass

from accounts.models import User
from apps_registry.models import App
from core.errors import NotFound
from memories.models import Category, MemoryDeleted, State
from memories.models.memory import MemoryQuerySet

# A wide selector changes what is in these states and leaves the rest: resuming everything
# brings back what was paused, not what was archived.
CHANGED_FROM = {
    State.PAUSED: [State.ACTIVE],
    State.ACTIVE: [State.PAUSED],
    State.ARCHIVED: [State.ACTIVE, State.PAUSED],
}


class CategoryNotFound(NotFound):
    """Category not found."""

    code = "category_not_found"


@dataclass(frozen=True)
class Selection:
    """Which memories are meant: exactly one of these is given."""

    memory_ids: Collection[uuid.UUID] | None = None
    category_ids: Collection[uuid.UUID] | None = None
    app_id: uuid.UUID | None = None
    everything: bool = False


def put_into(
    state: State, selection: Selection, *, user: User, among: MemoryQuerySet, by: User
) -> int:
    """Put the selected of a user's memories into a state, all or none. Returns how many changed.

    Raises MemoryNotFound, CategoryNotFound or AppNotFound for what is not among them, and
    MemoryDeleted for a memory named by its id that is deleted.
    """
    if selection.memory_ids is not None:
        return put_named_into(state, selection.memory_ids, among=among, by=by)
    picked = among.filter(state__in=CHANGED_FROM[state])
    if selection.category_ids is not None:
        _require_categories(selection.category_ids, user=user, among=among)
        picked = picked.in_categories_by_id(selection.category_ids)
    if selection.app_id is not None:
        picked = picked.filter(app=App.objects.owned_by(user).one(selection.app_id))
    return picked.change_state(state, by=by)


def put_named_into(
    state: State, ids: Collection[uuid.UUID], *, among: MemoryQuerySet, by: User
) -> int:
    """Put the memories of these ids into a state. Raises MemoryNotFound and MemoryDeleted."""
    named = among.exactly(ids)
    deleted = named.filter(state=State.DELETED).values_list("pk", flat=True).first()
    if deleted is not None:
        raise MemoryDeleted(f"A deleted memory cannot be brought back: {deleted}.")
    # One that is deleted at this moment stays so, and is the last to have changed.
    return named.undeleted().change_state(state, by=by)


def _require_categories(ids: Collection[uuid.UUID], *, user: User, among: MemoryQuerySet) -> None:
    known = Category.objects.of(user, among.undeleted()).filter(pk__in=ids)
    missing = set(ids) - set(known.values_list("pk", flat=True))
    if missing:
        raise CategoryNotFound(f"Category not found: {sorted(map(str, missing))[0]}.")
