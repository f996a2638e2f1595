from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from functools import cached_property

import structlog
from django.conf import settings
from pgvector import HalfVector

from accounts.models import User
from configuration.providers import ProviderFailed, Vectors, WrongDimensions
from memories.models import EmbeddingSpace

from .stages import stage
from .words import Lexeme, look_up

log = structlog.get_logger(__name__)

# The model works while the words are looked up: both take about as long, on different cores.
_embedding = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="embedding")


@dataclass(frozen=True)
class Question:
    """A query as it is looked up: its vector in the current space, and its lexemes.

    It is `indexed` where the user has an index of their own, having outgrown exact search.
    """

    query: str
    user: User
    space: EmbeddingSpace
    indexed: bool
    lexemes: Sequence[Lexeme]
    embedded: Future[Vectors]

    @classmethod
    def of(cls, user: User, query: str) -> Question:
        space = EmbeddingSpace.objects.current()
        # In the context of this request, whose id and trace are told to its thread so.
        embedded = _embedding.submit(copy_context().run, _embed, space, query)
        lexemes, indexed = look_up(query, user=user, space=space)
        return cls(query, user, space, indexed, lexemes, embedded)

    @cached_property
    def vector(self) -> HalfVector | None:
        """Waits for the model. None where it is somebody else's and did not answer."""
        try:
            vector = self.embedded.result()
            if len(vector) != self.space.dimensions:
                raise WrongDimensions
        except ProviderFailed as error:
            if self.space.is_local:
                raise
            log.warning("a search was answered by words alone", reason=error.detail)
            return None
        return HalfVector(vector)

    @cached_property
    def vector_text(self) -> str | None:
        """The vector as SQL writes it."""
        return None if self.vector is None else self.vector.to_text()


def _embed(space: EmbeddingSpace, query: str) -> Vectors:
    with stage("embedding"):
        return space.embedder.embed_query(query, within=settings.SEARCH_EMBEDDING_SECONDS)
