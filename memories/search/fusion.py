"""Fuse the scores of candidates into one."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from .candidates import Candidate
from .scoring_weights import ScoringWeights

# Neighbours up to this many places away give a lexical boost.
LEXICAL_PLACES = 2


# A search makes hundreds of each of these: named tuples are made faster than dataclasses.
class Booster(NamedTuple):
    """A candidate that boosts another one of its conversation, `places` away."""

    candidate: Candidate
    places: int


# The boosters of each candidate that has any.
Boosters = Mapping[uuid.UUID, Collection[Booster]]


class Boost(NamedTuple):
    """What the best booster of a candidate adds, before any weight."""

    memory_id: uuid.UUID
    places: int
    value: float


class Ranked(NamedTuple):
    """A candidate with its score, and the unweighted parts that add up to it."""

    candidate: Candidate
    similarity_part: float
    lexical_part: float
    lexical_boost: Boost | None
    context_boost: Boost | None
    speaker_part: float
    all_words_part: float
    time_part: float
    score: float


def fuse_scores(
    candidates: Sequence[Candidate],
    weights: ScoringWeights,
    *,
    boosters: Boosters | None = None,
    named_actors: Collection[str] = (),
    time_value: float = 0.0,
) -> list[Ranked]:
    """Score the candidates against each other: the best first and, of equal scores, the newest.

    Those that are not valid at the time of the query follow all others.

    The similarity part is 1 for the nearest candidate and 0 for the farthest, or 1 for all if they
    are equally near. The lexical part is the lexical score plus a share of the best booster's,
    relative to the greatest of all candidates; it replaces the similarity part of a candidate
    without a vector. The score adds a share of the best booster's score by these two parts, and the
    speaker's weight if the actor is one of the `named_actors`, and a weight for having all words of
    a query that asks for all, and one for being of the period that it names, times `time_value`.
    """
    boosters = boosters or {}
    # Only of those that have boosters, as most have none.
    lexical_boosts = {pk: _lexical_boost(its_boosters) for pk, its_boosters in boosters.items()}
    lexical_parts = _lexical_parts(candidates, lexical_boosts, weights.nearby_words)
    similarity_parts = _similarity_parts(candidates, lexical_parts)
    base_scores = [
        weights.similarity * similarity_part + weights.words * lexical_part
        for similarity_part, lexical_part in zip(similarity_parts, lexical_parts, strict=True)
    ]
    base_score_of = {
        candidate.pk: score for candidate, score in zip(candidates, base_scores, strict=True)
    }
    context_boosts = {
        pk: _context_boost(its_boosters, base_score_of, weights.per_place)
        for pk, its_boosters in boosters.items()
    }
    ranked = []
    for index, candidate in enumerate(candidates):
        context_boost = context_boosts.get(candidate.pk)
        speaker_part = 1.0 if candidate.actor in named_actors else 0.0
        time_part = time_value if candidate.is_of_period else 0.0
        all_words_part = 1.0 if candidate.has_all_words else 0.0
        ranked.append(
            Ranked(
                candidate,
                similarity_part=similarity_parts[index],
                lexical_part=lexical_parts[index],
                lexical_boost=lexical_boosts.get(candidate.pk),
                context_boost=context_boost,
                speaker_part=speaker_part,
                all_words_part=all_words_part,
                time_part=time_part,
                score=base_scores[index]
                + weights.context * _value(context_boost)
                + weights.speaker * speaker_part
                + weights.all_words * all_words_part
                + weights.time * time_part,
            )
        )
    return _sorted(ranked)


def _sorted(ranked: list[Ranked]) -> list[Ranked]:
    # The last tie is broken by the integer of the id, which is compared much faster than the id.
    ranked.sort(key=lambda entry: entry.candidate.pk.int)
    ranked.sort(
        key=lambda entry: (entry.candidate.is_valid, entry.score, entry.candidate.created_at),
        reverse=True,
    )
    return ranked


def _lexical_boost(boosters: Iterable[Booster]) -> Boost | None:
    return _best(
        Boost(booster.candidate.pk, booster.places, booster.candidate.lexical)
        for booster in boosters
        if booster.places <= LEXICAL_PLACES
    )


def _context_boost(
    boosters: Iterable[Booster], base_score_of: Mapping[uuid.UUID, float], per_place: float
) -> Boost | None:
    return _best(
        Boost(
            booster.candidate.pk,
            booster.places,
            base_score_of[booster.candidate.pk] * per_place**booster.places,
        )
        for booster in boosters
    )


def _best(boosts: Iterable[Boost]) -> Boost | None:
    best = max(boosts, key=lambda boost: boost.value, default=None)
    return best if best and best.value else None


def _value(boost: Boost | None) -> float:
    return boost.value if boost else 0.0


def _lexical_parts(
    candidates: Sequence[Candidate], boosts: Mapping[uuid.UUID, Boost | None], share: float
) -> list[float]:
    scores = [
        candidate.lexical + share * _value(boosts.get(candidate.pk)) for candidate in candidates
    ]
    greatest = max(scores, default=0.0)
    return [score / greatest if greatest else 0.0 for score in scores]


def _similarity_parts(
    candidates: Sequence[Candidate], lexical_parts: Sequence[float]
) -> list[float]:
    cosines = [candidate.cosine for candidate in candidates if candidate.cosine is not None]
    farthest, nearest = min(cosines, default=0.0), max(cosines, default=0.0)
    span = nearest - farthest
    return [
        lexical_part
        if candidate.cosine is None
        else ((candidate.cosine - farthest) / span if span else 1.0)
        for candidate, lexical_part in zip(candidates, lexical_parts, strict=True)
    ]
