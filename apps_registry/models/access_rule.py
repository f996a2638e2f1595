from __future__ import annotations

import uuid

from django.db import models
from django.db.models import Exists, Q


class Effect(models.TextChoices):
    ALLOW = "allow"
    DENY = "deny"


class AccessRuleQuerySet(models.QuerySet["AccessRule"]):
    def condition_for(self, app_id: uuid.UUID, *, memory_id: str = "pk") -> Q:
        """The condition that an app may read the memory whose id is in this field.

        Deny overrides allow. If any rule allows a single memory, only allowed memories are read.
        """
        rules = self.filter(app=app_id)
        denying, allowing = rules.filter(effect=Effect.DENY), rules.filter(effect=Effect.ALLOW)
        # Of no outer row: PostgreSQL reads the rules once, however many memories it tests.
        denied_ids, allowed_ids = (
            named.filter(memory_id__isnull=False).values("memory_id")
            for named in (denying, allowing)
        )
        return (
            ~Q(Exists(denying.filter(memory_id=None)))
            & ~Q(**{f"{memory_id}__in": denied_ids})
            & (~Q(Exists(allowed_ids)) | Q(**{f"{memory_id}__in": allowed_ids}))
        )


class AccessRule(models.Model):
    """Whether an app may read one memory, or all memories of its user."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    app = models.ForeignKey("App", on_delete=models.CASCADE, related_name="rules", db_index=False)
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

    objects = AccessRuleQuerySet.as_manager()

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
