"""Give memories their vectors, in every space that memories are written to.

A model that runs on this machine is waited for. One that does not is never asked in a request:
the memory is found by its words at once, and by its meaning as soon as a job has asked.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accounts.models import User
from configuration.providers import Vectors, built_in
from jobs.models import Job
from memories.categories.classifier import classify
from memories.models import Embedding, EmbeddingSpace, Memory

from .embedding_jobs import embed_missing, embed_new
from .user_index import notice_growth


@dataclass(frozen=True)
class Embedded:
    """Some texts and, for each space whose model runs here, their vectors in the same order."""

    texts: Sequence[str]
    vectors: Mapping[EmbeddingSpace, Vectors]

    def of(self, number: int) -> Embedded:
        """One of the texts alone."""
        vectors = {space: vectors[number : number + 1] for space, vectors in self.vectors.items()}
        return Embedded(self.texts[number : number + 1], vectors)

    def category_names(self) -> list[list[str]]:
        """Classify each text, always with a model of this machine: the names of its categories."""
        for space, vectors in self.vectors.items():
            if space.is_local:
                return [classify(vector, space.embedder) for vector in vectors]
        embedder = built_in()
        vectors = embedder.embed_documents(self.texts)
        return [classify(vector, embedder) for vector in vectors]


def embed(texts: Sequence[str], *, for_job: bool = False) -> Embedded:
    """Embed texts that are to become memories. Not in a transaction: it takes a while.

    A job can also wait for the model of the current space where that is somebody else's. Then
    this raises ProviderFailed, and the current space is the first.
    """
    asked = [
        space
        for space in EmbeddingSpace.objects.written()
        if space.is_local or (for_job and space.state == EmbeddingSpace.State.ACTIVE)
    ]
    return Embedded(texts, {space: space.embedder.embed_documents(texts) for space in asked})


def put(memories: Sequence[Memory], embedded: Embedded) -> None:
    """Store the vectors of memories of one user that have none yet, in the caller's transaction.

    They are in the order of the texts. What cannot be stored now is queued.
    """
    held = EmbeddingSpace.objects.held()
    stored = Embedding.objects.bulk_create(
        [
            Embedding(memory=memory, space=space, user_id=memory.user_id, vector=vector)
            for space, vectors in embedded.vectors.items()
            if space.pk in held
            for memory, vector in zip(memories, vectors, strict=True)
        ]
    )
    notice_growth(stored)
    if memories and held - {space.pk for space in embedded.vectors}:
        ids = [str(memory.pk) for memory in memories]
        embed_new.enqueue(owner=memories[0].user, parameters={"memories": ids})


def queue_missing(user: User) -> Job:
    """Queue a job that embeds all memories of a user that lack a vector, as after an import."""
    return embed_missing.enqueue(owner=user)
