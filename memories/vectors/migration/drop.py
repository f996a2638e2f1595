"""Drop the vectors of models that are no longer used."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from core.errors import Conflict
from jobs.job_run import JobRun
from jobs.models import Job
from jobs.registry import job_type
from memories.models import Embedding, EmbeddingSpace, UserIndex
from memories.vectors.user_index import IndexingUnderway, drop_index

State = EmbeddingSpace.State

# A search that began before the switch finishes in the space that it began with.
SEARCH_GRACE = timedelta(minutes=1)
BATCH_SIZE = 2_000


class StillSearched(Conflict):
    """Recent searches may still be using these vectors. Try again in a minute."""

    code = "space_still_searched"


def enqueue_drop(space: EmbeddingSpace, *, by: User) -> Job:
    """Enqueue the job that drops a space. Raises Conflict if the space is in use."""
    if space not in droppable():
        raise Conflict(f"{space} is in use.")
    return drop_space.enqueue(owner=by, parameters={"space": space.pk}, queueing_lock=str(space.pk))


@job_type(
    "drop_space",
    queue="long",
    attempts=20,
    # Searches that began before the switch end by themselves.
    retries_on=(StillSearched, IndexingUnderway),
    backoff=30.0,
)
def drop_space(run: JobRun) -> None:
    """Drop the space of the job, unless it is gone."""
    space = EmbeddingSpace.objects.filter(pk=run.parameters["space"]).first()
    dropped = 0
    for count in drop_vectors(space) if space else ():
        dropped += count
        run.progress(dropped)
    with run.finishing() as result:
        result.update(space=str(space) if space else None, dropped=dropped)


def droppable() -> list[EmbeddingSpace]:
    """The spaces that are neither searched nor being filled."""
    unused = [State.KEPT, State.PAUSED, State.DROPPING]
    return list(EmbeddingSpace.objects.filter(state__in=unused).order_by("pk"))


def drop_vectors(space: EmbeddingSpace) -> Iterator[int]:
    """Drop a space in batches, and yield the number of vectors in each.

    Not in a transaction. Raises StillSearched, or Conflict if the space is in use again.
    """
    with transaction.atomic():
        space = EmbeddingSpace.objects.locked().get(pk=space.pk)
        if space not in droppable():
            raise Conflict(f"{space} is in use again.")
        if space.retired_at and timezone.now() - space.retired_at < SEARCH_GRACE:
            raise StillSearched
        space.enter(State.DROPPING)
    for index in UserIndex.objects.filter(space=space).select_related("user"):
        drop_index(index.user, space)
    embeddings, last = Embedding.objects.filter(space=space), uuid.UUID(int=0)
    embeddings = embeddings.order_by("memory_id")
    while page := list(
        embeddings.filter(memory_id__gt=last).values_list("pk", "memory_id")[:BATCH_SIZE]
    ):
        Embedding.objects.filter(pk__in=[pk for pk, _ in page]).delete()
        last = page[-1][1]
        yield len(page)
    space.delete()  # and the vectors that writers which still had the space locked have added
