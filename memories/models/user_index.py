from __future__ import annotations

from django.db import models
from django.utils import timezone

from accounts.models import User

from .embedding import EmbeddingSpace


class UserIndex(models.Model):
    """The HNSW index of a user with too many memories for exact search, in one space.

    The row exists only while the index exists and is valid, so that a search does not query the
    catalog.
    """

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    space = models.ForeignKey(EmbeddingSpace, on_delete=models.CASCADE, related_name="+")
    memories = models.PositiveIntegerField(
        help_text="Active memories of the user when they were last counted."
    )
    common_words = models.JSONField(
        help_text="The document frequencies of the common lexemes in those memories."
    )
    built_at = models.DateTimeField(default=timezone.now)

    class Meta:
        verbose_name_plural = "user indexes"
        constraints = [
            models.UniqueConstraint(fields=["user", "space"], name="one_index_per_user_and_space")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.space_id}"
