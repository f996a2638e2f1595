from __future__ import annotations

from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField

from accounts.models import User
from configuration.providers import Embedder, embedder_for

from .memory import Memory


class EmbeddingSpaceQuerySet(models.QuerySet["EmbeddingSpace"]):
    def current(self) -> EmbeddingSpace:
        """The one space that searches are answered from."""
        return self.get(state=EmbeddingSpace.State.ACTIVE)


class EmbeddingSpace(models.Model):
    """The vectors of one model at one number of dimensions: only these can be compared."""

    class State(models.TextChoices):
        FILLING = "filling"
        ACTIVE = "active"
        KEPT = "kept"

    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=255)
    dimensions = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.FILLING)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = EmbeddingSpaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="active"), name="one_active_embedding_space"
            ),
            models.UniqueConstraint(
                fields=["provider", "model", "dimensions"], name="embedding_space_unique"
            ),
            models.CheckConstraint(
                condition=Q(dimensions__range=(1, 4000)), name="embedding_space_fits_halfvec"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}/{self.model} ({self.dimensions})"

    @property
    def embedder(self) -> Embedder:
        return embedder_for(self.provider, self.model)


class Embedding(models.Model):
    """Where a memory lies in one space."""

    memory = models.ForeignKey(
        Memory, on_delete=models.CASCADE, related_name="embeddings", db_index=False
    )
    space = models.ForeignKey(
        EmbeddingSpace, on_delete=models.CASCADE, related_name="embeddings", db_index=False
    )
    # The memory's owner once more, so that a search reads only this user's rows, and so that
    # a user can have an index of their own.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    vector = HalfVectorField(help_text="Of unit length, with as many dimensions as the space.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["memory", "space"], name="one_embedding_per_memory_and_space"
            )
        ]
        indexes = [models.Index(fields=["user", "space"], name="embedding_by_user_and_space")]

    def __str__(self) -> str:
        return f"{self.memory_id} in {self.space_id}"
