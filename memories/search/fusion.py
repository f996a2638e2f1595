"""Put what is known of the candidates into one score."""

from __future__ import annotations

import uuid
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from .candidates import Candidate
from .weights import Weights

# Of so many places around a memory, the words count as near it.
WORDS_WITHIN = 2


# Hundreds of each of these are made for a search, which named tuples are quicker at.
class Neighbour(NamedTuple):
    """That one candidate stands so many places from another one, in the same conversation."""

    candidate: Candidate
    places: int


# Of each candidate, those of its neighbours that count.
Surroundings = Mapping[uuid.UUID, Collection[Neighbour]]


class Lift(NamedTuple):
    """What the best neighbour of a candidate is worth to it."""

    by: uuid.UUID
    places: int
    worth: float


class Ranked(NamedTuple):
    """A candidate with its score, and the parts that this is the sum of, before their weights."""

    candidate: Candidate
    nearness: float
    words: float
    nearby_words: Lift | None
    context: Lift | None
    speaker: float
    score: float


def rank(
    candidates: Sequence[Candidate],
    weights: Weights,
    *,
    around: Surroundings | None = None,
    named: Collection[str] = (),
) -> list[Ranked]:
    """Score the candidates against each other, the best first; of equal ones, the newest.

    The nearest has the nearness 1 and the farthest 0; where none is nearer than another, all
    have 1. The words of a memory, with a share of its best neighbour's, count against the most
    that any candidate has. One without a vector, as of a moment ago, is judged by its words alone.
    To this is added a share of what the best of its neighbours has reached so far, and
    something for who is named.
    """
    around = around or {}
    # Of those that have neighbours, as most have none.
    nearby = {pk: _nearby_words(neighbours) for pk, neighbours in around.items()}
    words = _words(candidates, nearby, weights.nearby_words)
    near = _nearness(candidates, words)
    alone = [
        weights.similarity * nearness + weights.words * worded
        for nearness, worded in zip(near, words, strict=True)
    ]
    reached = {each.pk: score for each, score in zip(candidates, alone, strict=True)}
    contexts = {pk: _context(near_it, reached, weights) for pk, near_it in around.items()}
    ranked = []
    for number, each in enumerate(candidates):
        context = contexts.get(each.pk)
        speaker = 1.0 if each.actor in named else 0.0
        ranked.append(
            Ranked(
                each,
                nearness=near[number],
                words=words[number],
                nearby_words=nearby.get(each.pk),
                context=context,
                speaker=speaker,
                score=alone[number] + weights.context * _worth(context) + weights.speaker * speaker,
            )
        )
    return _in_order(ranked)


def _in_order(ranked: list[Ranked]) -> list[Ranked]:
    # The number of an id settles what else is equal. It is compared much faster than the id.
    ranked.sort(key=lambda each: each.candidate.pk.int)
    ranked.sort(key=lambda each: (each.score, each.candidate.created_at), reverse=True)
    return ranked


def _nearby_words(neighbours: Iterable[Neighbour]) -> Lift | None:
    return _best(
        Lift(each.candidate.pk, each.places, each.candidate.weight)
        for each in neighbours
        if each.places <= WORDS_WITHIN
    )


def _context(
    neighbours: Iterable[Neighbour], reached: Mapping[uuid.UUID, float], weights: Weights
) -> Lift | None:
    return _best(
        Lift(
            each.candidate.pk,
            each.places,
            reached[each.candidate.pk] * weights.per_place**each.places,
        )
        for each in neighbours
    )


def _best(lifts: Iterable[Lift]) -> Lift | None:
    best = max(lifts, key=lambda lift: lift.worth, default=None)
    return best if best and best.worth else None


def _worth(lift: Lift | None) -> float:
    return lift.worth if lift else 0.0


def _words(
    candidates: Sequence[Candidate], nearby: Mapping[uuid.UUID, Lift | None], share: float
) -> list[float]:
    weights = [each.weight + share * _worth(nearby.get(each.pk)) for each in candidates]
    most = max(weights, default=0.0)
    return [weight / most if most else 0.0 for weight in weights]


def _nearness(candidates: Sequence[Candidate], words: Sequence[float]) -> list[float]:
    cosines = [each.cosine for each in candidates if each.cosine is not None]
    farthest, nearest = min(cosines, default=0.0), max(cosines, default=0.0)
    span = nearest - farthest
    return [
        worded if each.cosine is None else ((each.cosine - farthest) / span if span else 1.0)
        for each, worded in zip(candidates, words, strict=True)
    ]
