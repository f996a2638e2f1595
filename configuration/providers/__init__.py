"""Language models and embedders, each kind behind one small protocol."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .errors import (
    AnswerUnusable,
    CallRefused,
    KeyRefused,
    ModelRefused,
    ProviderFailed,
    ProviderUnavailable,
    ProviderUnreachable,
    QuotaExhausted,
    RateLimited,
)

if TYPE_CHECKING:
    from configuration.reading import LlmSettings

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

    What a remote one may raise is a ProviderFailed.
    """

    provider: str
    model: str
    dimensions: int

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed texts to be found: float32, of shape (texts, dimensions)."""

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: float32, of shape (dimensions,)."""

    def calibrate(self, cosine: float) -> float:
        """Put a cosine of this model on a scale where 0 is unrelated and 1 says the same."""


def completer_for(settings: LlmSettings) -> Completer | None:
    """Find the language model to use, None when none is configured. Raises KeyMissing, KeyLost."""
    from .asking import Line
    from .completing import RemoteCompleter

    line = Line.of(settings)
    return RemoteCompleter(settings, line) if line else None


@lru_cache(maxsize=64)
def embedder_for(provider: str, model: str) -> Embedder:
    """Find the embedder of a space. It is made once a process and used by all threads."""
    from .local import LocalEmbedder

    if (provider, model) == (LocalEmbedder.provider, LocalEmbedder.model):
        return LocalEmbedder()
    raise ProviderUnavailable(f"There is no embedder {provider}/{model} here.")
