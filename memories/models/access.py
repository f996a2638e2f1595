from __future__ import annotations

from django.db import models
from django.utils import timezone

from apps_registry.models import App

from .memory import Memory


class Access(models.Model):
    """One access to a memory by an app, or by a user without an app."""

    memory = models.ForeignKey(
        Memory, on_delete=models.CASCADE, related_name="accesses", db_index=False
    )
    app = models.ForeignKey(
        App, on_delete=models.CASCADE, null=True, related_name="accesses", db_index=False
    )
    accessed_at = models.DateTimeField(default=timezone.now)
    access_type = models.CharField(max_length=16, help_text="The kind of access, such as `search`.")
    metadata = models.JSONField(default=dict, blank=True)

    class Meta:
        verbose_name_plural = "accesses"
        indexes = [
            models.Index(fields=["memory", "-accessed_at", "-id"], name="access_by_memory"),
            # What an app read, and when: the memory comes along, so that it alone answers.
            models.Index(fields=["app", "-accessed_at", "memory"], name="access_by_app_and_time"),
        ]

    def __str__(self) -> str:
        return f"{self.access_type} at {self.accessed_at}"


class FirstAccess(models.Model):
    """Marks that an app has read a memory, so that `App.memories_read` counts it once."""

    memory = models.ForeignKey(Memory, on_delete=models.CASCADE, related_name="+", db_index=False)
    app = models.ForeignKey(
        App, on_delete=models.CASCADE, related_name="first_accesses", db_index=False
    )

    class Meta:
        verbose_name_plural = "first accesses"
        constraints = [
            models.UniqueConstraint(fields=["memory", "app"], name="one_first_access_per_app")
        ]
        # For `recount`, and for what an app with rules is told that others have read.
        indexes = [models.Index(fields=["app"], name="first_access_by_app")]

    def __str__(self) -> str:
        return f"{self.memory_id} by {self.app_id}"
