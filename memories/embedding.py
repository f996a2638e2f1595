"""Give memories their vectors, in every space that memories are written to.

A model that runs on this machine is waited for. One that does not is never asked in a request:
the memory is found by its words at once, and by its meaning as soon as a job has asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accounts.models import User
from configuration.providers import Embedder, Vectors, embedder_for
from configuration.providers.known import LOCAL, LOCAL_EMBEDDING_MODEL
from jobs.models import Job
from jobs.queueing import queue

from .categorizing import categorize
from .models import Embedding, EmbeddingSpace, Memory


@dataclass(frozen=True)
class Embedded:
    """Some texts and, for each space whose model runs here, their vectors in the same order."""

    texts: Sequence[str]
    vectors: Mapping[EmbeddingSpace, Vectors]

    def themes(self) -> list[list[str]]:
        """Name the categories of each text. A model of this machine does it, whatever is used."""
        for space, vectors in self.vectors.items():
            return [categorize(vector, space.embedder) for vector in vectors]
        embedder = built_in()
        vectors = embedder.embed_documents(self.texts)
        return [categorize(vector, embedder) for vector in vectors]


def built_in() -> Embedder:
    return embedder_for(LOCAL, LOCAL_EMBEDDING_MODEL)


def embed(texts: Sequence[str]) -> Embedded:
    """Embed texts that are to become memories. Not in a transaction: it takes a while."""
    local = [space for space in EmbeddingSpace.objects.written() if space.is_local]
    return Embedded(texts, {space: space.embedder.embed_documents(texts) for space in local})


def put(memories: Sequence[Memory], embedded: Embedded) -> None:
    """Store the vectors of memories of one user that have none yet, in the caller's transaction.

    They are in the order of the texts. What cannot be stored now is queued.
    """
    held = EmbeddingSpace.objects.held()
    Embedding.objects.bulk_create(
        [
            Embedding(memory=memory, space=space, user_id=memory.user_id, vector=vector)
            for space, vectors in embedded.vectors.items()
            if space.pk in held
            for memory, vector in zip(memories, vectors, strict=True)
        ]
    )
    if memories and held - {space.pk for space in embedded.vectors}:
        ids = [str(memory.pk) for memory in memories]
        queue("embed_new", owner=memories[0].user, parameters={"memories": ids})


def queue_missing(user: User) -> Job:
    """Queue a job that embeds all memories of a user that lack a vector, as after an import."""
    return queue("embed", owner=user, parameters={})
