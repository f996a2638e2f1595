from __future__ import annotations

from django.db import models

from accounts.models import User


class Categorization(models.Model):
    """That a memory is about a category."""

    memory = models.ForeignKey("memories.Memory", on_delete=models.CASCADE, db_index=False)
    category = models.ForeignKey("memories.Category", on_delete=models.CASCADE)
    # The memory's owner once more: which categories a user has is then read from one index.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["memory", "category"], name="memory_in_category_once")
        ]
        indexes = [
            models.Index(fields=["user", "category", "memory"], name="categorization_by_user")
        ]

    def __str__(self) -> str:
        return f"{self.memory_id} in {self.category_id}"
