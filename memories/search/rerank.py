"""Rank candidates by their content, their neighbours and their speakers."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Sequence
from functools import partial
from typing import NamedTuple

from .candidate_rows import Candidate
from .fusion import Booster, Boosters, Ranked, best_alone, fuse_scores
from .late_interaction import match_tokens
from .nearby import load_neighbours
from .query import Query
from .scoring_weights import ScoringWeights
from .searched import Searched
from .speakers import find_named

# How many of the best candidates boost their neighbours. This limits the work, and a poor match
# says nothing about its neighbours.
BOOSTERS = 15

# How many places away.
BOOST_PLACES = 3

# What being of the period is worth where the query asks for nothing else: more than all the rest.
ONLY_TIME = 8.0


class Ranking(NamedTuple):
    """Candidates, the best first, and which of their actors the query names."""

    entries: list[Ranked]
    named_actors: frozenset[str]


def rank_candidates(
    candidates: Sequence[Candidate], query: Query, *, searched: Searched
) -> Ranking:
    """Rank these memories and the neighbours of the best of them, the best first."""
    weights = ScoringWeights.configured()
    boosters: Boosters = {}
    if weights.use_neighbours:
        candidates, boosters = _add_neighbours(candidates, query, weights, searched)
    actors = {candidate.actor for candidate in candidates} if weights.speaker else set()
    named_actors = find_named(query.text, actors)
    entries = fuse_scores(
        candidates,
        weights,
        boosters=boosters,
        named_actors=named_actors,
        time_value=_time_value(query),
        match_tokens=partial(match_tokens, query=query) if query.tokens else None,
    )
    return Ranking(entries, named_actors)


def _time_value(query: Query) -> float:
    if query.period is None:
        return 0.0
    return ONLY_TIME if query.period.is_all else 1.0


def _add_neighbours(
    candidates: Sequence[Candidate], query: Query, weights: ScoringWeights, searched: Searched
) -> tuple[Sequence[Candidate], Boosters]:
    """Add the neighbours of the best candidates, and say which of these boost which."""
    best = best_alone(candidates, weights, limit=BOOSTERS)
    booster_of = {candidate.pk: candidate for candidate in best if candidate.conversation}
    neighbours = load_neighbours(booster_of, query, searched=searched, places=BOOST_PLACES)
    known = {candidate.pk: candidate for candidate in candidates}
    boosters: dict[uuid.UUID, list[Booster]] = defaultdict(list)
    for origin, place, neighbour in neighbours:
        known.setdefault(neighbour.pk, neighbour)
        boosters[neighbour.pk].append(Booster(booster_of[origin], -place))
    return list(known.values()), boosters
