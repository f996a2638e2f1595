"""Find the existing memories that the facts of a new one are compared with."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet
from django.utils import timezone
from pgvector import HalfVector

from apps_registry.models import App
from configuration.providers import Vectors
from core import clock, sql
from core.compiled_query import CompiledStatement
from jobs.models.job import UNFINISHED
from memories.lifecycle.inference_jobs import INFER
from memories.models import EmbeddingSpace, Memory
from memories.models.fingerprint import fingerprint

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

# The last line of the user's log, which has one for each change of a memory; and what is pending.
# No lock is empty, but the partial index has only these.
STATE = """
SELECT (SELECT sequence FROM memories_logchain WHERE user_id = %(user_id)s), ARRAY(
    SELECT once::uuid FROM jobs_job
    WHERE kind = %(kind)s AND owner_id = %(user_id)s AND state = ANY(%(unfinished)s) AND once <> ''
)
"""
# Of one text, the oldest comes last.
WITH_SAME_TEXT = """
SELECT memory.id, memory.content, memory.created_at, memory.fingerprint FROM ({others}) AS memory
WHERE memory.fingerprint = ANY(%(fingerprints)s) AND NOT memory.id = ANY(%(left_out)s::uuid[])
    AND (memory.app_id = %(app_id)s OR EXISTS (
        SELECT FROM memories_access WHERE memory_id = memory.id AND app_id = %(app_id)s
    ))
ORDER BY memory.created_at DESC
"""
# The vectors are compared before memories are read, one after another until there are enough: with
# LIMIT 1, PostgreSQL reads no others.
NEAREST = """
SELECT memory.id, memory.content, memory.created_at, near.distance FROM (
    SELECT * FROM (
        SELECT memory_id, vector <=> %(vector)s::halfvec AS distance FROM memories_embedding
        WHERE user_id = %(user_id)s AND space_id = %(space_id)s OFFSET 0
    ) AS compared
    WHERE distance <= %(max_distance)s ORDER BY distance OFFSET 0
) AS near CROSS JOIN LATERAL (
    SELECT * FROM ({others}) AS memory WHERE memory.id = near.memory_id
        AND memory.app_id = %(app_id)s AND NOT memory.id = ANY(%(left_out)s::uuid[])
        AND char_length(memory.content) <= %(max_characters)s
        AND (%(since)s::timestamptz IS NULL
            OR memory.updated_at >= %(since)s::timestamptz OR memory.id = ANY(%(also)s::uuid[]))
    LIMIT 1
) AS memory
ORDER BY near.distance, memory.id LIMIT %(limit)s
"""


@dataclass(frozen=True)
class ComparedMemory:
    """A memory as it was when facts were compared with it."""

    pk: UUID
    content: str = field(compare=False)
    created_at: datetime = field(compare=False)


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
    last_line: int | None
    is_in_transaction: bool
    as_of: datetime = field(default_factory=timezone.now)

    @classmethod
    def of(cls, source: Memory, space: EmbeddingSpace) -> SimilarMemories:
        as_of = timezone.now()
        values = {"kind": INFER.name, "user_id": source.user_id, "unfinished": list(UNFINISHED)}
        [(last_line, pending)] = sql.fetch_all(STATE, values)
        return cls(source, space, frozenset(pending), last_line, connection.in_atomic_block, as_of)

    def with_same_text(self, texts: Iterable[str]) -> dict[bytes, ComparedMemory]:
        """Find memories that have exactly one of these texts, by fingerprint.

        Memories of other apps that this app has read count as well: agents repeat what they were
        given.
        """
        digests = sorted({fingerprint(text) for text in texts})
        rows = self._fetch(WITH_SAME_TEXT, fingerprints=digests)
        return {bytes(digest): ComparedMemory(*memory) for *memory, digest in rows}

    def find_nearest(self, vector: Vectors) -> list[ComparedMemory]:
        """Find active memories of the app that are similar to a vector, nearest first.

        Long texts are left out: they are no facts, and superseding one would lose everything else
        that it says.
        """
        return self._nearest(vector, min_similarity=MIN_SIMILARITY)

    def find_concurrent(self, vector: Vectors, *, since: SimilarMemories) -> list[ComparedMemory]:
        """Find very similar memories that were added or edited since an earlier moment."""
        if self._is_unchanged(since):
            return []
        return self._nearest(
            vector,
            min_similarity=MIN_SIMILARITY_OF_CONCURRENT,
            since=since.as_of - MAX_WRITE_TIME,
            also=since.pending,
        )

    def _is_unchanged(self, since: SimilarMemories) -> bool:
        """Whether it is certain that nothing has come in since then."""
        # A remote model's vectors come later than the line about their memory. What a transaction
        # has changed is logged when it ends.
        is_known = self.space.is_local and not since.is_in_transaction
        return is_known and self.last_line == since.last_line and since.pending <= self.pending

    def _nearest(
        self,
        vector: Vectors,
        *,
        min_similarity: float,
        since: datetime | None = None,
        also: Iterable[UUID] = (),
    ) -> list[ComparedMemory]:
        calibrate = self.space.embedder.calibrate
        rows = self._fetch(
            NEAREST,
            vector=HalfVector(vector).to_text(),
            user_id=self.source.user_id,
            space_id=self.space.pk,
            max_distance=self._max_distance(min_similarity),
            max_characters=MAX_FACT_CHARACTERS,
            since=since,
            also=sql.uuid_array(also),
            limit=MAX_NEAREST,
        )
        return [
            ComparedMemory(*memory)
            for *memory, distance in rows
            if calibrate(1 - distance) >= min_similarity
        ]

    def _max_distance(self, min_similarity: float) -> float:
        """The distance beyond which no memory is so similar: a similarity grows with the cosine."""
        low, high = -1.0, 1.0  # cosines
        while high - low > 0.001:
            middle = (low + high) / 2
            if self.space.embedder.calibrate(middle) < min_similarity:
                low = middle
            else:
                high = middle
        return 1 - low

    def _fetch(self, statement: str, **values: Any) -> list[sql.Row]:
        others, parameters = self._others
        return sql.fetch_prepared(
            statement.format(others=others),
            {
                **parameters,
                **values,
                "app_id": self.source.app_id,
                "left_out": sql.uuid_array([self.source.pk, *self.pending]),
            },
        )

    @cached_property
    def _others(self) -> tuple[str, dict[str, Any]]:
        statement, parameters = _others.bind(
            user=self.source.user_id, app=self.source.app_id, moment=self.as_of
        )
        return sql.name_parameters(statement, parameters)


def _build_others(*, user: UUID, app: UUID, moment: datetime) -> QuerySet[Any, Any]:
    """Nothing takes the place of what a program keeps by a key of its own."""
    with clock.set_to(moment):
        memories = Memory.objects.filter(user=user).readable_by(App(pk=app)).unexpired().active()
        columns = ("id", "app_id", "content", "created_at", "updated_at", "fingerprint")
        return memories.filter(own_key="").values_list(*columns)


_others = CompiledStatement(
    _build_others,
    user=UUID(int=1),
    app=UUID(int=2),
    moment=datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC),
)
