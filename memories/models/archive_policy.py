from __future__ import annotations

import uuid
from datetime import timedelta

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from accounts.models import User

from .category import Category
from .memory import Memory, MemoryQuerySet

LONGEST_DAYS = 36_500


class ArchivePolicyQuerySet(models.QuerySet["ArchivePolicy"]):
    def active(self) -> ArchivePolicyQuerySet:
        return self.filter(is_active=True)


class ArchivePolicy(models.Model):
    """That memories are archived which nobody has put down, edited or resumed for so many days.

    What it names narrows it down: all of it has to be true of a memory. What it leaves out does
    not matter, so that a policy which names nothing is about everything of everybody.
    """

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    days = models.PositiveIntegerField(
        validators=[MinValueValidator(1), MaxValueValidator(LONGEST_DAYS)],
        help_text="After how many days without a change a memory is archived.",
    )
    user = models.ForeignKey(
        User,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="archive_policies",
        db_index=False,
        help_text="Whose memories; everybody's when it is left empty.",
    )
    # By name, since everybody has an app of their own of that name.
    app_name = models.CharField(
        max_length=255, blank=True, help_text="The app that put them down; any when left empty."
    )
    category = models.ForeignKey(
        Category,
        on_delete=models.CASCADE,
        null=True,
        blank=True,
        related_name="archive_policies",
        db_index=False,
        help_text="The category that they are in; any when left empty.",
    )
    is_active = models.BooleanField(default=True, help_text="Whether it is followed.")
    made_by = models.ForeignKey(
        User,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        db_index=False,
        help_text="The operator in whose name it archives.",
    )
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    followed_at = models.DateTimeField(
        null=True, editable=False, help_text="When it was last followed to its end."
    )
    archived = models.PositiveBigIntegerField(
        default=0, editable=False, help_text="How many memories it has archived so far."
    )

    objects = ArchivePolicyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "archive policies"
        ordering = ["created_at", "id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(days__range=(1, LONGEST_DAYS)), name="archive_policy_waits_for_days"
            )
        ]

    def __str__(self) -> str:
        whose = f"of {self.user}" if self.user else "of everybody"
        through = f" put down by {self.app_name}" if self.app_name else ""
        about = f" about {self.category}" if self.category else ""
        return f"memories {whose}{through}{about} after {self.days} days"

    def due(self) -> MemoryQuerySet:
        """Find what it archives now.

        `updated_at` tells: it is when a memory was stored, edited or last brought back, whatever
        its text is about. So what is taken out of the archive stays out for the whole time again,
        and a conversation of years ago that was put down today is not archived tomorrow.
        """
        memories = Memory.objects.active().filter(
            updated_at__lt=timezone.now() - timedelta(days=self.days)
        )
        if self.user_id:
            memories = memories.filter(user=self.user_id)
        if self.app_name:
            memories = memories.filter(app__name=self.app_name)
        if self.category_id:
            memories = memories.in_categories_by_id([self.category_id])
        return memories
