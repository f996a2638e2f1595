"""What searches need of texts that memories no longer have. The database writes both."""

from __future__ import annotations

from django.contrib.postgres.search import SearchVectorField
from django.db import models
from django.db.models import Q
from pgvector.django import HalfVectorField

from accounts.models import User

from .embedding import EmbeddingSpace


class FormerText(models.Model):
    """What belonged to a text until the line that replaced it; as yet none while that is written.

    Without constraints on its memory: it goes when the log learns that the memory is gone.
    """

    user = models.ForeignKey(
        User, on_delete=models.DO_NOTHING, db_constraint=False, db_index=False, related_name="+"
    )
    memory_id = models.UUIDField()
    sequence = models.BigIntegerField(
        null=True, help_text="Of the line that replaced it, in the log of the user."
    )

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.memory_id} until {self.sequence}"


class FormerWords(FormerText):
    """The lexemes of a text, and of the day on which it was said."""

    words = SearchVectorField()
    is_new_text = models.BooleanField(
        help_text="Whether the text was replaced, or only the time when it was said."
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["memory_id"], condition=Q(sequence=None), name="former_words_once"
            )
        ]
        indexes = [
            models.Index(fields=["memory_id", "sequence"], name="former_words_by_memory"),
            models.Index(fields=["user", "sequence"], name="former_words_by_user"),
        ]


class FormerVector(FormerText):
    """The vector of a text in one space."""

    space = models.ForeignKey(EmbeddingSpace, on_delete=models.CASCADE, related_name="+")
    vector = HalfVectorField()
    token_version = models.PositiveSmallIntegerField(null=True)
    tokens = models.BinaryField(null=True, help_text="The vectors of its tokens, if it had any.")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["memory_id", "space"],
                condition=Q(sequence=None),
                name="former_vector_once",
            )
        ]
        indexes = [
            models.Index(fields=["memory_id", "sequence"], name="former_vector_by_memory"),
            # The id that it has among the vectors of the past.
            models.Index(models.F("id") * -1, name="former_vector_by_shown_id"),
        ]
