from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass

import structlog
from django.conf import settings
from django.utils.functional import cached_property
from pgvector import HalfVector

from configuration.errors import ProviderError, WrongDimensions
from configuration.providers import Vectors
from memories.access.reader import Reader
from memories.models import EmbeddingSpace

from .lexemes import Lexeme, query_lexemes
from .stages import stage

log = structlog.get_logger(__name__)

# The model embeds while the lexemes are queried: both take about as long, on different cores.
_embedding_threads = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="embedding")


@dataclass(frozen=True)
class Query:
    """A query with its lexemes and its vector in the current space.

    `has_index`: the user has too many memories for exact search, and so an index of their own.
    """

    text: str
    reader: Reader
    space: EmbeddingSpace
    has_index: bool
    lexemes: Sequence[Lexeme]
    embedding: Future[Vectors]

    @classmethod
    def of(cls, reader: Reader, text: str) -> Query:
        space = EmbeddingSpace.objects.current()
        # In the context of this request, so that the thread knows its id and trace.
        embedding = _embedding_threads.submit(copy_context().run, _embed, space, text)
        lexemes, has_index = query_lexemes(text, reader=reader, space=space)
        return cls(text, reader, space, has_index, lexemes, embedding)

    @cached_property
    def vector(self) -> HalfVector | None:
        """Waits for the model. None if the provider did not respond."""
        try:
            vector = self.embedding.result()
            if len(vector) != self.space.dimensions:
                raise WrongDimensions
        except ProviderError as error:
            if self.space.is_local:
                raise
            log.warning("the query was not embedded: keyword search only", reason=error.detail)
            return None
        return HalfVector(vector)

    @cached_property
    def vector_text(self) -> str | None:
        """The vector as an SQL literal."""
        return None if self.vector is None else self.vector.to_text()


def _embed(space: EmbeddingSpace, text: str) -> Vectors:
    with stage("embedding"):
        return space.embedder.embed_query(text, timeout=settings.SEARCH_EMBEDDING_SECONDS)
