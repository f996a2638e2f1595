"""Fuse the scores of candidates into one: see docs/decisions/0051-ranking.md."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .candidate_rows import Candidate
from .scoring_weights import ScoringWeights

# Neighbours up to this many places away lend their words.
LEXICAL_PLACES = 2

# What is said within half an hour of a memory, in its conversation, and how many count.
CONTEXT_SECONDS = 30 * 60
CONTEXT_MEMORIES = 3

# The parts that a memory outside of any conversation cannot have: it gets their means over the
# best so many that are in one. Else it would rank behind whatever was said in a conversation.
CONTEXT_PARTS = ("nearby_words", "context", "answers")
COMPARED_IN_CONVERSATION = 10

# The tokens of so many of the best are compared.
TOKEN_CANDIDATES = 100

Column = NDArray[np.float64]


# A search makes hundreds of each of these: named tuples are made faster than dataclasses.
class Booster(NamedTuple):
    """A candidate that boosts another one of its conversation: before it if `place` is negative."""

    candidate: Candidate
    place: int


# How well the tokens of candidates match those of the query, NaN where they are not known.
TokenMatch = Callable[[Sequence[Candidate]], Column]

# The boosters of each candidate that has any.
Boosters = Mapping[uuid.UUID, Collection[Booster]]


class Boost(NamedTuple):
    """What the best booster of a candidate adds, before any weight."""

    memory_id: uuid.UUID
    places: int
    value: float


class Parts(NamedTuple):
    """What a score is the weighted sum of: `ScoringWeights` names the weight of each."""

    similarity: float
    words: float
    nearby_words: float
    context: float
    answers: float
    speaker: float
    when: float
    all_words: float
    time: float
    tokens: float


class Ranked(NamedTuple):
    """A candidate with its score, its parts and weights, and the neighbour with the best words."""

    candidate: Candidate
    parts: Parts
    nearby_words: Boost | None
    score: float
    weights: ScoringWeights


def fuse_scores(
    candidates: Sequence[Candidate],
    weights: ScoringWeights,
    *,
    boosters: Boosters | None = None,
    named_actors: Collection[str] = (),
    time_value: float = 0.0,
    match_tokens: TokenMatch | None = None,
) -> list[Ranked]:
    """Score the candidates against each other: the best first and, of equal scores, the newest.

    Those that are not valid at the time of the query follow all others.

    The similarity is 1 for the nearest candidate and 0 for the farthest, or 1 for all if they are
    equally near. The words are the lexical score relative to the greatest; they replace the
    similarity of a candidate without a vector. These two make a candidate's own score.

    The nearby words are the lexical score of the best booster, relative to the greatest. The
    context is the mean of the three best own scores around it. An answer follows a question of
    another speaker, and has that one's own score. A speaker counts if it is one of the
    `named_actors`, and a candidate of the period that the query names counts `time_value`.

    The tokens of the best by all of this are compared with those of the query, and replace most of
    the similarity and half of the words.
    """
    if not candidates:
        return []
    boosters = boosters or {}
    nearby = [
        _nearby_words(boosters[candidate.pk]) if candidate.pk in boosters else None
        for candidate in candidates
    ]
    words = _relative(_column([candidate.lexical for candidate in candidates]))
    similarity = _similarity(candidates, words)
    own_scores = weights.own_score(similarity, words)
    has_context = weights.use_neighbours
    nothing = np.zeros(len(candidates))
    columns = {
        "similarity": similarity,
        "words": words,
        "nearby_words": _relative(_column([boost.value if boost else 0.0 for boost in nearby])),
        "context": _context(candidates, own_scores) if has_context else nothing,
        "answers": _answers(candidates, boosters, own_scores),
        "speaker": _column([candidate.actor in named_actors for candidate in candidates]),
        "when": _column([candidate.time_words for candidate in candidates]),
        "all_words": _column([candidate.has_all_words for candidate in candidates]),
        "time": time_value * _column([candidate.is_of_period for candidate in candidates]),
        "tokens": nothing,
    }
    scores = _add_up(candidates, columns, weights)
    if match_tokens and weights.tokens:
        tokens = _tokens(candidates, scores, own_scores, match_tokens)
        if tokens is not None:
            columns["tokens"] = tokens
            weights = weights.beside_tokens()
            scores = _add_up(candidates, columns, weights)
    parts = np.column_stack([columns[name] for name in Parts._fields]).tolist()
    return [
        Ranked(
            candidates[index], Parts(*parts[index]), nearby[index], float(scores[index]), weights
        )
        for index in _order(candidates, scores)
    ]


def best_alone(
    candidates: Sequence[Candidate], weights: ScoringWeights, *, limit: int
) -> list[Candidate]:
    """The best candidates by what they say themselves, without their neighbours."""
    if not candidates:
        return []
    words = _relative(_column([candidate.lexical for candidate in candidates]))
    columns = {"similarity": _similarity(candidates, words), "words": words}
    order = _order(candidates, weights.add_up(columns))
    return [candidates[index] for index in order[:limit]]


def _order(candidates: Sequence[Candidate], scores: Column) -> list[int]:
    order = np.lexsort(
        (
            # The last tie is broken by the integer of the id, which is compared much faster.
            np.array([candidate.pk.int >> 64 for candidate in candidates], np.uint64),
            -_moments(candidates),
            -scores,
            ~np.array([candidate.is_valid for candidate in candidates]),
        )
    )
    indexes: list[int] = order.tolist()
    return indexes


def _nearby_words(boosters: Iterable[Booster]) -> Boost | None:
    best = max(
        (
            Boost(booster.candidate.pk, abs(booster.place), booster.candidate.lexical)
            for booster in boosters
            if abs(booster.place) <= LEXICAL_PLACES
        ),
        key=lambda boost: boost.value,
        default=None,
    )
    return best if best and best.value else None


def _similarity(candidates: Sequence[Candidate], words: Column) -> Column:
    cosines = _column([candidate.cosine for candidate in candidates])  # None becomes NaN
    is_missing = np.isnan(cosines)
    if is_missing.all():
        return words
    farthest, nearest = np.nanmin(cosines), np.nanmax(cosines)
    span = nearest - farthest
    similarity = (cosines - farthest) / span if span else np.ones(len(candidates))
    return np.where(is_missing, words, similarity)


def _context(candidates: Sequence[Candidate], own_scores: Column) -> Column:
    """The mean of the best own scores within half an hour in the conversation of each."""
    numbers: dict[str, int] = {}
    conversations = np.array(
        [
            numbers.setdefault(candidate.conversation, len(numbers))
            if candidate.conversation
            else -1
            for candidate in candidates
        ]
    )
    context = np.zeros(len(candidates))
    [inside] = np.nonzero(conversations >= 0)
    conversations, moments = conversations[inside], _moments(candidates)[inside]
    are_near = (conversations[:, None] == conversations) & (
        np.abs(moments[:, None] - moments) <= CONTEXT_SECONDS
    )
    np.fill_diagonal(are_near, False)
    others = np.where(are_near, own_scores[inside], 0.0)
    few = max(0, len(inside) - CONTEXT_MEMORIES)
    best = np.partition(others, few, axis=1)[:, few:] if len(inside) else others
    context[inside] = best.sum(axis=1) / CONTEXT_MEMORIES
    return context


def _answers(candidates: Sequence[Candidate], boosters: Boosters, own_scores: Column) -> Column:
    """The own score of the question right before a candidate, if somebody else asked it."""
    if not boosters:
        return np.zeros(len(candidates))
    pairs = zip(candidates, own_scores.tolist(), strict=True)
    own_score_of = {candidate.pk: score for candidate, score in pairs}

    def value(candidate: Candidate) -> float:
        return max(
            (
                own_score_of[booster.candidate.pk]
                for booster in boosters.get(candidate.pk, ())
                if booster.place == -1
                and booster.candidate.is_question
                and booster.candidate.actor != candidate.actor
            ),
            default=0.0,
        )

    return _column([value(candidate) for candidate in candidates])


def _tokens(
    candidates: Sequence[Candidate], scores: Column, own_scores: Column, match: TokenMatch
) -> Column | None:
    """How well the tokens of the best match. None where those of none are known.

    Where those of some are not yet known, their own score is a fair guess.
    """
    best = np.argsort(-scores, kind="stable")[:TOKEN_CANDIDATES]
    matches = match([candidates[index] for index in best])
    if np.isnan(matches).all():
        return None
    least, greatest = np.nanmin(matches), np.nanmax(matches)
    span = greatest - least
    parts = (matches - least) / span if span else np.where(np.isnan(matches), np.nan, 1.0)
    tokens = np.zeros(len(candidates))
    tokens[best] = np.where(np.isnan(parts), own_scores[best], parts)
    return tokens


def _add_up(
    candidates: Sequence[Candidate], columns: Mapping[str, Column], weights: ScoringWeights
) -> Column:
    if weights.use_neighbours:
        _fill_in_context(candidates, columns, weights)
    return weights.add_up(columns)


def _fill_in_context(
    candidates: Sequence[Candidate], columns: Mapping[str, Column], weights: ScoringWeights
) -> None:
    is_alone = np.array([candidate.conversation is None for candidate in candidates])
    if is_alone.all() or not is_alone.any():
        return
    [inside] = np.nonzero(~is_alone)
    scores = weights.add_up(columns)[inside]
    best = inside[np.argsort(-scores, kind="stable")[:COMPARED_IN_CONVERSATION]]
    for name in CONTEXT_PARTS:
        columns[name][is_alone] = columns[name][best].mean()


def _moments(candidates: Sequence[Candidate]) -> Column:
    return _column([candidate.created_at for candidate in candidates])


def _relative(values: Column) -> Column:
    greatest = values.max(initial=0.0)
    return values / greatest if greatest else values


def _column(values: list[Any]) -> Column:
    return np.array(values, np.float64)
