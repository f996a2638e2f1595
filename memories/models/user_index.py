from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import User

from .embedding import EmbeddingSpace


class UserIndex(models.Model):
    """What a user who has outgrown exact search is searched with, in one space.

    The row is there only while the user's own index over their vectors is there and valid, so
    that a search need not ask the catalogue.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    space = models.ForeignKey(EmbeddingSpace, on_delete=models.CASCADE, related_name="+")
    memories = models.PositiveIntegerField(help_text="How many the user had when it was made.")
    common_words = models.JSONField(
        help_text="The lexemes of many of those memories, each with the number that it is in."
    )
    built_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "user indexes"
        constraints = [
            models.UniqueConstraint(fields=["user", "space"], name="one_index_per_user_and_space")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.space_id}"
