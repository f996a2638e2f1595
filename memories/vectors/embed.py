"""Embed memories in every space that new memories are written to.

Requests wait for a model that runs on this machine, and never for a remote one: until a job has
embedded the memory, keyword search finds it.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import repeat

import numpy as np

from accounts.models import User
from configuration.catalog import TOKEN_VERSION
from configuration.providers import EmbeddedDocuments, Vectors, embed_documents, get_local_embedder
from core.sql import execute, fetch_all
from jobs.models import Job
from memories.categories.classifier import classify
from memories.models import Embedding, EmbeddingSpace, Memory

from .embedding_jobs import embed_missing, embed_new
from .user_index import check_growth

KEEP_VECTORS = """
WITH gone AS (
    DELETE FROM memories_embedding WHERE memory_id = %s
    RETURNING id, user_id, memory_id, space_id, vector
)
INSERT INTO memories_formervector (user_id, memory_id, space_id, vector, token_version, tokens)
SELECT user_id, memory_id, space_id, vector, tokens.version, tokens.vectors
FROM gone LEFT JOIN memories_tokenvectors AS tokens ON tokens.embedding_id = gone.id
ON CONFLICT (memory_id, space_id) WHERE sequence IS NULL DO NOTHING
"""

EMBEDDED = """
SELECT space_id, vector::real[], tokens.vectors
FROM memories_embedding AS embedding LEFT JOIN memories_tokenvectors AS tokens
    ON tokens.embedding_id = embedding.id AND tokens.version = %s
WHERE memory_id = %s
"""


@dataclass(frozen=True)
class EmbeddedTexts:
    """Texts and, for each space whose model was called, their vectors in the same order."""

    texts: Sequence[str]
    vectors: Mapping[EmbeddingSpace, Vectors]
    tokens: Mapping[EmbeddingSpace, Sequence[bytes]]  # of the spaces whose models give them

    def at(self, index: int) -> EmbeddedTexts:
        """One of the texts alone."""
        return self.take([index])

    def take(self, indexes: Sequence[int]) -> EmbeddedTexts:
        """Some of the texts."""
        vectors = {space: vectors[list(indexes)] for space, vectors in self.vectors.items()}
        tokens = {
            space: [tokens[index] for index in indexes] for space, tokens in self.tokens.items()
        }
        return EmbeddedTexts([self.texts[index] for index in indexes], vectors, tokens)

    def category_names(self) -> list[list[str]]:
        """Classify each text, always with a model of this machine: the names of its categories."""
        for space, vectors in self.vectors.items():
            if space.is_local:
                return [classify(vector, space.embedder) for vector in vectors]
        embedder = get_local_embedder()
        vectors = embedder.embed_documents(self.texts)
        return [classify(vector, embedder) for vector in vectors]


def embed_texts(
    texts: Sequence[str], *, for_job: bool = False, stored: Memory | None = None
) -> EmbeddedTexts:
    """Embed the texts of future memories. Not in a transaction: it takes a while.

    A job also waits for the model of the current space if that is remote. Then this raises
    ProviderError, and the current space is the first. The text of a memory that is `stored` is not
    embedded again.
    """
    spaces = [
        space
        for space in EmbeddingSpace.objects.load_written()
        if space.is_local or (for_job and space.state == EmbeddingSpace.State.ACTIVE)
    ]
    known = _load_known(stored, spaces) if stored is not None and stored.content in texts else {}
    embedded = {
        space: _embed_others(space, texts, *known[space])
        if space in known
        else _embed(space, texts)
        for space in spaces
    }
    return EmbeddedTexts(
        texts,
        {space: documents.vectors for space, documents in embedded.items()},
        {space: documents.tokens for space, documents in embedded.items() if documents.tokens},
    )


def _embed(space: EmbeddingSpace, texts: Sequence[str]) -> EmbeddedDocuments:
    if len(texts) < 2 or not space.is_local:
        return embed_documents(space.embedder, texts)
    documents = [*_pool().map(embed_documents, repeat(space.embedder), [[it] for it in texts])]
    return EmbeddedDocuments(
        np.concatenate([document.vectors for document in documents]),
        [packed for document in documents for packed in document.tokens or ()],
    )


def _embed_others(
    space: EmbeddingSpace, texts: Sequence[str], text: str, known: EmbeddedDocuments
) -> EmbeddedDocuments:
    """Embed these texts, but for one of which that is known."""
    others = _embed(space, [each for each in texts if each != text])
    vectors, tokens = iter(others.vectors), iter(others.tokens or ())
    is_known = [each == text for each in texts]
    return EmbeddedDocuments(
        np.stack([known.vectors[0] if is_it else next(vectors) for is_it in is_known]),
        known.tokens and [known.tokens[0] if is_it else next(tokens) for is_it in is_known],
    )


def _load_known(
    memory: Memory, spaces: Sequence[EmbeddingSpace]
) -> dict[EmbeddingSpace, tuple[str, EmbeddedDocuments]]:
    """The text of a memory and what it is embedded as, in the spaces where nothing is missing."""
    by_space = {
        space: EmbeddedDocuments(np.array([vector], np.float32), tokens and [bytes(tokens)])
        for space, vector, tokens in fetch_all(EMBEDDED, [TOKEN_VERSION, memory.pk])
    }
    return {
        space: (memory.content, by_space[space.pk])
        for space in spaces
        if space.pk in by_space and (by_space[space.pk].tokens or not space.has_tokens)
    }


@cache
def _pool() -> ThreadPoolExecutor:
    """The threads in which a model of this machine embeds many texts, for all requests together.

    Each text by itself: a text of a batch takes as long, and longer beside others of other lengths.
    """
    return ThreadPoolExecutor(os.cpu_count(), thread_name_prefix="embed")


def store_vectors(memories: Sequence[Memory], embedded: EmbeddedTexts) -> None:
    """Store the vectors of one user's memories that have none yet, in the caller's transaction.

    The memories are in the order of the texts. A job embeds them in the remaining spaces.
    """
    if not memories:
        return
    embeddings = [
        Embedding(memory=memory, space=space, user_id=memory.user_id, vector=vector)
        for space, vectors in embedded.vectors.items()
        for memory, vector in zip(memories, vectors, strict=True)
    ]
    tokens = [
        packed
        for space in embedded.vectors
        for packed in embedded.tokens.get(space) or repeat(None, len(memories))
    ]
    written = Embedding.objects.insert(embeddings, tokens)
    check_growth(embedding for embedding in embeddings if embedding.space_id in written)
    if written - {space.pk for space in embedded.vectors}:
        ids = [str(memory.pk) for memory in memories]
        embed_new.enqueue(owner=memories[0].user, parameters={"memories": ids})


def delete_vectors(memory: Memory) -> None:
    """Delete the vectors of a memory whose text is replaced, but for searches of the past."""
    execute(KEEP_VECTORS, [memory.pk])


def enqueue_missing(user: User) -> Job:
    """Enqueue a job that embeds all memories of a user without a vector, as after an import."""
    return embed_missing.enqueue(owner=user)
