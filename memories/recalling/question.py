from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property

from django.conf import settings
from pgvector import HalfVector

from accounts.models import User
from configuration.providers import Vectors
from memories.models import EmbeddingSpace

from .words import Lexeme, look_up

# The model works while the words are looked up: both take about as long, on different cores.
_embedding = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="embedding")


@dataclass(frozen=True)
class Question:
    """A query as it is looked up: its vector in the current space, and its lexemes.

    It is `indexed` where the user has an index of their own, having outgrown exact search.
    """

    user: User
    space: EmbeddingSpace
    indexed: bool
    lexemes: Sequence[Lexeme]
    embedded: Future[Vectors]

    @classmethod
    def of(cls, user: User, query: str) -> Question:
        space = EmbeddingSpace.objects.current()
        embedded = _embedding.submit(space.embedder.embed_query, query)
        lexemes, indexed = look_up(query, user=user, space=space)
        return cls(user, space, indexed, lexemes, embedded)

    @cached_property
    def vector(self) -> HalfVector:
        """Waits for the model, and raises what it raised."""
        return HalfVector(self.embedded.result())
