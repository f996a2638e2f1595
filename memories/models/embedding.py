from __future__ import annotations

import uuid
from functools import cached_property
from typing import Any

from django.db import connection, models
from django.db.models import Exists, OuterRef, Q
from pgvector.django import HalfVectorField

from accounts.models import User
from configuration import connection as reaching
from configuration.effective import EmbedderSettings
from configuration.providers import Embedder, embedder_for
from configuration.providers.catalog import LOCAL

from .memory import Memory, MemoryQuerySet

FIRST = uuid.UUID(int=0)  # no id comes before it

# What an index of `halfvec` can hold.
MOST_DIMENSIONS = 4000

# Any number that nothing else in this database locks: see `held`.
ADVISORY_LOCK = 5190513

# Two statements, as the second has to see what was done while the first one waited; sent at once.
HELD = """
SELECT pg_advisory_xact_lock_shared(5190513);
SELECT id FROM memories_embeddingspace WHERE state IN ('active', 'filling')
"""


class EmbeddingSpaceQuerySet(models.QuerySet["EmbeddingSpace"]):
    def current(self) -> EmbeddingSpace:
        """The one space that searches are answered from."""
        return self.get(state=EmbeddingSpace.State.ACTIVE)

    def written(self) -> EmbeddingSpaceQuerySet:
        """Keep the spaces that new and edited memories go into: the current one comes first."""
        live = [EmbeddingSpace.State.ACTIVE, EmbeddingSpace.State.FILLING]
        return self.filter(state__in=live).order_by("state")

    def held(self) -> set[int]:
        """The ids of the written spaces, which stay so until the transaction ends.

        A space becomes the current one only when nobody holds the spaces. So nobody can put
        down a memory in ignorance of a space and commit when searches go there already.
        """
        with connection.cursor() as cursor:
            cursor.execute(HELD)
            cursor.nextset()
            return {pk for (pk,) in cursor.fetchall()}


class EmbeddingSpace(models.Model):
    """The vectors of one model at one number of dimensions: only these can be compared."""

    class State(models.TextChoices):
        ACTIVE = "active"  # searched
        FILLING = "filling"  # to be searched once it is full
        PAUSED = "paused"  # begun, and left as it is for now
        KEPT = "kept"  # searched until another one was, to go back to
        DROPPING = "dropping"

    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=255)
    dimensions = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.FILLING)
    reach = models.JSONField(
        default=dict,
        blank=True,
        help_text="How its model is reached, which the configuration no longer says once it "
        "names another one. A key is sealed.",
    )
    comparison = models.JSONField(
        null=True, blank=True, help_text="How its results compare with those it was to replace."
    )
    created_at = models.DateTimeField(auto_now_add=True)
    activated_at = models.DateTimeField(null=True, blank=True)
    retired_at = models.DateTimeField(null=True, blank=True)

    objects = EmbeddingSpaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="active"), name="one_active_embedding_space"
            ),
            models.UniqueConstraint(
                fields=["state"], condition=Q(state="filling"), name="one_filling_embedding_space"
            ),
            models.UniqueConstraint(
                fields=["provider", "model", "dimensions"], name="embedding_space_unique"
            ),
            models.CheckConstraint(
                condition=Q(dimensions__range=(1, MOST_DIMENSIONS)),
                name="embedding_space_fits_halfvec",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}/{self.model} ({self.dimensions})"

    @property
    def settings(self) -> EmbedderSettings:
        return reaching.from_stored(self.provider, self.model, self.reach)

    @cached_property
    def embedder(self) -> Embedder:
        return embedder_for(self.settings)

    @property
    def is_local(self) -> bool:
        """Whether its model runs here, so that a request can wait for it."""
        return self.provider == LOCAL

    def is_of(self, settings: EmbedderSettings) -> bool:
        """Whether these settings lead to its model, as far as can be told without asking it."""
        return (self.provider, self.model) == (settings.provider, settings.model) and (
            settings.dimensions in (self.dimensions, self.settings.dimensions)
        )

    def enter(self, state: State) -> None:
        self.state = state
        self.save(update_fields=["state", "activated_at"])

    def keep_reach(self, reach: dict[str, Any]) -> None:
        if self.reach != reach:
            self.reach = reach
            self.save(update_fields=["reach"])

    def lacking(self, *, after: uuid.UUID = FIRST) -> MemoryQuerySet:
        """The memories that have no vector here and want one, of those with ids beyond this one.

        What was deleted is shown to no model any more.
        """
        # Said of both, as PostgreSQL would not conclude it of the second by itself.
        embedded = Embedding.objects.filter(
            memory=OuterRef("pk"), memory__gt=after, space_id=self.pk
        )
        return Memory.objects.undeleted().filter(~Exists(embedded), pk__gt=after)


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
