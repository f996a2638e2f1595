"""The jobs that embed what lacks a vector in a space that memories are written to."""

from __future__ import annotations

import uuid

from jobs.work import Work

from .filling import Filling, batches, batches_lacking
from .models import EmbeddingSpace


def embed_new(work: Work) -> None:
    """Embed the memories that the job names."""
    ids = [uuid.UUID(pk) for pk in work.parameters["memories"]]
    for space in EmbeddingSpace.objects.written():
        filling = Filling(space, work.step)
        without = space.lacking().filter(pk__in=ids)
        for batch in batches(list(without.values_list("pk", flat=True))):
            filling.put(batch)


def embed_missing(work: Work) -> None:
    """Embed all memories of the job's owner that lack a vector."""
    done, refused = 0, 0
    spaces = list(EmbeddingSpace.objects.written())
    total = sum(space.lacking().owned_by(work.owner).count() for space in spaces)
    for space in spaces:
        filling = Filling(space, work.step)
        for batch in batches_lacking(space, user=work.owner):
            work.progress(done + filling.done, total)
            filling.put(batch)
        done, refused = done + filling.done, refused + len(filling.refused)
    with work.finishing() as result:
        result.update(embedded=done, refused=refused)
