"""Why a memory is not among the hits of a search."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from memories.access.reader import Reader
from memories.models import Memory, State
from memories.models.memory import MemoryQuerySet

from .explanation import Explanation


class Reason(StrEnum):
    """What kept a memory out of the hits, in the order in which it is looked for."""

    FOUND = "found"
    BEYOND_TOP_K = "beyond_top_k"
    BELOW_THRESHOLD = "below_threshold"
    BELOW_MIN_SCORE = "below_min_score"
    BELOW_FLOOR = "below_floor"
    UNKNOWN = "unknown"
    EXPIRED = "expired"
    PAUSED = "paused"
    ARCHIVED = "archived"
    DELETED = "deleted"
    DENIED = "denied"
    FILTERED = "filtered"
    NO_CANDIDATE = "no_candidate"


@dataclass(frozen=True)
class Missing:
    """Why a memory was not found. `place`, `score` and the explanation are those of a candidate."""

    memory_id: uuid.UUID
    reason: Reason
    place: int | None = None
    score: float | None = None
    similarity: float | None = None
    explanation: Explanation | None = None


def explain_missing(
    ids: Sequence[uuid.UUID],
    *,
    candidates: Mapping[uuid.UUID, Missing],
    among: MemoryQuerySet,
    reader: Reader,
    asker: Reader,
) -> list[Missing]:
    """Explain each memory, in the order of the ids.

    `among` are those that the search looked through. The reader searched; the asker, who may be
    allowed to read more, is told why. Of what the asker may not read, nothing is told: it is as
    unknown as an id that does not exist.
    """
    others = [pk for pk in ids if pk not in candidates]
    readable = asker.memories().filter(pk__in=others) if others else Memory.objects.none()
    memory_by_id = {memory.pk: memory for memory in readable}
    allowed = _ids(reader.memories(), memory_by_id)
    searched = _ids(among, memory_by_id)

    def explain(pk: uuid.UUID) -> Missing:
        if pk in candidates:
            return candidates[pk]
        if pk not in memory_by_id:
            return Missing(pk, Reason.UNKNOWN)
        return Missing(pk, _reason(memory_by_id[pk], allowed=allowed, searched=searched))

    return [explain(pk) for pk in dict.fromkeys(ids)]


def _ids(memories: MemoryQuerySet, ids: Collection[uuid.UUID]) -> set[uuid.UUID]:
    return set(memories.filter(pk__in=ids).values_list("pk", flat=True)) if ids else set()


def _reason(
    memory: Memory, *, allowed: Collection[uuid.UUID], searched: Collection[uuid.UUID]
) -> Reason:
    if memory.is_expired and memory.pk not in allowed:
        return Reason.EXPIRED
    if memory.state != State.ACTIVE:
        return Reason(memory.state)
    if memory.pk not in allowed:
        return Reason.DENIED
    return Reason.NO_CANDIDATE if memory.pk in searched else Reason.FILTERED
