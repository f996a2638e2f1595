"""Language models and embedders, each kind behind one small protocol."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from openmemory.errors import Unavailable

Vectors = NDArray[np.float32]


class ProviderUnavailable(Unavailable):
    """The embedding model cannot be reached."""

    code = "provider_unavailable"


class Embedder(Hashable, Protocol):
    """Turns texts into vectors of unit length, so that a dot product is their cosine."""

    provider: str
    model: str
    dimensions: int

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Embed texts to be found: float32, of shape (texts, dimensions)."""

    def embed_query(self, text: str) -> Vectors:
        """Embed a question: float32, of shape (dimensions,)."""

    def calibrate(self, cosine: float) -> float:
        """Put a cosine of this model on a scale where 0 is unrelated and 1 says the same."""


@cache
def embedder_for(provider: str, model: str) -> Embedder:
    """Find the embedder of a space. It is made once a process and used by all threads."""
    from .local import LocalEmbedder

    if (provider, model) == (LocalEmbedder.provider, LocalEmbedder.model):
        return LocalEmbedder()
    raise ProviderUnavailable(f"There is no embedder {provider}/{model} here.")
