"""Many memories at once, put straight into the tables."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from accounts.models import User
from apps_registry.models import App
from memories.models import Embedding, EmbeddingSpace, Memory
from memories.models.fingerprint import fingerprint
from memories.search.search_vector import search_vector
from memories.vectors.tokens import store_tokens

BEGINNING = datetime(2020, 1, 1, tzinfo=UTC)


def stock(user: User, texts: Sequence[str], *, vectors: Any = None, **fields: Any) -> list[Memory]:
    """Give a user memories, each a minute after the one before, with vectors at random."""
    if vectors is None:
        vectors = np.random.default_rng(1).normal(size=(len(texts), 384))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    app, _ = App.objects.get_or_create(owner=user, name="stock")
    memories = [_memory(user, app, text, minute, fields) for minute, text in enumerate(texts)]
    space = EmbeddingSpace.objects.current()
    Memory.objects.bulk_create(memories)
    embeddings = Embedding.objects.bulk_create(
        Embedding(memory=memory, space=space, user=user, vector=vector)
        for memory, vector in zip(memories, vectors, strict=True)
    )
    if space.has_tokens:  # as of texts that say nothing
        store_tokens(embeddings, {(memory.pk, space.pk): b"" for memory in memories})
    return memories


def _memory(user: User, app: App, text: str, minute: int, fields: dict[str, Any]) -> Memory:
    created_at = BEGINNING + timedelta(minutes=minute)
    return Memory(
        user=user,
        app=app,
        content=text,
        created_at=created_at,
        words=search_vector(text, created_at),
        fingerprint=fingerprint(text),
        **fields,
    )
