"""Take away the vectors of models that are no longer used."""

from __future__ import annotations

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
from memories.models.embedding import FIRST
from memories.vectors.user_index import IndexingUnderway, drop_index

State = EmbeddingSpace.State

# A search that began before the switch goes on in the space that it began with.
STILL_SEARCHED = timedelta(minutes=1)
BATCH = 2_000


class StillSearched(Conflict):
    """Searches that began a moment ago may still be using these vectors. Wait for a minute."""

    code = "space_still_searched"


def queue_drop(space: EmbeddingSpace, *, by: User) -> Job:
    """Queue the job that drops a space. Raises Conflict when it is in use."""
    if space not in droppable():
        raise Conflict(f"{space} is in use.")
    return drop_space.enqueue(owner=by, parameters={"space": space.pk}, queueing_lock=str(space.pk))


@job_type(
    "drop_space",
    queue="long",
    attempts=20,
    # Searches that began a moment ago end by themselves.
    retries_on=(StillSearched, IndexingUnderway),
    backoff=30.0,
)
def drop_space(run: JobRun) -> None:
    """Drop the space that a job names, as far as it is still there."""
    space = EmbeddingSpace.objects.filter(pk=run.parameters["space"]).first()
    done = 0
    for dropped in drop(space) if space else ():
        done += dropped
        run.progress(done)
    with run.finishing() as result:
        result.update(space=str(space) if space else None, dropped=done)


def droppable() -> list[EmbeddingSpace]:
    """The spaces that are neither searched nor being filled."""
    unused = [State.KEPT, State.PAUSED, State.DROPPING]
    return list(EmbeddingSpace.objects.filter(state__in=unused).order_by("pk"))


def drop(space: EmbeddingSpace) -> Iterator[int]:
    """Drop a space bit by bit, telling each time how many vectors are gone.

    Not in a transaction. Raises StillSearched, or Conflict when the space is in use again.
    """
    with transaction.atomic():
        space = EmbeddingSpace.objects.select_for_update().get(pk=space.pk)
        if space not in droppable():
            raise Conflict(f"{space} is in use again.")
        if space.retired_at and timezone.now() - space.retired_at < STILL_SEARCHED:
            raise StillSearched
        space.enter(State.DROPPING)
    for index in UserIndex.objects.filter(space=space).select_related("user"):
        drop_index(index.user, space)
    inside, last = Embedding.objects.filter(space=space).order_by("memory_id"), FIRST
    while found := list(inside.filter(memory_id__gt=last).values_list("pk", "memory_id")[:BATCH]):
        Embedding.objects.filter(pk__in=[pk for pk, _ in found]).delete()
        last = found[-1][1]
        yield len(found)
    space.delete()  # with what whoever still held it has put into it meanwhile
