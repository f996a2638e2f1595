"""The memories that a fact may have to do with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Length
from django.utils import timezone
from pgvector import HalfVector
from pgvector.django import CosineDistance

from configuration.providers import Vectors
from jobs.models import Job
from memories.lifecycle.inference_jobs import INFER
from memories.models import Access, EmbeddingSpace, Memory, State
from memories.models.memory import MemoryQuerySet, fingerprint
from memories.models.state import LIVE

from .extract import MAX_FACT_CHARACTERS

# How many memories a fact is compared with at most.
NEAREST = 8

# Below this calibrated similarity a memory has nothing to do with a fact. Of 18 pairs of
# sentences that contradict each other, 17 are nearer than this, and of 306 that have nothing to
# do with each other, 9.
FLOOR = 0.4

# From here on two facts that come in at the same time are compared, though that costs another call
# of the model. It finds those that say the same, and 12 of the 18 pairs.
FLOOR_OF_NEWCOMERS = 0.7

# A memory is stamped before its transaction ends: what others were writing while we looked may
# turn out to be older than our look by as much as a transaction takes.
LONGEST_WRITE = timedelta(minutes=1)


@dataclass(frozen=True)
class SimilarMemories:
    """Where the facts of one memory are looked for, as of one moment.

    `awaited` are the memories whose own facts are still to be found. They are compared with the
    others when it is their turn, else each of two texts could give way to the other.
    """

    source: Memory
    space: EmbeddingSpace
    awaited: frozenset[UUID]
    at: datetime = field(default_factory=timezone.now)

    @classmethod
    def of(cls, source: Memory, space: EmbeddingSpace) -> SimilarMemories:
        at = timezone.now()
        jobs = Job.objects.unfinished().filter(kind=INFER.name, owner=source.user_id)
        jobs = jobs.exclude(once="")  # as all are not, but the index is of those only
        awaited = frozenset(UUID(once) for once in jobs.values_list("once", flat=True))
        return cls(source, space, awaited, at)

    def saying(self, texts: Iterable[str]) -> dict[bytes, Memory]:
        """Find memories that say these very texts, by their fingerprints.

        Those that the app has read count as well, whoever put them down: agents repeat what they
        were given.
        """
        read = Access.objects.filter(memory=OuterRef("pk"), app=self.source.app_id)
        own = Q(app=self.source.app_id, state__in=LIVE)
        heard = self._others().filter(own | Q(Exists(read), state=State.ACTIVE))
        said = heard.filter(fingerprint__in={fingerprint(text) for text in texts})
        return {bytes(memory.fingerprint): memory for memory in said.order_by("-created_at")}

    def nearest(self, vector: Vectors) -> list[Memory]:
        """Find the active memories of the app that are near a vector, the nearest first.

        Long texts are no facts: to give way to one would take the rest of what they say along.
        """
        return self._near(vector, self._others(), floor=FLOOR)

    def newcomers(self, vector: Vectors, *, since: SimilarMemories) -> list[Memory]:
        """Find the very near that were not there, or said something else, at an earlier moment."""
        new = Q(updated_at__gte=since.at - LONGEST_WRITE) | Q(pk__in=since.awaited)
        return self._near(vector, self._others().filter(new), floor=FLOOR_OF_NEWCOMERS)

    def _near(self, vector: Vectors, among: MemoryQuerySet, *, floor: float) -> list[Memory]:
        near = (
            among.active()
            .filter(app=self.source.app_id)
            .filter(embeddings__space=self.space, embeddings__user=self.source.user_id)
            .annotate(distance=CosineDistance("embeddings__vector", HalfVector(vector)))
            .annotate(length=Length("content"))
            .filter(length__lte=MAX_FACT_CHARACTERS)
            .order_by("distance", "pk")[:NEAREST]
        )
        calibrate = self.space.embedder.calibrate
        return [memory for memory in near if calibrate(1 - memory.distance) >= floor]

    def _others(self) -> MemoryQuerySet:
        memories = Memory.objects.filter(user=self.source.user_id)
        return memories.exclude(pk__in=[self.source.pk, *self.awaited]).only(
            "user", "app", "content", "state", "created_at", "fingerprint"
        )
