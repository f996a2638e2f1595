"""Language models and embedders, each kind behind one small protocol."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from configuration.errors import (
    AnswerUnusable,
    CallRefused,
    KeyRefused,
    ModelRefused,
    ProviderFailed,
    ProviderUnavailable,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
    WrongDimensions,
)

from .catalog import LOCAL, LOCAL_EMBEDDING_MODEL

if TYPE_CHECKING:
    from configuration.effective import EmbedderSettings, LlmSettings

__all__ = [
    "AnswerUnusable",
    "CallRefused",
    "Completer",
    "Embedder",
    "KeyRefused",
    "Message",
    "ModelRefused",
    "ProviderFailed",
    "ProviderUnavailable",
    "ProviderUnreachable",
    "QuotaExhausted",
    "RateLimited",
    "Vectors",
    "WrongDimensions",
    "built_in",
    "completer_for",
    "embedder_for",
]

Vectors = NDArray[np.float32]
Message = Mapping[str, str]  # its role, `user` or `assistant`, and its content


class Completer(Protocol):
    """Answers with JSON. All that can go wrong is a ProviderFailed."""

    def complete(
        self,
        system: str,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any],
        name: str,
        within: float | None = None,
    ) -> dict[str, Any]:
        """Return an object that fits the JSON schema, which `name` names to the model.

        It takes `within` seconds at most (OPENMEMORY_LLM_TIMEOUT when left out), another attempt
        included. Providers want a schema in which every property is required and no other is
        allowed; bounds of lengths and numbers are for the caller to check.
        """


class Embedder(Hashable, Protocol):
    """Turns texts into vectors of unit length, so that a dot product is their cosine.

    A model that does not run here takes `within` seconds at most (OPENMEMORY_EMBEDDER_TIMEOUT
    when left out), and what it may raise is a ProviderFailed.
    """

    @property
    def provider(self) -> str: ...

    @property
    def model(self) -> str: ...

    @property
    def dimensions(self) -> int | None:
        """None stands for as many as the model answers with."""

    def embed_documents(self, texts: Sequence[str], *, within: float | None = None) -> Vectors:
        """Embed texts to be found: float32, of shape (texts, dimensions)."""

    def embed_query(self, text: str, *, within: float | None = None) -> Vectors:
        """Embed a question: float32, of shape (dimensions,)."""

    def calibrate(self, cosine: float) -> float:
        """Put a cosine of this model on a scale where 0 is unrelated and 1 says the same."""


def completer_for(settings: LlmSettings) -> Completer | None:
    """Find the language model to use, None when none is configured. Raises KeyMissing, KeyLost."""
    from .client import Line
    from .llm import RemoteCompleter

    line = Line.of(settings)
    return RemoteCompleter(settings, line) if line else None


def embedder_for(settings: EmbedderSettings) -> Embedder:
    """Find the embedding model to use. It is loaded, or asked, when it is first needed."""
    from .embedder import RemoteEmbedder

    if settings.is_local:
        return built_in(settings.model or LOCAL_EMBEDDING_MODEL)
    return RemoteEmbedder(settings)


@cache
def built_in(model: str = LOCAL_EMBEDDING_MODEL) -> Embedder:
    """Find a model that runs in this process. It is made once, and used by all threads."""
    from .local import LocalEmbedder
    from .multilingual import MultilingualEmbedder

    for kind in (LocalEmbedder, MultilingualEmbedder):
        if model == kind.model:
            return kind()
    raise ProviderUnavailable(f"There is no embedder {LOCAL}/{model} here.")
