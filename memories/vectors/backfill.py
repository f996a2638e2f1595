"""Embed the memories that have no vector in a space, in small batches that are safe to repeat."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from configuration.errors import RequestRejected, UnusableAnswer, WrongDimensions
from configuration.providers import EmbeddedDocuments, embed_documents
from memories.models import Embedding, EmbeddingSpace, Memory

from .tokens import store_tokens
from .user_index import check_growth

# Texts per model call and per transaction: small, so that little is repeated after a failure.
BATCH_SIZE = 32
# Ids per query.
PAGE_SIZE = 5_000

# Raised for a text that is too long or malformed, or that has no direction.
TEXT_REJECTED = (RequestRejected, UnusableAnswer)

# A text that every embedding model accepts.
PROBE = "How long is a vector?"

Step = Callable[[], AbstractContextManager[Any]]
Texts = Mapping[uuid.UUID, str]


def find_unembedded(
    space: EmbeddingSpace, *, user: User | None = None
) -> Iterator[list[uuid.UUID]]:
    """Yield batches of ids of memories that lack vectors in a space, of one user or of all."""
    if user is not None:
        # In one query: with a LIMIT, PostgreSQL might scan the memories of all users.
        ids = list(space.incomplete().owned_by(user).values_list("pk", flat=True))
        yield from split_into_batches(ids)
        return
    last = uuid.UUID(int=0)
    while page := list(
        space.incomplete(after=last).order_by("pk").values_list("pk", flat=True)[:PAGE_SIZE]
    ):
        yield from split_into_batches(page)
        last = page[-1]


def split_into_batches(ids: Sequence[uuid.UUID]) -> Iterator[list[uuid.UUID]]:
    for start in range(0, len(ids), BATCH_SIZE):
        yield list(ids[start : start + BATCH_SIZE])


def _do_nothing() -> None:
    pass


@dataclass
class Backfill:
    """Embeds memories into a space, and keeps count of those done and those rejected."""

    space: EmbeddingSpace
    step: Step
    done: int = 0
    rejected: set[uuid.UUID] = field(default_factory=set)  # by the model, for their text

    def run(
        self,
        batches: Iterable[Sequence[uuid.UUID]],
        *,
        before_batch: Callable[[], None] = _do_nothing,
    ) -> None:
        """Embed these memories unless they are gone. Raises what the model raises.

        While one batch is stored, the model already works on the next. `before_batch` may raise
        to stop the backfill.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="backfill") as model:
            previous: tuple[Texts, Future[EmbeddedDocuments]] | None = None
            for ids in batches:
                before_batch()
                texts = self._read_texts(ids)
                current = texts, model.submit(self._embed, list(texts.values()))
                if previous:
                    self._finish(*previous)
                previous = current
            if previous:
                self._finish(*previous)

    def _read_texts(self, ids: Iterable[uuid.UUID]) -> Texts:
        accepted = [pk for pk in ids if pk not in self.rejected]
        return dict(Memory.objects.filter(pk__in=accepted).values_list("pk", "content"))

    def _finish(self, texts: Texts, documents: Future[EmbeddedDocuments]) -> None:
        try:
            self._store(texts, documents.result())
        except TEXT_REJECTED:
            self._embed([PROBE])  # raises again unless one of the texts is the cause
            for pk, text in texts.items():
                self._embed_alone(pk, text)

    def _embed_alone(self, pk: uuid.UUID, text: str) -> None:
        try:
            self._store({pk: text}, self._embed([text]))
        except TEXT_REJECTED:
            self.rejected.add(pk)

    def _embed(self, texts: Sequence[str]) -> EmbeddedDocuments:
        documents = embed_documents(self.space.embedder, texts)
        dimensions = documents.vectors.shape[1]
        if texts and dimensions != self.space.dimensions:
            raise WrongDimensions(
                f"{self.space.provider}/{self.space.model} returned {dimensions} dimensions "
                f"instead of {self.space.dimensions}."
            )
        return documents

    def _store(self, texts: Texts, documents: EmbeddedDocuments) -> None:
        vector_by_id = dict(zip(texts, documents.vectors, strict=True))
        with self.step():
            # Locked because an edit deletes the vectors of a memory: one of the previous content
            # must not be stored after that.
            locked = Memory.objects.filter(pk__in=texts).locked(no_key=True)
            stored = Embedding.objects.bulk_create(
                [
                    Embedding(
                        memory_id=memory.pk,
                        space=self.space,
                        user_id=memory.user_id,
                        vector=vector_by_id[memory.pk],
                    )
                    for memory in locked.only("user_id", "content")
                    if memory.content == texts[memory.pk]
                ],
                ignore_conflicts=True,
            )
            if documents.tokens:
                # Also of those that had a vector before, which `stored` does not know the ids of.
                embeddings = self.space.embeddings.filter(
                    memory__in=[embedding.memory_id for embedding in stored]
                )
                packed_by_id = dict(zip(texts, documents.tokens, strict=True))
                store_tokens(
                    embeddings.only("memory_id", "space_id"),
                    {(pk, self.space.pk): packed for pk, packed in packed_by_id.items()},
                )
            check_growth(stored)
        self.done += len(texts)
