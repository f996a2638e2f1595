from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import datetime

import structlog
from django.conf import settings
from django.utils.functional import cached_property
from pgvector import HalfVector

from configuration.errors import ProviderError, WrongDimensions
from configuration.providers import EmbeddedQuery, QueryTokens, embed_query
from core import clock
from memories.access.reader import Reader
from memories.models import EmbeddingSpace
from memories.time_words import Period, asks_when, find_period
from memories.words import asks_for_all, is_english

from .lexemes import Lexeme, parse_terms, query_lexemes
from .stages import stage

log = structlog.get_logger(__name__)

# In UTF-8, a text in Latin letters has few bytes more than characters; in others, twice as many.
LATIN_BYTES = 1.4

# The model embeds while the lexemes are queried: both take about as long, on different cores.
_embedding_threads = ThreadPoolExecutor(settings.WEB_THREADS, thread_name_prefix="embedding")


@dataclass(frozen=True)
class Query:
    """A query with its lexemes and its vector in the current space.

    `lexemes` are those that memories have, `unknown_lexemes` the others. `memories` is the number
    of memories that they were counted among. `has_index`: the user has too many memories for exact
    search, and so an index of their own. `wanted_terms`: how many terms a memory must have to have
    all that the query asks for; 0 if it does not ask for all. `period`: when what it asks for
    was, if it says so. What is valid `at` this time ranks first.
    """

    text: str
    reader: Reader
    space: EmbeddingSpace
    has_index: bool
    lexemes: Sequence[Lexeme]
    embedding: Future[EmbeddedQuery]
    wanted_terms: int = 0
    unknown_lexemes: Sequence[Lexeme] = ()
    memories: int = 0
    period: Period | None = None
    at: datetime = field(default_factory=clock.now)

    @classmethod
    def of(cls, reader: Reader, text: str, *, at: datetime | None = None) -> Query:
        terms = parse_terms(text)
        space, row = EmbeddingSpace.objects.load_kept()
        embedding = _start_embedding(space, text)
        lexemes = query_lexemes(terms, reader=reader, space=space)
        if lexemes.space != row:  # it has changed since
            space, _ = EmbeddingSpace.objects.load_kept(anew=True)
            embedding = _start_embedding(space, text)
            lexemes = query_lexemes(terms, reader=reader, space=space)
        return cls(
            text,
            reader,
            space,
            lexemes.has_index,
            lexemes.known,
            embedding,
            wanted_terms=sum(term.required for term in terms) if asks_for_all(text) else 0,
            unknown_lexemes=lexemes.unknown,
            memories=lexemes.memories,
            period=find_period(text, clock.now().astimezone(reader.user.zone)),
            at=at or clock.now(),
        )

    @cached_property
    def is_understood(self) -> bool:
        """Whether the model knows the script of the query. Else words decide."""
        return self.knows_all_scripts or self.is_latin

    @cached_property
    def knows_all_scripts(self) -> bool:
        return not self.space.embedder.is_latin_only

    @cached_property
    def asks_when(self) -> bool:
        return asks_when(self.text)

    @cached_property
    def is_latin(self) -> bool:
        return len(self.text.encode()) < LATIN_BYTES * len(self.text)

    @cached_property
    def vector(self) -> HalfVector | None:
        """Waits for the model. None if the provider did not respond."""
        try:
            vector = self.embedding.result().vector
            if len(vector) != self.space.dimensions:
                raise WrongDimensions
        except ProviderError as error:
            if self.space.is_local:
                raise
            log.warning("the query was not embedded: keyword search only", reason=error.detail)
            return None
        return HalfVector(vector)

    @cached_property
    def tokens(self) -> QueryTokens | None:
        """None where the model gives none, and for a query that is not in English.

        In other languages, those of the built-in model find less than its vectors of texts.
        """
        if self.vector is None or not is_english(self.text):
            return None
        tokens = self.embedding.result().tokens
        return tokens if tokens and tokens.words else None

    @cached_property
    def idf_by_term(self) -> dict[str, float]:
        return {lexeme.text: lexeme.idf for lexeme in (*self.lexemes, *self.unknown_lexemes)}

    @cached_property
    def vector_text(self) -> str | None:
        """The vector as an SQL literal."""
        return None if self.vector is None else self.vector.to_text()


def _start_embedding(space: EmbeddingSpace, text: str) -> Future[EmbeddedQuery]:
    # In the context of this request, so that the thread knows its id and trace.
    return _embedding_threads.submit(copy_context().run, _embed, space, text)


def _embed(space: EmbeddingSpace, text: str) -> EmbeddedQuery:
    with stage("embedding"):
        return embed_query(space.embedder, text, timeout=settings.SEARCH_EMBEDDING_SECONDS)
