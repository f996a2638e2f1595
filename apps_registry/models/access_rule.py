from __future__ import annotations

import uuid

from django.db import models

from .app import App


class Effect(models.TextChoices):
    ALLOW = "allow"
    DENY = "deny"


class AccessRule(models.Model):
    """Whether an app may read one memory, or all memories of its user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey(App, on_delete=models.CASCADE, related_name="rules", db_index=False)
    # An id, not a foreign key: this Django app must not import `memories`.
    memory_id = models.UUIDField(
        null=True,
        blank=True,
        help_text="The memory that the rule applies to. Null for all memories.",
    )
    effect = models.CharField(
        max_length=5,
        choices=Effect,
        help_text="`deny` overrides `allow`. If it is allowed single memories, it reads no others.",
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["app", "memory_id", "effect"],
                name="access_rule_stated_once",
                nulls_distinct=False,
            ),
            models.CheckConstraint(
                condition=models.Q(effect__in=Effect.values), name="access_rule_effect_is_known"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.effect} {self.app_id} {self.memory_id or 'everything'}"
