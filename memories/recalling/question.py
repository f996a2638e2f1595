from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from accounts.models import User
from configuration.providers import Vectors
from memories.models import EmbeddingSpace, UserIndex

from .words import Lexeme, lexemes_of


@dataclass(frozen=True)
class Question:
    """A query as it is looked up: its vector in the current space, and its lexemes.

    `index` is the user's own, of a user who has outgrown exact search.
    """

    user: User
    space: EmbeddingSpace
    vector: Vectors
    index: UserIndex | None
    lexemes: Sequence[Lexeme]

    @classmethod
    def of(cls, user: User, query: str) -> Question:
        space = EmbeddingSpace.objects.current()
        vector = space.embedder.embed_query(query)
        index = UserIndex.objects.filter(user=user, space=space).defer("common_words").first()
        return cls(user, space, vector, index, lexemes_of(query, user=user, index=index))
