from __future__ import annotations

import uuid
from datetime import timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from core.quantities import with_noun

from .category import Category
from .memory import Memory, MemoryQuerySet

MAX_DAYS = 36_500


class ArchivePolicyQuerySet(models.QuerySet["ArchivePolicy"]):
    def active(self) -> ArchivePolicyQuerySet:
        return self.filter(is_active=True)


class ArchivePolicy(models.Model):
    """Archives memories that were not stored, edited or resumed for a number of days.

    A memory must match every condition that is set. A policy without conditions applies to all
    memories of all users.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    days = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(MAX_DAYS)],
        help_text="Days without a change after which a memory is archived.",
    )
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="archive_policies",
        db_index=False,
        help_text="The user whose memories it archives; all users if empty.",
    )
    # By name, as each user has an app of their own with that name.
    app_name = models.CharField(
        max_length=255, blank=True, help_text="The app that stored them; any app if empty."
    )
    category = models.ForeignKey(
        Category,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="archive_policies",
        db_index=False,
        help_text="The category that they are in; any category if empty.",
    )
    is_active = models.BooleanField(default=True, help_text="Whether it is applied.")
    made_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
        help_text="The operator recorded as the one who archives.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    followed_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was last applied completely."
    )
    archived = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="Memories archived so far."
    )

    objects = ArchivePolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "archive policies"
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(days__range=(1, MAX_DAYS)), name="archive_policy_waits_for_days"
            )
        ]

    def __str__(self) -> str:
        owner = f"of {self.user}" if self.user else "of all users"
        app = f" stored by {self.app_name}" if self.app_name else ""
        category = f" in {self.category}" if self.category else ""
        return f"memories {owner}{app}{category} after {with_noun(self.days, 'day')}"

    def due(self) -> MemoryQuerySet:
        """Find the memories that it archives now.

        `updated_at` decides: when a memory was stored, edited or last restored, whatever date it
        is about. So a restored memory stays active for the full period, and a conversation of
        years ago that was stored today is not archived tomorrow.
        """
        memories = (
            Memory.objects.active()
            .unexpired()
            .filter(updated_at__lt=timezone.now() - timedelta(days=self.days))
        )
        if self.user_id:
            memories = memories.filter(user=self.user_id)
        if self.app_name:
            memories = memories.filter(app__name=self.app_name)
        if self.category_id:
            memories = memories.in_categories_by_id([self.category_id])
        return memories
