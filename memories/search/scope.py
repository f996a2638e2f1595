from __future__ import annotations

from accounts.models import User
from apps_registry.models import App
from memories.models import Memory
from memories.models.memory import MemoryQuerySet


def readable(user: User, app: App | None) -> MemoryQuerySet:
    """What may be found at all. Every statement of a recall starts from here."""
    return Memory.objects.owned_by(user).active().readable_by(app)
