"""The memories that facts are extracted from, which must be as they were sent."""

from __future__ import annotations

from collections.abc import Collection
from uuid import UUID

from django.db.models import Q, QuerySet

from accounts.models import User
from apps_registry.models import App
from core import sql
from core.compiled_query import CompiledQuery
from memories.access.shown import has_id
from memories.models import Memory, State, StateChange
from memories.models.memory import MemoryQuerySet
from memories.models.state import EXPIRED

# Other edits stay as they are, beside what is inferred.
IS_EDITED = """
SELECT EXISTS (
    SELECT FROM memories_revision
    WHERE memory_id = %s AND (edits_text OR said_at IS NOT NULL)
)
"""


class SourceChanged(Exception):
    """The memory was edited, paused, archived or deleted since it was sent, which has priority."""


def load_source(pk: UUID, *, user: User) -> Memory:
    """Load a memory with its user and app. Raises SourceChanged unless it is as it was sent."""
    memories: list[Memory] = _source.fetch(pk=pk, user=user.pk)
    return require_unchanged(memories[0] if memories else None)


def require_unchanged(memory: Memory | None) -> Memory:
    """Raises SourceChanged, with what happened to it, unless the memory is as it was sent."""
    if memory is None:
        raise SourceChanged(State.DELETED)
    if memory.state != State.ACTIVE:
        raise SourceChanged(memory.state)
    if memory.is_expired:
        raise SourceChanged(EXPIRED)
    if memory.immutable:
        raise SourceChanged("immutable")
    if sql.fetch_value(IS_EDITED, [memory.pk]):
        raise SourceChanged("edited")
    return memory


def lock_memories(source: Memory, ids: Collection[UUID]) -> dict[UUID, Memory]:
    """Lock a memory, and those of these that its app may still read, with their users and apps."""
    memories: list[Memory] = _locked.fetch(pk=source.pk, app=source.app_id, ids=sql.uuid_array(ids))
    return {memory.pk: memory for memory in memories}


def sender_of(memory: Memory) -> User:
    """The user who sent a memory."""
    changes: list[StateChange] = _first_change.fetch(pk=memory.pk)
    return (changes and changes[0].changed_by) or memory.user


def _build_source(*, pk: UUID, user: UUID) -> MemoryQuerySet:
    return Memory.objects.filter(pk=pk, user=user).select_related("user", "app")


def _build_locked(*, pk: UUID, app: UUID, ids: str) -> MemoryQuerySet:
    readable = Memory.objects.readable_by(App(pk=app)).filter(has_id(ids))
    locked = Memory.objects.filter(Q(pk=pk) | Q(pk__in=readable.values("pk"))).locked()
    return locked.select_related("user", "app")


def _build_first_change(*, pk: UUID) -> QuerySet[StateChange]:
    changes = StateChange.objects.filter(memory=pk).select_related("changed_by")
    return changes.order_by("changed_at", "id")[:1]


_source = CompiledQuery(_build_source, pk=UUID(int=1), user=UUID(int=2))
_locked = CompiledQuery(
    _build_locked, pk=UUID(int=1), app=UUID(int=2), ids=sql.uuid_array([UUID(int=3)])
)
_first_change = CompiledQuery(_build_first_change, pk=UUID(int=1))
