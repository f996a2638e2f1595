"""Embed memories that lack a vector in a space: in small batches, each of which may be repeated."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from accounts.models import User
from configuration.providers import AnswerUnusable, CallRefused, Vectors, WrongDimensions
from memories.models import Embedding, EmbeddingSpace, Memory

from .user_index import notice_growth

# Texts a call of the model. A step is as short, so that little is done twice after a failure.
BATCH = 32
# Ids looked up at a time.
PAGE = 5_000

# What a text may do to a model: it is too long or too strange, or has no direction.
FAILED_BY_A_TEXT = (CallRefused, AnswerUnusable)

# What any embedding model takes.
PROBE = "How long is a vector?"

Step = Callable[[], AbstractContextManager[Any]]
Telling = Callable[[], None]
Texts = Mapping[uuid.UUID, str]


def batches_lacking(
    space: EmbeddingSpace, *, user: User | None = None
) -> Iterator[list[uuid.UUID]]:
    """Find the memories that have no vector in a space, of one user or of all."""
    if user is not None:
        # All at once: with a limit, PostgreSQL might look for them among everybody's.
        yield from batches(list(space.lacking().owned_by(user).values_list("pk", flat=True)))
        return
    last = uuid.UUID(int=0)
    while page := list(
        space.lacking(after=last).order_by("pk").values_list("pk", flat=True)[:PAGE]
    ):
        yield from batches(page)
        last = page[-1]


def batches(ids: Sequence[uuid.UUID]) -> Iterator[list[uuid.UUID]]:
    for start in range(0, len(ids), BATCH):
        yield list(ids[start : start + BATCH])


def _silent() -> None:
    pass


@dataclass
class Filling:
    """What was put into a space, and what its model refused to embed."""

    space: EmbeddingSpace
    step: Step
    done: int = 0
    refused: set[uuid.UUID] = field(default_factory=set)

    def put(self, batches: Iterable[Sequence[uuid.UUID]], *, telling: Telling = _silent) -> None:
        """Embed these memories, as far as they are still there. Raises what the model raises.

        While one batch is stored, the model works on the next one already. `telling` is called
        before each batch, and may raise to stop it.
        """
        with ThreadPoolExecutor(1, thread_name_prefix="filling") as model:
            before: tuple[Texts, Future[Vectors]] | None = None
            for ids in batches:
                telling()
                texts = self._texts(ids)
                now = texts, model.submit(self._embed, list(texts.values()))
                if before:
                    self._finish(*before)
                before = now
            if before:
                self._finish(*before)

    def _texts(self, ids: Iterable[uuid.UUID]) -> Texts:
        asked = [pk for pk in ids if pk not in self.refused]
        return dict(Memory.objects.filter(pk__in=asked).values_list("pk", "content"))

    def _finish(self, texts: Texts, embedded: Future[Vectors]) -> None:
        try:
            self._store(texts, embedded.result())
        except FAILED_BY_A_TEXT:
            self._embed([PROBE])  # raises it again where the texts are not to blame
            for pk, text in texts.items():
                self._put_if_taken(pk, text)

    def _put_if_taken(self, pk: uuid.UUID, text: str) -> None:
        try:
            self._store({pk: text}, self._embed([text]))
        except FAILED_BY_A_TEXT:
            self.refused.add(pk)

    def _embed(self, texts: Sequence[str]) -> Vectors:
        vectors = self.space.embedder.embed_documents(texts)
        if texts and vectors.shape[1] != self.space.dimensions:
            raise WrongDimensions(
                f"{self.space.provider}/{self.space.model} answers with {vectors.shape[1]} "
                f"dimensions where its vectors have {self.space.dimensions}."
            )
        return vectors

    def _store(self, texts: Texts, vectors: Vectors) -> None:
        embedded = dict(zip(texts, vectors, strict=True))
        with self.step():
            # Locked, as whoever edits a memory takes its vectors away: one of what it said before
            # must not come after that. In the order in which all lock that lock many.
            locked = Memory.objects.filter(pk__in=texts).select_for_update(no_key=True)
            stored = Embedding.objects.bulk_create(
                [
                    Embedding(
                        memory_id=memory.pk,
                        space=self.space,
                        user_id=memory.user_id,
                        vector=embedded[memory.pk],
                    )
                    for memory in locked.order_by("pk").only("user_id", "content")
                    if memory.content == texts[memory.pk]
                ],
                ignore_conflicts=True,
            )
            notice_growth(stored)
        self.done += len(texts)
