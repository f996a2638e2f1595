from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import User

from .memory import Memory, State


class StateChange(models.Model):
    """One step in the life of a memory: its beginning, and each change of state after it."""

    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="state_changes")
    old_state = models.CharField(
        max_length=8, choices=State, blank=True, help_text="Empty where the memory began."
    )
    new_state = models.CharField(max_length=8, choices=State)
    changed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    changed_at = models.DateTimeField(default=timezone.now)
    reason = models.CharField(max_length=255, blank=True)

    class Meta:
        ordering = ["changed_at", "id"]

    def __str__(self) -> str:
        return f"{self.old_state or 'new'} → {self.new_state}"
