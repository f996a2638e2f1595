"""How far a change of the embedding model is, for whoever decides what is to become of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from django.db import connection

from configuration import effective
from jobs.models import Job
from memories.models import EmbeddingSpace
from memories.vectors.coverage import Coverage, coverage

from .reembed import reembed

State = EmbeddingSpace.State

# What the state of a space means to those who search.
MEANING = {
    State.ACTIVE: "searched",
    State.FILLING: "being filled",
    State.PAUSED: "left as it is",
    State.KEPT: "kept to go back to",
    State.DROPPING: "being dropped",
}

# Of the users who have outgrown exact search.
INDEXES = r"""
SELECT split_part(relname, '_', 3)::integer, count(*), sum(pg_relation_size(pg_class.oid))
FROM pg_class WHERE relkind = 'i' AND relname LIKE 'nearest\_%' GROUP BY 1
"""

# What PostgreSQL stores of a vector beside its numbers, and with each row.
BYTES_BESIDE_VECTOR = 88


@dataclass(frozen=True)
class Figures:
    """What there is of a space. What is estimated is not `exact`."""

    space: EmbeddingSpace
    vectors: int
    memories: int
    share: float  # of the memories that want a vector, from 0 to 1
    exact: bool
    indexes: int
    index_bytes: int

    @property
    def meaning(self) -> str:
        return MEANING[State(self.space.state)]

    @property
    def vector_bytes(self) -> int:
        """About as many as they take in their table."""
        return self.vectors * (2 * self.space.dimensions + BYTES_BESIDE_VECTOR)


@dataclass(frozen=True)
class LastChange:
    """Which model is wanted, and the last job that was to go over to one."""

    configured: str
    job: Job | None

    @property
    def is_underway(self) -> bool:
        return self.job is not None and not self.job.is_finished


def last_change() -> LastChange:
    embedder = effective.current().embedder
    return LastChange(
        configured=f"{embedder.provider}/{embedder.model}",
        job=Job.objects.filter(kind=reembed.name).order_by("created_at").last(),
    )


def figures(spaces: Iterable[EmbeddingSpace]) -> list[Figures]:
    """Look at these spaces, in as many statements however many vectors there are."""
    covered, indexes = coverage(), _indexes()
    return [_figures(space, covered, *indexes.get(space.pk, (0, 0))) for space in spaces]


def _figures(space: EmbeddingSpace, covered: Coverage, indexes: int, index_bytes: int) -> Figures:
    return Figures(
        space=space,
        vectors=covered.of(space.pk),
        memories=covered.memories,
        share=covered.share(space.pk),
        exact=covered.exact,
        indexes=indexes,
        index_bytes=index_bytes,
    )


def _indexes() -> dict[int, tuple[int, int]]:
    with connection.cursor() as cursor:
        cursor.execute(INDEXES)
        return {space: (count, size) for space, count, size in cursor.fetchall()}
