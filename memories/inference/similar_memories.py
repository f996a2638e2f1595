"""Find the existing memories that the facts of a new one are compared with."""

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
from memories.models import Access, EmbeddingSpace, Memory
from memories.models.fingerprint import fingerprint
from memories.models.memory import MemoryQuerySet

from .extract import MAX_FACT_CHARACTERS

# The most memories that one fact is compared with.
MAX_NEAREST = 8

# A memory below this calibrated similarity is unrelated to a fact. Of 18 pairs of sentences that
# contradict each other, 17 are more similar than this, and of 306 unrelated pairs, 9.
MIN_SIMILARITY = 0.4

# From this similarity on, two facts that come in at the same time are compared, though that costs
# another call of the model. It finds those that say the same, and 12 of the 18 pairs.
MIN_SIMILARITY_OF_CONCURRENT = 0.7

# `updated_at` is set before its transaction commits: a memory that was being written during our
# query may be older than the query by as much as a transaction takes.
MAX_WRITE_TIME = timedelta(minutes=1)


@dataclass(frozen=True)
class SimilarMemories:
    """The memories that facts of `source` are compared with, as of one moment.

    Those that its app may not read are not there for it: they are not compared, named or changed.
    `pending` are the ids of memories whose own inference has not finished. These are compared with
    the others in their turn; otherwise two texts could each be superseded by the other.
    """

    source: Memory
    space: EmbeddingSpace
    pending: frozenset[UUID]
    as_of: datetime = field(default_factory=timezone.now)

    @classmethod
    def of(cls, source: Memory, space: EmbeddingSpace) -> SimilarMemories:
        as_of = timezone.now()
        jobs = Job.objects.unfinished().filter(kind=INFER.name, owner=source.user_id)
        jobs = jobs.exclude(queueing_lock="")  # None is, but the partial index has only these.
        pending = frozenset(UUID(lock) for lock in jobs.values_list("queueing_lock", flat=True))
        return cls(source, space, pending, as_of)

    def with_same_text(self, texts: Iterable[str]) -> dict[bytes, Memory]:
        """Find memories that have exactly one of these texts, by fingerprint.

        Memories of other apps that this app has read count as well: agents repeat what they were
        given.
        """
        reads = Access.objects.filter(memory=OuterRef("pk"), app=self.source.app_id)
        candidates = self._others().active().filter(Q(app=self.source.app_id) | Exists(reads))
        same = candidates.filter(fingerprint__in={fingerprint(text) for text in texts})
        return {bytes(memory.fingerprint): memory for memory in same.order_by("-created_at")}

    def find_nearest(self, vector: Vectors) -> list[Memory]:
        """Find active memories of the app that are similar to a vector, nearest first.

        Long texts are left out: they are no facts, and superseding one would lose everything else
        that it says.
        """
        return self._nearest(vector, self._others(), min_similarity=MIN_SIMILARITY)

    def find_concurrent(self, vector: Vectors, *, since: SimilarMemories) -> list[Memory]:
        """Find very similar memories that were added or edited since an earlier moment."""
        is_new = Q(updated_at__gte=since.as_of - MAX_WRITE_TIME) | Q(pk__in=since.pending)
        memories = self._others().filter(is_new)
        return self._nearest(vector, memories, min_similarity=MIN_SIMILARITY_OF_CONCURRENT)

    def _nearest(
        self, vector: Vectors, among: MemoryQuerySet, *, min_similarity: float
    ) -> list[Memory]:
        nearest = (
            among.active()
            .filter(app=self.source.app_id)
            .filter(embeddings__space=self.space, embeddings__user=self.source.user_id)
            .annotate(distance=CosineDistance("embeddings__vector", HalfVector(vector)))
            .annotate(length=Length("content"))
            .filter(length__lte=MAX_FACT_CHARACTERS)
            .order_by("distance", "pk")[:MAX_NEAREST]
        )
        calibrate = self.space.embedder.calibrate
        return [memory for memory in nearest if calibrate(1 - memory.distance) >= min_similarity]

    def _others(self) -> MemoryQuerySet:
        """Nothing takes the place of what a program keeps by a key of its own."""
        memories = Memory.objects.filter(user=self.source.user_id).readable_by(self.source.app)
        return (
            memories.unexpired()
            .filter(own_key="")
            .exclude(pk__in=[self.source.pk, *self.pending])
            .only("user", "app", "content", "state", "created_at", "fingerprint")
        )
