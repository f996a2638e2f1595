"""Language models and embedding models: each kind has one small protocol.

Their modules are imported on first use. OpenAI's client and ONNX Runtime are slow to import, and
most processes need one of them at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

from configuration.catalog import LOCAL, LOCAL_EMBEDDING_MODEL
from configuration.errors import ProviderUnavailable
from configuration.model_settings import EmbedderSettings, LlmSettings

from .protocols import (
    EmbeddedDocuments,
    EmbeddedQuery,
    Embedder,
    LanguageModel,
    Message,
    QueryTokens,
    TokenEmbedder,
    Vectors,
)

__all__ = [
    "EmbeddedDocuments",
    "EmbeddedQuery",
    "Embedder",
    "LanguageModel",
    "Message",
    "QueryTokens",
    "TokenEmbedder",
    "Vectors",
    "embed_documents",
    "embed_query",
    "get_embedder",
    "get_language_model",
    "get_local_embedder",
]


def get_language_model(settings: LlmSettings) -> LanguageModel | None:
    """The configured language model, None if there is none. Raises KeyMissing, KeyLost."""
    from .client import Endpoint
    from .llm import RemoteLanguageModel

    endpoint = Endpoint.from_settings(settings)
    return RemoteLanguageModel(settings, endpoint) if endpoint else None


def get_embedder(settings: EmbedderSettings) -> Embedder:
    """The configured embedding model. It is loaded, or connected to, on first use."""
    if settings.is_local:
        return get_local_embedder(settings.model or LOCAL_EMBEDDING_MODEL)
    from .embedder import RemoteEmbedder

    return RemoteEmbedder(settings)


def embed_documents(embedder: Embedder, texts: Sequence[str]) -> EmbeddedDocuments:
    """Embed texts to be searched, with their tokens where the model gives them."""
    if isinstance(embedder, TokenEmbedder):
        return embedder.embed_documents_with_tokens(texts)
    return EmbeddedDocuments(embedder.embed_documents(texts))


def embed_query(embedder: Embedder, text: str, *, timeout: float | None = None) -> EmbeddedQuery:
    """Embed a query, with its tokens where the model gives them."""
    if isinstance(embedder, TokenEmbedder):
        return embedder.embed_query_with_tokens(text)
    return EmbeddedQuery(embedder.embed_query(text, timeout=timeout))


def get_local_embedder(model: str = LOCAL_EMBEDDING_MODEL) -> Embedder:
    """A built-in model: one instance per process, shared by all threads."""
    return _load_local_embedder(model)


@cache  # by its one argument: a default would be a second key, and a second copy of the model
def _load_local_embedder(model: str) -> Embedder:
    from .local import LocalEmbedder
    from .multilingual import MultilingualEmbedder

    for embedder_class in (LocalEmbedder, MultilingualEmbedder):
        if model == embedder_class.model:
            return embedder_class()
    raise ProviderUnavailable(f"There is no embedding model {LOCAL}/{model} here.")
