"""Store the vectors of tokens with the embeddings that they belong to."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping

from configuration.catalog import TOKEN_VERSION
from memories.models import Embedding, TokenVectors


def store_tokens(
    embeddings: Iterable[Embedding], packed: Mapping[tuple[uuid.UUID, int], bytes]
) -> None:
    """Store the tokens of these embeddings, given by memory and space, where there are any."""
    rows = [
        TokenVectors(
            embedding=embedding,
            version=TOKEN_VERSION,
            vectors=packed[embedding.memory_id, embedding.space_id],
        )
        for embedding in embeddings
        if (embedding.memory_id, embedding.space_id) in packed
    ]
    if rows:
        TokenVectors.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["embedding"],
            update_fields=["version", "vectors"],
        )
