"""Rank candidates by their content, their neighbours and their speakers."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import partial
from typing import NamedTuple

from memories.models.memory import MemoryQuerySet

from .candidates import Candidate, load_candidates
from .fusion import Booster, Boosters, Ranked, fuse_scores
from .late_interaction import match_tokens
from .neighbours import find_neighbours
from .query import Query
from .scoring_weights import ScoringWeights
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


def rank_candidates(ids: Collection[uuid.UUID], query: Query, *, among: MemoryQuerySet) -> Ranking:
    """Rank these memories and the neighbours of the best of them, the best first."""
    weights = ScoringWeights.configured()
    candidates = load_candidates(ids, query)
    boosters: Boosters = {}
    if weights.use_neighbours:
        candidates, boosters = _add_neighbours(candidates, query, weights, among)
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
    candidates: Sequence[Candidate], query: Query, weights: ScoringWeights, among: MemoryQuerySet
) -> tuple[list[Candidate], Boosters]:
    """Add the neighbours of the best candidates, and say which of these boost which."""
    ranked = fuse_scores(candidates, weights.without_boosts())
    best = [entry.candidate for entry in ranked[:BOOSTERS]]
    booster_of = {candidate.pk: candidate for candidate in best if candidate.conversation}
    neighbours_of = find_neighbours(
        booster_of, places=BOOST_PLACES, among=among, reader=query.reader
    )
    neighbour_ids = {
        neighbour.pk for neighbours in neighbours_of.values() for neighbour in neighbours
    }
    new_candidates = load_candidates(
        neighbour_ids - {candidate.pk for candidate in candidates}, query
    )
    boosters: dict[uuid.UUID, list[Booster]] = defaultdict(list)
    for pk, neighbours in neighbours_of.items():
        for neighbour in neighbours:
            boosters[neighbour.pk].append(Booster(booster_of[pk], -neighbour.place))
    return [*candidates, *new_candidates], boosters
