"""Access rules: which memories an app may read."""

from __future__ import annotations

import uuid

from apps_registry.models import AccessRule, App
from core.errors import NotFound
from memories.models.memory import MemoryQuerySet


class RuleNotFound(NotFound):
    """Rule not found."""

    code = "rule_not_found"


def create_rule(
    *, app: App, effect: str, memory_id: uuid.UUID | None, among: MemoryQuerySet
) -> AccessRule:
    """Create a rule, or get the same one. Raises MemoryNotFound for a memory not `among` these."""
    if memory_id is not None:
        among.one(memory_id)
    rule, _ = AccessRule.objects.get_or_create(app=app, memory_id=memory_id, effect=effect)
    return rule


def delete_rule(pk: uuid.UUID, *, app: App) -> None:
    """Raises RuleNotFound."""
    deleted, _ = AccessRule.objects.filter(app=app, pk=pk).delete()
    if not deleted:
        raise RuleNotFound
