"""Mem0's decay: what was found or changed a short time ago comes before what lies idle.

Mem0 documents the range of the factor and its values after a few days and weeks, but no formula.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime

from django.utils import timezone

from core.sql import fetch_all, uuid_array
from memories.search import Hit

from .shared_score import ScoredHit

LEAST, MOST = 0.3, 1.5
# Searches of a memory that count.
COUNTED = 20
# Days until half of what is above the least is left: of a memory that was never found, and those
# that each search adds.
HALF_DAYS, HALF_DAYS_PER_SEARCH = 2.0, 0.1

LAST_SEARCHES = """
SELECT memory.id, count(touch.accessed_at), max(touch.accessed_at)
FROM unnest(%s::uuid[]) AS memory (id)
LEFT JOIN LATERAL (
    SELECT accessed_at FROM memories_access
    WHERE memory_id = memory.id AND access_type = 'search'
    ORDER BY accessed_at DESC, id DESC LIMIT %s
) AS touch ON true
GROUP BY memory.id
"""


def widen(top_k: int) -> int:
    """How many hits are ranked anew, so that others come into the first ones."""
    return max(3 * top_k, 50)


def rank_by_use(scored: Sequence[ScoredHit]) -> list[ScoredHit]:
    """Rank hits by their score times a factor from 0.3 to 1.5. Scores stay below 1, and fall."""
    factors = _find_factors([hit for hit, _ in scored])
    weighed = [(hit, score * factors[hit.memory.pk]) for hit, score in scored]
    weighed.sort(key=lambda pair: (pair[0].is_valid, pair[1]), reverse=True)
    ranked: list[ScoredHit] = []
    most = 1.0
    for hit, score in weighed:
        most = min(most, score)
        ranked.append((hit, round(most, 6)))
    return ranked


def _find_factors(hits: Sequence[Hit]) -> dict[uuid.UUID, float]:
    rows = fetch_all(LAST_SEARCHES, [uuid_array(hit.memory.pk for hit in hits), COUNTED])
    searches = {pk: (number, last) for pk, number, last in rows}
    now = timezone.now()
    return {
        hit.memory.pk: _factor(*searches[hit.memory.pk], changed_at=hit.memory.updated_at, now=now)
        for hit in hits
    }


def _factor(number: int, last: datetime | None, *, changed_at: datetime, now: datetime) -> float:
    touched_at = max(last or changed_at, changed_at)
    idle_days = max(0.0, (now - touched_at).total_seconds() / 86_400)
    half = HALF_DAYS + HALF_DAYS_PER_SEARCH * number
    return LEAST + (MOST - LEAST) / (1 + idle_days / half)
