"""Rank candidates by themselves, by what was said around them and by who said them."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Collection, Sequence

from memories.models.memory import MemoryQuerySet
from memories.search.neighbours import surroundings

from .candidates import Candidate, weigh
from .fusion import Neighbour, Ranked, Surroundings, rank
from .query import Question
from .speakers import named_in
from .weights import Weights

# How many of the candidates, the best by themselves, lift what was said around them. It bounds the
# work; and what answers a question badly says nothing about its neighbours.
LIFTING = 15

# How many places away.
WITHIN = 3


def ranking(
    ids: Collection[uuid.UUID], question: Question, *, among: MemoryQuerySet
) -> list[Ranked]:
    """Rank these memories, and those that stand around the best of them, the best first."""
    weights = Weights.configured()
    candidates = weigh(ids, question)
    around: Surroundings = {}
    if weights.look_around:
        candidates, around = _look_around(candidates, question, weights, among)
    actors = {each.actor for each in candidates} if weights.speaker else set()
    named = named_in(question.query, actors)
    return rank(candidates, weights, around=around, named=named)


def _look_around(
    candidates: Sequence[Candidate], question: Question, weights: Weights, among: MemoryQuerySet
) -> tuple[list[Candidate], Surroundings]:
    """Bring the neighbours of the best candidates, and say which of these lift which."""
    best = [each.candidate for each in rank(candidates, weights.alone())[:LIFTING]]
    lifting = {each.pk: each for each in best if each.has_place}
    beside = surroundings(lifting, places=WITHIN, among=among)
    known = {each.pk for each in candidates}
    brought = {each.pk for places in beside.values() for each in places} - known
    around: dict[uuid.UUID, list[Neighbour]] = defaultdict(list)
    for pk, places in beside.items():
        for each in places:
            around[each.pk].append(Neighbour(lifting[pk], abs(each.place)))
    return [*candidates, *weigh(brought, question)], around
