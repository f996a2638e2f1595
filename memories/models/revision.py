from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import User

from .memory import Memory


class Revision(models.Model):
    """The content of a memory before an edit."""

    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="revisions")
    content = models.TextField(help_text="The text before the edit.")
    edited_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    edited_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["edited_at", "id"]

    def __str__(self) -> str:
        return self.content[:80]
