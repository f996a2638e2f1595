from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef

from accounts.models import User
from configuration.providers import Vectors
from memories.models import EmbeddingSpace, UserIndex

from .words import Lexeme, lexemes_of


@dataclass(frozen=True)
class Question:
    """A query as it is looked up: its vector in the current space, and its lexemes.

    It is `indexed` where the user has an index of their own, having outgrown exact search.
    """

    user: User
    space: EmbeddingSpace
    vector: Vectors
    indexed: bool
    lexemes: Sequence[Lexeme]

    @classmethod
    def of(cls, user: User, query: str) -> Question:
        own_index = UserIndex.objects.filter(user=user, space=OuterRef("pk"))
        space = EmbeddingSpace.objects.annotate(indexed=Exists(own_index)).current()
        vector = space.embedder.embed_query(query)
        indexed: bool = space.indexed  # type: ignore[attr-defined]  # annotated above
        return cls(user, space, vector, indexed, lexemes_of(query, user=user, space=space))
