"""What a language model and an embedding model can do, wherever they run."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
Message = Mapping[str, str]  # its role, `user` or `assistant`, and its content


@dataclass(frozen=True)
class Answer:
    """The object that was asked for, and what is missing: items that did not fit, or its end."""

    value: dict[str, Any]
    left_out: int = 0
    is_cut: bool = False


class LanguageModel(Protocol):
    """Answers with JSON. Every failure is a ProviderError."""

    def complete(
        self,
        system: str,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        name: str,
        timeout: float | None = None,
    ) -> Answer:
        """Answer with an object that fits the JSON schema. The model sees the schema's `name`.

        `timeout` in seconds, by default OPENMEMORY_LLM_TIMEOUT, covers all attempts. Providers
        want a schema in which every property is required and no other is allowed; the caller has
        to check limits of lengths and numbers.
        """


class QueryTokens(NamedTuple):
    """The tokens of a query that say something: the word of each, and its unit vector."""

    words: Sequence[str]
    vectors: Vectors


class EmbeddedDocuments(NamedTuple):
    """The vectors of texts and, from a model that gives them, those of their tokens, packed."""

    vectors: Vectors
    tokens: Sequence[bytes] | None = None


class EmbeddedQuery(NamedTuple):
    """The vector of a query and, from a model that gives them, those of its tokens."""

    vector: Vectors
    tokens: QueryTokens | None = None


class Embedder(Hashable, Protocol):
    """Turns texts into unit vectors, whose dot product is their cosine.

    For a remote model, `timeout` in seconds is OPENMEMORY_EMBEDDER_TIMEOUT by default, and every
    failure is a ProviderError.
    """

    @property
    def provider(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def dimensions(self) -> int | None:
        """None means the model's own."""

    @property
    def is_latin_only(self) -> bool:
        """Whether it knows no other script: its cosines of other texts say nothing."""

    def embed_documents(self, texts: Sequence[str], *, timeout: float | None = None) -> Vectors:
        """Embed texts to be searched: float32, of shape (texts, dimensions)."""

    def embed_query(self, text: str, *, timeout: float | None = None) -> Vectors:
        """Embed a query: float32, of shape (dimensions,)."""

    def calibrate(self, cosine: float) -> float:
        """Scale one of this model's cosines: 0 means unrelated, 1 the same meaning."""


@runtime_checkable
class TokenEmbedder(Protocol):
    """An embedder that also gives the vectors of tokens, in the same run of its model."""

    def embed_documents_with_tokens(self, texts: Sequence[str]) -> EmbeddedDocuments: ...

    def embed_query_with_tokens(self, text: str) -> EmbeddedQuery: ...
