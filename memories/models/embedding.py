from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connection, models
from django.db.models import Exists, OuterRef, Q
from django.db.models.expressions import RawSQL
from django.utils.functional import cached_property
from pgvector import HalfVector
from pgvector.django import HalfVectorField

from accounts.models import User
from configuration.catalog import LOCAL, LOCAL_EMBEDDING_MODEL, TOKEN_VERSION
from configuration.connection import load_settings
from configuration.model_settings import EmbedderSettings
from configuration.providers import Embedder, get_embedder
from core.compiled_query import CompiledQuery
from core.locks import Lock

from .memory import Memory, MemoryQuerySet

LOWEST_ID = uuid.UUID(int=0)

# The limit of an index over `halfvec`.
MAX_DIMENSIONS = 4000

# Two statements, as the second must see what was committed while the first waited. Sent in one
# round trip.
LOCK_WRITTEN = """
SELECT pg_advisory_xact_lock_shared(%s);
SELECT id FROM memories_embeddingspace WHERE state IN ('active', 'filling')
"""

# Those in other spaces are left out. Sent with LOCK_WRITTEN in one round trip.
INSERT = """
WITH given AS (
    SELECT * FROM unnest(%s::uuid[], %s::bigint[], %s::uuid[], %s::text[], %s::bytea[])
        AS given (memory_id, space_id, user_id, vector, tokens)
    WHERE space_id IN (SELECT id FROM memories_embeddingspace WHERE state IN ('active', 'filling'))
), stored AS (
    INSERT INTO memories_embedding (memory_id, space_id, user_id, vector)
    SELECT memory_id, space_id, user_id, vector::halfvec FROM given
    RETURNING id, memory_id, space_id
)
INSERT INTO memories_tokenvectors (embedding_id, version, vectors)
SELECT stored.id, %s, given.tokens
FROM stored JOIN given USING (memory_id, space_id) WHERE given.tokens IS NOT NULL
"""


class EmbeddingSpaceQuerySet(models.QuerySet["EmbeddingSpace"]):
    def current(self) -> EmbeddingSpace:
        """The one space that is searched. Raises EmbeddingSpace.DoesNotExist."""
        spaces: list[EmbeddingSpace] = _current.fetch(state=EmbeddingSpace.State.ACTIVE)
        if not spaces:
            raise EmbeddingSpace.DoesNotExist
        return spaces[0]

    def load_kept(self, *, anew: bool = False) -> tuple[EmbeddingSpace, str]:
        """The current space as this process last read it, and its row.

        Whoever uses it looks with a statement of their own whether it still is. Raises
        EmbeddingSpace.DoesNotExist.
        """
        global _kept
        if _kept is None or anew:
            rows: list[Any] = _current_row.fetch(state=EmbeddingSpace.State.ACTIVE)
            if not rows:
                raise EmbeddingSpace.DoesNotExist
            _kept = rows[0]
        # A copy: what is known of the connection to its model holds for a request only.
        names = [field.attname for field in EmbeddingSpace._meta.concrete_fields]
        values = [getattr(_kept, name) for name in names]
        return EmbeddingSpace.from_db(DEFAULT_DB_ALIAS, names, values), _kept.row

    def written(self) -> EmbeddingSpaceQuerySet:
        """Keep the spaces that new and edited memories are embedded in, the current one first."""
        written = [EmbeddingSpace.State.ACTIVE, EmbeddingSpace.State.FILLING]
        return self.filter(state__in=written).order_by("state")

    def load_written(self) -> list[EmbeddingSpace]:
        return _written.fetch()

    def locked(self) -> EmbeddingSpaceQuerySet:
        """Lock these rows until the transaction ends."""
        return self.select_for_update()

    def lock_written(self) -> set[int]:
        """Return the ids of the written spaces, and keep them so until the transaction ends.

        Writers share the lock, and a switch needs it alone. So no memory can be committed without
        a vector in a space that has become the current one meanwhile.
        """
        with connection.cursor() as cursor:
            cursor.execute(LOCK_WRITTEN, [Lock.EMBEDDING_SPACES])
            cursor.nextset()
            return {pk for (pk,) in cursor.fetchall()}


class EmbeddingSpace(models.Model):
    """The vectors of one model with one number of dimensions. Only these are comparable."""

    class State(models.TextChoices):
        ACTIVE = "active"  # searched
        FILLING = "filling"  # searched once it is full
        PAUSED = "paused"  # partly filled
        KEPT = "kept"  # formerly searched, kept for a rollback
        DROPPING = "dropping"

    provider = models.CharField(max_length=32)
    model = models.CharField(max_length=255)
    dimensions = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=State, default=State.FILLING)
    reach = models.JSONField(
        default=dict,
        blank=True,
        help_text="The connection to its model, kept for when another model is configured. A key "
        "is encrypted.",
    )
    comparison = models.JSONField(
        null=True,
        blank=True,
        help_text="How similar its results are to those of the current space.",
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
                condition=Q(dimensions__range=(1, MAX_DIMENSIONS)),
                name="embedding_space_fits_halfvec",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.provider}/{self.model} ({self.dimensions})"

    @property
    def settings(self) -> EmbedderSettings:
        return load_settings(self.provider, self.model, self.reach)

    @cached_property
    def embedder(self) -> Embedder:
        return get_embedder(self.settings)

    @property
    def is_local(self) -> bool:
        """Whether its model runs on this machine, so that requests can wait for it."""
        return self.provider == LOCAL

    @property
    def has_tokens(self) -> bool:
        """Whether its model gives the vectors of tokens."""
        return self.is_local and self.model == LOCAL_EMBEDDING_MODEL

    def is_of(self, settings: EmbedderSettings) -> bool:
        """Whether these settings are for its model, as far as known without calling it."""
        return (self.provider, self.model) == (settings.provider, settings.model) and (
            settings.dimensions in (self.dimensions, self.settings.dimensions)
        )

    def enter(self, state: State) -> None:
        self.state = state
        self.save(update_fields=["state", "activated_at"])

    def save_connection(self, connection: dict[str, Any]) -> None:
        if self.reach != connection:
            self.reach = connection
            self.save(update_fields=["reach"])

    def unembedded(self, *, after: uuid.UUID = LOWEST_ID) -> MemoryQuerySet:
        """The memories without a vector in this space, of those with ids `after` this one.

        Deleted memories are not sent to any model.
        """
        # The range is given for both tables: PostgreSQL does not infer it for the second.
        embedded = Embedding.objects.filter(
            memory=OuterRef("pk"), memory__gt=after, space_id=self.pk
        )
        return Memory.objects.undeleted().filter(~Exists(embedded), pk__gt=after)

    def incomplete(self, *, after: uuid.UUID = LOWEST_ID) -> MemoryQuerySet:
        """Those, and the memories without the vectors of their tokens, if its model gives them."""
        if not self.has_tokens:
            return self.unembedded(after=after)
        embedded = Embedding.objects.filter(
            memory=OuterRef("pk"),
            memory__gt=after,
            space_id=self.pk,
            tokens__version=TOKEN_VERSION,
        )
        return Memory.objects.undeleted().filter(~Exists(embedded), pk__gt=after)


def _in_state(state: str) -> models.QuerySet[EmbeddingSpace]:
    return EmbeddingSpace.objects.filter(state=state)


def _with_row(state: str) -> models.QuerySet[EmbeddingSpace]:
    row = RawSQL("memories_embeddingspace::text", [], output_field=models.TextField())
    return _in_state(state).annotate(row=row)


# The current space with its `row`, as this process last read it.
_kept: Any = None
_current_row = CompiledQuery(_with_row, state=str(EmbeddingSpace.State.ACTIVE))

# Read with each store.
_current = CompiledQuery(_in_state, state=str(EmbeddingSpace.State.ACTIVE))
_written = CompiledQuery(lambda: EmbeddingSpace.objects.written())


class EmbeddingQuerySet(models.QuerySet["Embedding"]):
    def insert(self, embeddings: Sequence[Embedding], tokens: Sequence[bytes | None]) -> set[int]:
        """Insert those that are in written spaces, with their tokens, in the same order.

        Returns the ids of the written spaces, which stay so until the transaction ends.
        """
        columns: list[Any] = [
            [embedding.memory_id for embedding in embeddings],
            [embedding.space_id for embedding in embeddings],
            [embedding.user_id for embedding in embeddings],
            [HalfVector(embedding.vector).to_text() for embedding in embeddings],
            list(tokens),
        ]
        with connection.cursor() as cursor:
            parameters: list[Any] = [Lock.EMBEDDING_SPACES, *columns, TOKEN_VERSION]
            cursor.execute(f"{LOCK_WRITTEN}; {INSERT}", parameters)
            cursor.nextset()
            return {pk for (pk,) in cursor.fetchall()}


class Embedding(models.Model):
    """The vector of a memory in one space."""

    memory = models.ForeignKey(
        Memory, on_delete=models.CASCADE, related_name="embeddings", db_index=False
    )
    space = models.ForeignKey(
        EmbeddingSpace, on_delete=models.CASCADE, related_name="embeddings", db_index=False
    )
    # Copied from the memory, so that a search reads only the rows of one user, and so that a user
    # can have an index of their own.
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+", db_index=False)
    vector = HalfVectorField(help_text="A unit vector with the dimensions of the space.")

    objects = EmbeddingQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["memory", "space"], name="one_embedding_per_memory_and_space"
            )
        ]
        indexes = [models.Index(fields=["user", "space"], name="embedding_by_user_and_space")]

    def __str__(self) -> str:
        return f"{self.memory_id} in {self.space_id}"


class TokenVectors(models.Model):
    """The vectors of the tokens of a memory in one space: a part of its embedding.

    The database deletes them with the embedding, whoever deletes that.
    """

    embedding = models.OneToOneField(
        Embedding,
        primary_key=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,  # the migration adds one with ON DELETE CASCADE
        related_name="tokens",
    )
    version = models.PositiveSmallIntegerField(help_text="Of what made them.")
    vectors = models.BinaryField(help_text="Unit vectors, one after another, a byte a number.")

    def __str__(self) -> str:
        return f"tokens of {self.embedding_id}"
