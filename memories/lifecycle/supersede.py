"""Put a memory in the place of others."""

from __future__ import annotations

import uuid
from collections.abc import Collection

from accounts.models import ApiKey, User
from apps_registry.models import App
from memories.models import Memory, MemoryDeleted, MemoryImmutable, State
from memories.models.memory import MemoryQuerySet
from memories.models.state_change import SUPERSEDED


def require_supersedable(ids: Collection[uuid.UUID], *, user: User, app: App) -> MemoryQuerySet:
    """Get the memories that one of an app is to supersede.

    Raises MemoryNotFound for one that does not exist for the app, MemoryDeleted and
    MemoryImmutable.
    """
    superseded = Memory.objects.owned_by(user).readable_by(app).unexpired().exactly(ids)
    for memory in superseded.only("state", "immutable"):
        if memory.state == State.DELETED:
            raise MemoryDeleted(f"A deleted memory cannot be superseded: {memory.pk}.")
        if memory.immutable:
            raise MemoryImmutable(f"{MemoryImmutable.__doc__} It is {memory.pk}.")
    return superseded


def lock_superseded(ids: Collection[uuid.UUID], *, newer: Memory) -> MemoryQuerySet:
    """Lock the memories that a memory is to supersede, in the caller's transaction.

    Raises as `require_supersedable` does.
    """
    # Locked before they are read, so that they do not change in between.
    owned = Memory.objects.owned_by(newer.user).filter(pk__in=ids)
    list(owned.locked().values_list("pk"))
    return require_supersedable(ids, user=newer.user, app=newer.app)


def supersede(
    superseded: MemoryQuerySet, *, newer: Memory, by: User, key: ApiKey | None = None
) -> None:
    """Archive memories, which are locked, in favour of a newer one. They can be restored."""
    superseded.reached_by(key).supersede_by(newer, by=by, reason=SUPERSEDED)
    in_order = superseded.order_by("created_at", "pk")
    newer.supersedes_ids = list(in_order.values_list("pk", flat=True))
