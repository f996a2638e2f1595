from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import User


class ConfigurationChange(models.Model):
    """One change of the configuration: who made it, when, and the old and new values."""

    changed_by = models.ForeignKey(
        User, on_delete=models.SET_NULL, null=True, related_name="+", db_index=False
    )
    operator = models.CharField(
        max_length=255, help_text="The operator's `user_id`, kept after the user is deleted."
    )
    changed_at = models.DateTimeField(default=timezone.now)
    changes = models.JSONField(
        help_text="A list of `{field, old, new}` as the API shows them: secrets are masked."
    )

    class Meta:
        ordering = ["changed_at", "id"]

    def __str__(self) -> str:
        return f"{self.operator}: {', '.join(change['field'] for change in self.changes)}"
