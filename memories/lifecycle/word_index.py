"""Find the words of memories again that were stored by an earlier version of the analyser.

Searches and writes go on meanwhile: what was found before is also found by what is stored now.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

from accounts.models import User
from core.sql import execute, uuid_array
from jobs.job_run import JobRun
from jobs.models import Job
from jobs.registry import job_type
from memories.models import Memory, UserIndex
from memories.models.fingerprint import fingerprint
from memories.models.memory import MemoryQuerySet
from memories.search.search_vector import search_vector_text
from memories.vectors.user_index import index_vectors
from memories.words import WORDS_VERSION

# Memories in one transaction: a writer who waits for one of them waits for less than half a second.
BATCH_SIZE = 200

UPDATE = """
UPDATE memories_memory AS memory
SET words = renewed.words::tsvector, fingerprint = renewed.fingerprint, words_version = %s
FROM unnest(%s::uuid[], %s::text[], %s::bytea[]) AS renewed (id, words, fingerprint)
WHERE memory.id = renewed.id
"""

Step = Callable[[], AbstractContextManager[Any]]


def outdated() -> MemoryQuerySet:
    return Memory.objects.filter(words_version__lt=WORDS_VERSION)


def renew(memories: MemoryQuerySet, *, step: Step) -> Iterator[int]:
    """Find the words of these memories again, and yield how many after each batch."""
    last = uuid.UUID(int=0)
    while True:
        with step():
            # Locked, as an edit between reading and writing would lose its words.
            batch = list(
                memories.filter(pk__gt=last)
                .locked(no_key=True)
                .only("content", "created_at")[:BATCH_SIZE]
            )
            if batch:
                _update(batch)
        if not batch:
            return
        last = batch[-1].pk
        yield len(batch)


def _update(memories: list[Memory]) -> None:
    texts = [search_vector_text(memory.content, memory.created_at) for memory in memories]
    fingerprints = [fingerprint(memory.content) for memory in memories]
    ids = uuid_array(memory.pk for memory in memories)
    execute(UPDATE, [WORDS_VERSION, ids, texts, fingerprints])


@job_type("index_words", queue="long", attempts=20)
def index_words(run: JobRun) -> None:
    """Find the words of all outdated memories again, and count the common ones of each index."""
    done, total = 0, outdated().count()
    for count in renew(outdated(), step=run.step):
        done += count
        run.progress(done, total)
    if done:
        recount_common_words()
    with run.finishing() as result:
        result["indexed"] = done


def enqueue_outdated(*, by: User) -> Job | None:
    """Enqueue the job, if there is anything to do."""
    if not outdated().exists():
        return None
    return index_words.enqueue(owner=by, queueing_lock=index_words.name)


def recount_common_words() -> None:
    """Have the lexemes counted again that are common among the memories of users with an index."""
    for index in UserIndex.objects.select_related("user"):
        index_vectors.enqueue(
            owner=index.user,
            parameters={"space": index.space_id},
            queueing_lock=f"{index.user_id} {index.space_id}",
        )
