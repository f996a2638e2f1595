"""The state of a migration and of all spaces, for the operator who controls them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from configuration import effective
from core.sql import fetch_all
from jobs.models import Job
from memories.models import EmbeddingSpace
from memories.vectors.coverage import Coverage, estimate_coverage

from .reembed_job import reembed

State = EmbeddingSpace.State

STATE_LABELS = {
    State.ACTIVE: "current",
    State.FILLING: "filling",
    State.PAUSED: "paused",
    State.KEPT: "kept for rollback",
    State.DROPPING: "dropping",
}

# Of users with too many memories for exact search.
INDEXES = r"""
SELECT split_part(relname, '_', 3)::integer, count(*), sum(pg_relation_size(pg_class.oid))
FROM pg_class WHERE relkind = 'i' AND relname LIKE 'nearest\_%' GROUP BY 1
"""

# What PostgreSQL stores with each vector and row beside the numbers themselves.
BYTES_BESIDE_VECTOR = 88


@dataclass(frozen=True)
class SpaceFigures:
    """The size of a space. Estimates unless `exact`."""

    space: EmbeddingSpace
    vectors: int
    memories: int
    share: float  # of the memories that need a vector, from 0 to 1
    exact: bool
    indexes: int
    index_bytes: int

    @property
    def state_label(self) -> str:
        return STATE_LABELS[State(self.space.state)]

    @property
    def vector_bytes(self) -> int:
        """The approximate size of the vectors in their table."""
        return self.vectors * (2 * self.space.dimensions + BYTES_BESIDE_VECTOR)


@dataclass(frozen=True)
class MigrationStatus:
    """The configured model, and the last job that was to migrate to one."""

    configured: str
    job: Job | None

    @property
    def is_underway(self) -> bool:
        return self.job is not None and not self.job.is_finished


def read_status() -> MigrationStatus:
    embedder = effective.current_settings().embedder
    return MigrationStatus(
        configured=f"{embedder.provider}/{embedder.model}",
        job=Job.objects.filter(kind=reembed.name).order_by("created_at").last(),
    )


def measure_spaces(spaces: Iterable[EmbeddingSpace]) -> list[SpaceFigures]:
    """Measure spaces, with a number of queries that does not grow with the number of vectors."""
    coverage, indexes = estimate_coverage(), _measure_indexes()
    return [_measure(space, coverage, *indexes.get(space.pk, (0, 0))) for space in spaces]


def _measure(
    space: EmbeddingSpace, coverage: Coverage, indexes: int, index_bytes: int
) -> SpaceFigures:
    return SpaceFigures(
        space=space,
        vectors=coverage.of(space.pk),
        memories=coverage.memories,
        share=coverage.share(space.pk),
        exact=coverage.exact,
        indexes=indexes,
        index_bytes=index_bytes,
    )


def _measure_indexes() -> dict[int, tuple[int, int]]:
    """The number and bytes of the indexes, by the id of the space."""
    return {space: (count, size) for space, count, size in fetch_all(INDEXES)}
