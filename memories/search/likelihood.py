"""How likely it is that a query has an answer here, and that a hit is that answer.

A score that orders the hits of one search says nothing about the search: the best hit of a hopeless
query scores as high as any. So the score of a hit is the product of two probabilities. The `fit`
says how likely any memory answers the query, from the best similarity, the share of the query's
words that a hit has, and the names in it. The `share` says how likely it is this one, from how far
its rank score stands out. Both are logistic regressions: benchmarks/fit_likelihood.py fits them.
docs/decisions/0043-score.md has the measurements.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from memories.words.characters import fold

from .fusion import Ranked
from .lexemes import Lexeme
from .query import Query

PARAMETERS = Path(__file__).with_suffix(".json")

# The best hits, by whose words a query is judged. It must not depend on `top_k`.
JUDGED = 10

# A neighbour's words say less than a hit's own.
NEARBY_SHARE = 0.6

# Among fewer memories each word weighs too much, and a person finds what they asked for anyway.
FEW_MEMORIES = 10

# A hit has what was looked for where it has nearly all words of the query by weight, or most of
# them and a rare one: in at most so many memories, or in at most this share of them.
NEARLY_ALL_WORDS, MOST_WORDS = 0.9, 0.6
RARE_MEMORIES, RARE_SHARE = 3, 0.01

# A single word says too little to judge by.
ENOUGH_WORDS = 2

# Whatever is of a period answers what was then. Not measured.
FIT_OF_PERIOD = 0.9

WORD = re.compile(r"[^\W\d_][^\W_]*")


@dataclass(frozen=True)
class Likelihood:
    """The fit of a query with its parts, and the rank scores that its hits are compared with.

    `floor` is the least fit with which a search by default returns anything, 0 for none.
    """

    fit: float
    parts: Mapping[str, float]
    floor: float
    best: float
    mean: float

    @property
    def is_below_floor(self) -> bool:
        return self.fit < self.floor

    def share(self, ranked: Ranked) -> float:
        """The probability that this hit answers, if any does."""
        values = {
            "behind_best": ranked.score - self.best,
            "above_mean": ranked.score - self.mean,
        }
        return _logistic(_parameters()["share"], values)

    def score(self, ranked: Ranked) -> float:
        return self.fit * self.share(ranked)


def estimate_likelihood(
    query: Query,
    ranked: Sequence[Ranked],
    *,
    named_actors: Collection[str],
    is_filtered: bool,
) -> Likelihood:
    """Estimate how likely the query has an answer among these, the best first."""
    judged = ranked[:JUDGED]
    parts = _fit_parts(query, ranked, named_actors)
    weights_by_model = _parameters()["fit"]
    weights = weights_by_model.get(query.space.model) if query.vector is not None else None
    is_of_period = _is_of_period(query, judged)
    has_floor = (
        weights is not None
        and not is_of_period
        # The weights of words are those among all memories.
        and not is_filtered
        and _can_be_judged(query, judged)
        and not _is_exact(query, judged, parts["words"])
    )
    fit = _logistic(weights or weights_by_model[""], parts) if ranked else 0.0
    return Likelihood(
        fit=max(fit, FIT_OF_PERIOD) if is_of_period else fit,
        parts=parts,
        floor=_floor(query.memories) if has_floor else 0.0,
        best=ranked[0].score if ranked else 0.0,
        mean=sum(entry.score for entry in judged) / JUDGED,
    )


def _fit_parts(
    query: Query, ranked: Sequence[Ranked], named_actors: Collection[str]
) -> dict[str, float]:
    judged = ranked[:JUDGED]
    weight = sum(lexeme.idf for lexeme in _weighed(query)) or 1.0
    words = max((entry.candidate.lexical for entry in judged), default=0.0) / weight
    nearby = max((_nearby_words(entry) for entry in judged), default=0.0) / weight
    known, unknown = _judge_names(query, named_actors)
    return {
        "similarity": max((entry.candidate.similarity for entry in ranked), default=0.0),
        "words": words,
        "nearby_words": max(words, NEARBY_SHARE * nearby),
        "known_name": float(known),
        "unknown_name": float(unknown),
    }


def _weighed(query: Query) -> list[Lexeme]:
    """The terms of the query: of those that no memory has, only what one should have."""
    return [*query.lexemes, *(lexeme for lexeme in query.unknown_lexemes if lexeme.required)]


def _nearby_words(entry: Ranked) -> float:
    return entry.nearby_words.value if entry.nearby_words else 0.0


def _floor(memories: int) -> float:
    floor: float = settings.SEARCH_FLOOR
    return 0.0 if memories < FEW_MEMORIES else floor


def _can_be_judged(query: Query, judged: Sequence[Ranked]) -> bool:
    """Whether this was measured: enough words, in Latin script, and vectors of all hits."""
    has_words = len(_weighed(query)) >= ENOUGH_WORDS
    has_vectors = all(entry.candidate.cosine is not None for entry in judged)
    return has_words and has_vectors and query.is_latin


def _is_exact(query: Query, judged: Sequence[Ranked], words: float) -> bool:
    """Whether a hit has just what was looked for, such as a number, whatever the model says."""
    if words >= NEARLY_ALL_WORDS:
        return True
    matched = {lexeme for entry in judged for lexeme in entry.candidate.matched}
    rare = max(RARE_MEMORIES, int(RARE_SHARE * query.memories))
    return any(
        any(map(str.isdigit, lexeme.text))
        or (words >= MOST_WORDS and lexeme.document_frequency <= rare)
        for lexeme in matched
    )


def _is_of_period(query: Query, judged: Sequence[Ranked]) -> bool:
    """Whether the query asks for what was in a period, and there is something."""
    return (
        query.period is not None
        and query.period.is_all
        and any(entry.candidate.is_of_period for entry in judged)
    )


def _judge_names(query: Query, named_actors: Collection[str]) -> tuple[bool, bool]:
    """Whether the query names what memories name, and what none does.

    A name is a capitalised word that is not the first. That of the user or of a speaker is known,
    as their memories may not repeat it.
    """
    user = query.reader.user
    own = {fold(part) for name in (*named_actors, user.user_id, user.name) for part in
           WORD.findall(name)}  # fmt: skip
    names = {
        fold(word)
        for word in WORD.findall(query.text)[1:]
        if word[0].isupper() and not word.isupper()
    }
    known = any(_has_lexeme(name, query.lexemes) for name in names)
    unknown = any(_has_lexeme(name, query.unknown_lexemes) for name in names - own)
    return known or bool(names & own), unknown


def _has_lexeme(name: str, lexemes: Sequence[Lexeme]) -> bool:
    """Whether one of the lexemes is this word or a stem of it."""
    return any(
        lexeme.text == name or (len(lexeme.text) >= 4 and name.startswith(lexeme.text))
        for lexeme in lexemes
    )


def _logistic(weights: Mapping[str, float], values: Mapping[str, float]) -> float:
    log_odds = sum(weight * values.get(name, 1.0) for name, weight in weights.items())
    return 1 / (1 + math.exp(-log_odds))


@cache
def _parameters() -> dict[str, Any]:
    parameters: dict[str, Any] = json.loads(PARAMETERS.read_text())
    return parameters
