"""Put nearness and words together into one score."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from .words import Lexeme

NEARNESS_WEIGHT = 0.6
WORDS_WEIGHT = 0.4


@dataclass(frozen=True)
class Candidate:
    """A memory that may be an answer, and what of the question is in it."""

    pk: uuid.UUID
    created_at: datetime
    cosine: float | None
    matched: Sequence[Lexeme]

    @property
    def weight(self) -> float:
        return sum(lexeme.weight for lexeme in self.matched)


@dataclass(frozen=True)
class Ranked:
    """A candidate with its score, and the two parts of it, all from 0 to 1."""

    candidate: Candidate
    nearness: float
    words: float

    @property
    def score(self) -> float:
        return NEARNESS_WEIGHT * self.nearness + WORDS_WEIGHT * self.words


def rank(candidates: Sequence[Candidate]) -> list[Ranked]:
    """Score the candidates against each other, the best first; of equal ones, the newest.

    The nearest has the nearness 1 and the farthest 0; where none is nearer than another, all
    have 1, and one without a vector has 0. The words of a memory count against the most that
    any candidate has.
    """
    cosines = [each.cosine for each in candidates if each.cosine is not None]
    farthest, nearest = min(cosines, default=0.0), max(cosines, default=0.0)
    most = max((each.weight for each in candidates), default=0.0)
    ranked = [
        Ranked(
            each,
            nearness=_nearness(each.cosine, farthest, nearest),
            words=each.weight / most if most else 0.0,
        )
        for each in candidates
    ]
    return sorted(ranked, key=_order)


def _nearness(cosine: float | None, farthest: float, nearest: float) -> float:
    if cosine is None:
        return 0.0
    if farthest == nearest:
        return 1.0
    return (cosine - farthest) / (nearest - farthest)


def _order(ranked: Ranked) -> tuple[float, float, uuid.UUID]:
    return -ranked.score, -ranked.candidate.created_at.timestamp(), ranked.candidate.pk
